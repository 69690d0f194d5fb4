"""What one controller works with: the board, what it leads by, what it counts, and its present settings."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from blackboard import codec
from blackboard.commit import Absent, At
from blackboard.control_records import ACTIVATIONS, PROGRESS, PROPOSALS
from blackboard.errors import Conflict
from blackboard.group import Packed
from blackboard.record import Stamp, revision_of
from controller.breakers import Breakers
from controller.budgets import Ledger
from controller.meter import Meter
from controller.reserve import Reserve
from controller.support import Support

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from concurrent.futures import Executor

    from blackboard.board import Board
    from blackboard.commit import Guard
    from blackboard.control_records import Activation
    from blackboard.replica import Replica
    from blackboard.store import Store
    from controller.leadership import Leadership
    from controller.settings import Settings
    from controller.stalling import Stalls
    from knowledge_sources.source import KnowledgeSource


@dataclass(slots=True)
class Desk:
    """Shared by the parts of one controller; nothing else holds state of the run."""

    board: Board
    replica: Replica
    leadership: Leadership
    settings: Settings
    executor: Executor
    stalls: Stalls
    ledger: Ledger = field(default_factory=Ledger)
    meter: Meter = field(default_factory=Meter)
    breakers: Breakers = field(default_factory=Breakers)
    reserve: Reserve = field(default_factory=Reserve)
    support: Support = field(default_factory=Support)
    sources: dict[str, KnowledgeSource] = field(default_factory=dict)
    hot: dict[str, asyncio.Lock] = field(default_factory=dict)
    """one lock per hot record, so that this process does not race itself for it"""
    _since: tuple[float, int] | None = None
    """the monotonic clock and the server's time when :meth:`steady_ms` was first asked"""

    @property
    def store(self) -> Store:
        return self.board.store

    @property
    def member(self) -> str:
        return self.leadership.member

    def now_ms(self) -> int:
        """The server's time."""
        return self.board.store.server_now_ms()

    def steady_ms(self) -> int:
        """The server's time as it was first known, carried on by the monotonic clock.

        For what is used up: a clock that somebody sets makes no run or call longer.
        """
        clock = self.board.store.clock
        if self._since is None:
            self._since = clock.monotonic(), self.now_ms()
        began, at_ms = self._since
        return at_ms + round(1000 * (clock.monotonic() - began))

    def overhead(self) -> dict[str, float]:
        """The seconds that the runtime has taken so far, by phase."""
        self.meter.state = self.store.in_calls_s
        return self.meter.seconds()

    def hit(self, failpoint: str) -> None:
        """Pass a failpoint; costs one test where none is switched on."""
        if self.board.store.failpoints is not None:
            self.board.store.failpoints.hit(failpoint)

    def roster(self) -> Mapping[str, int | None]:
        """The supervisors that are here, each with its own response time in milliseconds."""
        return {s.name: s.respond_within_ms for s in self.sources.values() if s.kind == "supervisor"}

    def level_of(self, source: KnowledgeSource) -> int:
        """The index of an agent's level; one that no level list names is the least urgent."""
        return self.settings.level_of(source.level)

    async def caught_up(self, conflict: Conflict) -> None:
        """Return once the replica shows what stood against a commit."""
        present = [failure.commit for failure in conflict.failures]
        # What is absent names no commit that took it away.
        revision = max(map(revision_of, present)) if all(present) else await self.board.revision()
        await self.replica.caught_up(revision)

    def written_over(self, activation: str, record: Activation) -> list[Packed]:
        """An activation as somebody else than its worker writes it; what its worker said on the way goes with that."""
        withdrawn = withdrawal(activation, record)
        writes = [packed_activation(activation, record, self.member), *withdrawn]
        if self.replica.get(PROGRESS + activation) is not None:
            writes.append(removal(PROGRESS + activation))
        return writes

    async def write_over(self, activation: str, commit: str, record: Activation, extra: Sequence[Packed]) -> str | None:
        """Write an activation, as the leader, over the version at ``commit`` (``""``: over none) with ``extra``.

        Returns the commit's name, ``None`` where the activation is no longer as it was.
        """
        key = ACTIVATIONS + activation
        own = At(key, commit) if commit else Absent(key)
        done = await self.commit_leading([own], [*extra, *self.written_over(activation, record)])
        return None if isinstance(done, Conflict) else done

    async def commit_leading(self, guards: Sequence[Guard], writes: Sequence[Packed]) -> str | Conflict:
        """Commit as the leader; returns the commit's name, or what stood against it."""
        try:
            done = await self.store.submit([self.leadership.guard, *guards], writes, self.member)
        except Conflict as conflict:
            return conflict
        return done.commit


def packed_activation(activation: str, record: Activation, author: str) -> Packed:
    """An activation's record as a write."""
    return packed_control(ACTIVATIONS + activation, record, author, record["case"], activation)


def removal(key: str) -> Packed:
    """The removal of the record at ``key`` as a write."""
    return Packed(key, 0, "", b"")


def withdrawal(activation: str, record: Activation) -> list[Packed]:
    """What an activation that no longer waits for validators had proposed, removed; ``record`` forgets it."""
    proposed = record.get("proposed") if record["state"] != "proposed" else None
    if proposed is None:
        return []
    del record["proposed"]
    return [removal(proposal_key(activation, key)) for key in proposed["keys"]]


def proposal_key(activation: str, key: str) -> str:
    """Where what ``activation`` proposes for ``key`` lies."""
    return f"{PROPOSALS}{activation}/{key}"


def contents(writes: Iterable[Packed]) -> Iterator[tuple[str, bytes]]:
    """Key and packed record of each of ``writes``, ``b""`` for a removal."""
    return ((write.key, write.data) for write in writes)


def packed_control(key: str, value: object, author: str, case: str = "", activation: str = "") -> Packed:
    """A control record as a write.  The runtime made ``value``, so it is within every limit."""
    stamp = Stamp(author, activation, case)
    data, digest = codec.pack_record(stamp, "", 0, codec.pack_own(value))
    return Packed(key, 0, digest, data)
