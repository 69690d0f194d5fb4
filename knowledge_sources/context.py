"""What a running agent is given beside its records: reading, writing, and what it may say about itself.

A context collects; nothing reaches the board before the run has ended, and then all of it in one commit.
Everything read here guards that commit: if it has changed meanwhile, the contribution is refused and the
agent runs again on what is there then.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, Protocol

from blackboard.commit import Absent, At, Delete, Present, Put, Unchanged, Update
from blackboard.control_records import PROPOSALS
from blackboard.durations import parse_duration
from blackboard.errors import InvalidInput
from blackboard.keys import CONTROL_REGION
from blackboard.pattern import Pattern
from blackboard.record_status import SUPPORTED
from knowledge_sources import contribution
from knowledge_sources.capture import Lines
from knowledge_sources.citations import citation_of, ground, references_in
from knowledge_sources.declaration import NEW
from knowledge_sources.errors import ActivationEnded, InvalidContribution, StalePointer, Ungrounded

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence

    from blackboard.commit import Guard, Write
    from blackboard.control_records import Attempt, Usage
    from blackboard.record import Record
    from knowledge_sources.citations import Citation
    from knowledge_sources.source import KnowledgeSource

MAX_RECORD_GUARDS: Final = 1_000
"""A ``find`` that gives more records than this guards their region instead of each of them."""
MAX_USAGES: Final = 1_000
MAX_USAGE: Final = 10**15
"""tokens or cost of one report; what a sum of a thousand stays exact for"""
MAX_MODEL_NAME: Final = 200
MAX_PROGRESS: Final = 4_000
"""characters of a progress that are shown"""


_NONE: Final[list[list[str]]] = []
_NOTHING: Final[Mapping[str, Any]] = {}


class Reader(Protocol):
    """The board as it is after ``commit``; a replica is one."""

    @property
    def commit(self) -> str: ...

    def get(self, key: str) -> Record[Any] | None: ...

    def find(self, pattern: Pattern) -> list[Record[Any]]: ...


class Context:
    """One activation as its agent sees it.

    ``captures`` are what the patterns bound, ``config`` the agent's settings, ``case`` the id of the case,
    ``agent`` the agent's name, ``attempt`` the number of this call from 1, ``earlier`` the attempts that
    failed.  ``{name}`` in any key or pattern given to a method means this activation's capture of that name.
    """

    __slots__ = (
        "_cited", "_counter", "_ended", "_lines", "_present", "_progress", "_puts", "_reader", "_reads", "_regions", "_source",
        "_updates", "_usage", "activation", "attempt", "captures", "case", "cites", "earlier", "given", "logical",
    )  # fmt: skip

    def __init__(
        self,
        source: KnowledgeSource,
        reader: Reader,
        *,
        activation: str,
        case: str,
        captures: Mapping[str, str],
        attempt: int = 1,
        earlier: Sequence[Attempt] = (),
        progress: Callable[[str], Awaitable[None]] | None = None,
    ) -> None:
        self._source = source
        self._reader = reader
        self.activation = activation
        self.case = case
        self.captures = captures
        self.attempt = attempt
        self.earlier = earlier
        self._progress = progress
        self.logical = source.logical
        """whether something of what it writes stands only while its causes do"""
        self._ended = False
        self._counter = 0
        # Most activations use few of these; each is made when first needed.
        self._reads: dict[str, str] | None = None
        self._regions: dict[str, str] | None = None
        self._present: dict[str, None] | None = None
        self._puts: dict[str, Write] | None = None
        self._updates: dict[str, Callable[[Any], Any]] | None = None
        self._usage: list[Usage] | None = None
        self._cited: list[Citation] | None = None
        self.cites: list[list[str]] = _NONE
        """``[key, commit]`` of what was cited, once it was looked up"""
        self.given: Mapping[str, Record[Any]] = _NOTHING
        """what set the agent off, by alias"""
        self._lines: Lines | None = None

    @property
    def agent(self) -> str:
        """The name of the agent."""
        return self._source.name

    @property
    def config(self) -> Mapping[str, Any]:
        """The agent's settings: the decorator's ``config`` with the scenario's ``with`` over it."""
        return self._source.config

    @property
    def idempotency_key(self) -> str:
        """The same for every attempt of this activation: give it to what must not happen twice outside."""
        return self.activation

    async def get(self, key: str, *, guard: bool = True) -> Record[Any] | None:
        """The record at ``key`` or ``None``; unless ``guard=False``, the contribution stands only if it stays so."""
        return self.read(key, guard=guard)

    async def find(self, pattern: str | Pattern, *, stable: bool = False, guard: bool = True) -> list[Record[Any]]:
        """The records that match ``pattern``, each guarded as with :meth:`get`.

        With ``stable=True`` the contribution also stands only if no other record joined or left them: the
        whole region of the pattern is guarded.
        """
        return self.search(pattern, stable=stable, guard=guard)

    async def fetch(self, pointer: str) -> Record[Any]:
        """The record that ``key@commit`` points to, guarded as with :meth:`get`.

        Raises :class:`StalePointer` where another version stands there now, or none.
        """
        key, _, commit = pointer.rpartition("@")
        record = self.read(key)
        if record is None or record.commit != commit:
            raise StalePointer(pointer, "" if record is None else record.commit)
        return record

    async def progress(self, text: str) -> None:
        """Show ``text`` as what the agent is doing now; it is not kept in the activation's record."""
        self.check_open()
        if self._progress is not None:
            await self._progress(str(text)[:MAX_PROGRESS])

    def post(self, key: str, value: Any, *, ttl: str | None = None, logical: bool = False) -> str:
        """Write ``value`` at ``key`` with the contribution, for ``ttl`` if given; returns the complete key.

        A ``logical`` record stands only while what set the agent off and what it read are as they were.
        ``{new}`` in the key becomes a name that no other write has.  The last post of a key stands.
        Raises :class:`InvalidContribution` for a key that the agent does not contribute to.
        """
        complete = contribution.allowed_key(self._source, self, key)
        plain = contribution.storable(self._source, complete, value)
        self.put(complete, plain, None if ttl is None else parse_duration(ttl), logical=logical)
        self.check_open()
        return complete

    def delete(self, key: str) -> None:
        """Remove the record at ``key`` with the contribution; the agent must contribute to the key."""
        complete = contribution.allowed_key(self._source, self, key)
        self._write(Delete(complete))
        self.check_open()

    def update(self, key: str, fn: Callable[[Any], Any]) -> None:
        """Put ``fn(present value or None)`` at ``key`` when the contribution is committed.

        For counters and other records that many change: a change by others does not make the agent run
        again, only ``fn``, which therefore must depend on nothing but its argument.
        """
        complete = contribution.allowed_key(self._source, self, key)
        if self._puts is not None and complete in self._puts:
            raise InvalidContribution(self.agent, f"updates {complete}, which it also writes", key=complete)
        if self._updates is None:
            self._updates = {}
        before = self._updates.get(complete)
        self._updates[complete] = fn if before is None else _one_after_the_other(before, fn)
        self.check_open()

    def handoff(self, key: str, value: Any, *, to: str = "", capability: str = "", ttl: str | None = None) -> str:
        """Write ``value`` at ``key`` for the agent ``to``, or for one that provides ``capability``; returns its name.

        The contribution is refused unless that agent is registered when it is committed.  Raises
        :class:`UnknownAgent`, which names the nearest, where it is not registered now.
        """
        from knowledge_sources.registry import check_handoff  # noqa: PLC0415 - few agents hand off; it loads schemas

        name, registered = check_handoff(self._reader, to=to, capability=capability)
        self.post(key, value, ttl=ttl)
        if self._present is None:
            self._present = {}
        self._present[registered] = None
        return name

    def cite(self, what: Record[Any] | str, commit: str = "") -> str:
        """Say that the contribution rests on a record: one that was read, ``key@commit``, or a key at ``commit``.

        Returns the reference.  One to a record that is not there, is not as cited, or belongs to another case and was
        not read, ends the call as ``ungrounded``.
        """
        citation = self.note_cited(what, commit)
        self.check_open()
        present = self._reader.get(citation.key) if not citation.commit else None
        return present.reference if present is not None else citation.text

    def usage(self, model: str, input_tokens: int = 0, output_tokens: int = 0, cost: float = 0.0) -> None:
        """Report one call of a model: its tokens, and its cost in the currency of the scenario's limits.

        At most 1,000 calls of an activation: report the sum of more.
        """
        model = str(model)[:MAX_MODEL_NAME]
        if not all(0 <= n <= MAX_USAGE for n in (input_tokens, output_tokens, cost)):
            raise ValueError(f"usage of {model}: tokens and cost are finite and not negative, {MAX_USAGE:,} at most")
        if self._usage is None:
            self._usage = []
        if len(self._usage) >= MAX_USAGES:
            raise ValueError(f"usage of {model}: reported more than {MAX_USAGES:,} times; report sums")
        self._usage.append(
            {"model": model, "input_tokens": input_tokens, "output_tokens": output_tokens, "cost": float(cost)}
        )
        self.check_open()

    def log(self, text: str) -> None:
        """Keep a line with the activation, beside what it printed."""
        self.captured(f"{text}\n")
        self.check_open()

    # What the runtime uses.  An agent has no need of these.

    def read(self, key: str, *, guard: bool = True) -> Record[Any] | None:
        """:meth:`get`, now."""
        self.check_open()
        complete = contribution.fill(self._source, self, key)
        record = None if complete.startswith(PROPOSALS) else self._reader.get(complete)
        if guard:
            self._guard(complete, "" if record is None else record.commit)
        return None if record is None else record.fresh()

    def search(self, pattern: str | Pattern, *, stable: bool = False, guard: bool = True) -> list[Record[Any]]:
        """:meth:`find`, now."""
        self.check_open()
        parsed = Pattern.parse(contribution.filled_pattern(str(pattern), self.captures))
        commit = self._reader.commit
        records = self._reader.find(parsed)
        if parsed.region == CONTROL_REGION:  # what is proposed is for its validators alone
            records = [record for record in records if not record.key.startswith(PROPOSALS)]
        if stable or (guard and len(records) > MAX_RECORD_GUARDS):
            if self._regions is None:
                self._regions = {}
            self._regions.setdefault(parsed.region, commit)
        elif guard:
            for record in records:
                self._guard(record.key, record.commit)
        return [record.fresh() for record in records]

    def _guard(self, key: str, commit: str) -> None:
        if self._reads is None:
            self._reads = {}
        # The first version seen: an agent that saw two must not contribute on either.
        self._reads.setdefault(key, commit)

    def put(self, key: str, value: Any, ttl_ms: int | None = None, *, logical: bool = False) -> None:
        """Add a write whose key and value are checked."""
        if not logical and not self._source.logical:
            self._write(Put(key, value, ttl_ms))
            return
        self.logical = True
        self._write(Put(key, value, ttl_ms, SUPPORTED))

    def _write(self, write: Write) -> None:
        if self._updates is not None and write.key in self._updates:
            raise InvalidContribution(self.agent, f"writes {write.key}, which it also updates", key=write.key)
        if self._puts is None:
            self._puts = {}
        self._puts[write.key] = write

    def note_cited(self, what: Record[Any] | str, commit: str = "") -> Citation:
        """:meth:`cite`, also after the run."""
        try:
            citation = citation_of(what, commit)
            citation = citation._replace(key=contribution.fill(self._source, self, citation.key))
        except (InvalidInput, InvalidContribution) as error:
            raise Ungrounded(self.agent, f"cites what cannot be cited: {error}") from error
        if self._cited is None:
            self._cited = []
        self._cited.append(citation)
        return citation

    @property
    def cited(self) -> bool:
        """Whether something was cited so far."""
        return self._cited is not None

    def ground(self, writes: Iterable[Write]) -> None:
        """Look up what was cited, in the texts of ``writes`` too where the agent is to cite; it guards the contribution.

        Raises :class:`Ungrounded`.
        """
        cited = [*(self._cited or ()), *(references_in(writes) if self._source.cites else ())]
        if not cited:
            raise Ungrounded(self.agent, "cites no record: say what this rests on, as key@commit")
        at = {record.key: record.commit for record in self.given.values()}
        found = ground(cited, self._reader, case=self.case, seen={*at, *(self._reads or ())}, agent=self.agent)
        for key, commit in found.items():
            if at.get(key) != commit:
                self._guard(key, commit)
        self.cites = [[key, commit] for key, commit in found.items()]

    def fresh_name(self) -> str:
        """What ``{new}`` stands for: the same on each attempt, for the same write."""
        self._counter += 1
        return f"{self.activation}-{self._counter}"

    def fresh_key(self, pattern: Pattern) -> str:
        """The key of ``pattern``, whose captures are all known or ``{new}``."""
        if NEW not in pattern.captures:
            return pattern.fill(self.captures)
        return pattern.fill({**self.captures, NEW: self.fresh_name()})

    def captured(self, text: str) -> None:
        """Add what the agent printed or logged."""
        if self._lines is None:
            self._lines = Lines()
        self._lines.write(text)

    def check_open(self) -> None:
        """Raise :class:`ActivationEnded` if the run is over.  Called after a write, so that none is lost in a race."""
        if self._ended:
            raise ActivationEnded(self.agent, self.activation)

    def end(self) -> None:
        """Refuse whatever comes later, from tasks and threads that the agent left behind."""
        self._ended = True

    def written(self) -> tuple[tuple[Write, ...], tuple[Update, ...]]:
        """The writes and updates so far."""
        writes = tuple(self._puts.values()) if self._puts else ()
        updates = tuple(Update(key, fn) for key, fn in self._updates.items()) if self._updates else ()
        return writes, updates

    @property
    def reads(self) -> list[list[str]]:
        """``[key, commit]`` of each record read and guarded; commit ``""`` was absent."""
        return [[key, commit] for key, commit in self._reads.items()] if self._reads else []

    @property
    def regions(self) -> Mapping[str, str]:
        """Region → the commit since which it is to be unchanged."""
        return self._regions or {}

    @property
    def usages(self) -> list[Usage]:
        """What was reported with :meth:`usage`."""
        return self._usage or []

    @property
    def lines(self) -> list[str]:
        """What was printed and logged, bounded."""
        return self._lines.all() if self._lines is not None else []

    def guards(self) -> list[Guard]:
        """The read set, as guards of the contribution; the triggers are not among them."""
        guards: list[Guard] = []
        if self._reads:
            guards.extend(At(key, commit) if commit else Absent(key) for key, commit in self._reads.items())
        if self._regions:
            guards.extend(Unchanged(region, since) for region, since in self._regions.items())
        if self._present:
            guards.extend(Present(key) for key in self._present)
        return guards


def _one_after_the_other(first: Callable[[Any], Any], second: Callable[[Any], Any]) -> Callable[[Any], Any]:
    return lambda value: second(first(value))
