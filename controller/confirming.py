"""Sees that what agents claim comes true: each claim is confirmed by a record or a function, or recorded as failed.

A claim is a record, so it outlives its controller; its time counts from its commit.  A function is asked after an
eighth, a quarter, half and seven eighths of the time; what has not been confirmed when the time is over counts as
unconfirmed, whether a function said no, raised, or has not come back.
"""

from __future__ import annotations

import asyncio
import inspect
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, Final

from blackboard.commit import At, Put
from blackboard.control_records import CLAIMS
from blackboard.control_shapes import checked
from blackboard.errors import BlackboardError, InvalidInput
from blackboard.keys import CONTROL_REGION
from blackboard.record import Stamp
from blackboard.wording import first_line, seconds
from controller.deadlines import DeadlineHeap
from controller.desk import packed_control
from knowledge_sources.result_binding import VALUE

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from blackboard.control_records import Claim
    from blackboard.log import Change
    from blackboard.pattern import Pattern
    from blackboard.record import Record
    from controller.desk import Desk
    from controller.side_work import SideWork
    from knowledge_sources.claim import ClaimTerms

ASKED_AT: Final = (0.125, 0.25, 0.5, 0.875)
"""shares of its time after which a claim's function is asked"""
THREADS: Final = 4
"""for functions that are a plain def; one that hangs keeps its thread"""


class _Open:
    """One claim that is open."""

    __slots__ = ("activation", "asks_ms", "claim", "deadline_ms", "record", "said", "terms")

    def __init__(self, activation: str, record: Record, terms: ClaimTerms | None) -> None:
        self.activation = activation
        self.record = record
        self.claim: Claim = record.value
        self.terms = terms
        within_ms = self.claim["within_ms"]
        self.deadline_ms: int = record.time_ms + within_ms
        asked = terms is not None and terms.confirm is not None
        self.asks_ms: list[int] = [record.time_ms + round(share * within_ms) for share in ASKED_AT] if asked else []
        self.said = ""
        """what its function said last"""

    def next_ms(self) -> int:
        return self.asks_ms[0] if self.asks_ms else self.deadline_ms

    def confirms(self, record: Record) -> bool:
        """Whether ``record`` is the one that confirms it."""
        pattern = self.terms.confirmed_by if self.terms is not None else None
        found = pattern.match(record) if pattern is not None else None
        return found is not None and all(self.claim["captures"].get(name) == text for name, text in found.items())


class Confirming:
    """The open claims of one board, as its leader sees them."""

    def __init__(self, desk: Desk, side: SideWork, look: Callable[[], None]) -> None:
        self._desk = desk
        self._side = side
        self._look = look
        self._open: dict[str, _Open] = {}
        self._due = DeadlineHeap()
        self._by_region: dict[str, dict[str, _Open]] = {}
        """region of what confirms it → activation → claim"""
        self._asking: dict[str, asyncio.Task[None]] = {}
        self._executor: ThreadPoolExecutor | None = None

    def __len__(self) -> int:
        return len(self._open)

    def take_up(self) -> None:
        """Go on with the claims that another controller left; raises :class:`Corrupt`."""
        for record in list(self._desk.replica.region(CONTROL_REGION).values()):
            if record.key.startswith(CLAIMS):
                self.note(record.key.removeprefix(CLAIMS), checked(record))

    def note(self, activation: str, record: Record | None) -> None:
        """Take in a claim as it is now; ``None`` where its record is gone."""
        known = self._open.get(activation)
        if known is not None and record is not None and known.record.commit == record.commit:
            return
        if known is not None:
            self._forget(known)
        if record is not None and record.value["status"] == "open":
            self._begin(activation, record)

    def _begin(self, activation: str, record: Record) -> None:
        source = self._desk.sources.get(record.value["agent"])
        terms = source.claim if source is not None else None
        one = _Open(activation, record, terms)
        self._open[activation] = one
        self._due.set(activation, one.next_ms())
        if terms is not None and terms.confirmed_by is not None:
            pattern = terms.confirmed_by
            self._by_region.setdefault(pattern.region, {})[activation] = one
            key = _key_of(pattern, one.claim["captures"])
            known = self._desk.replica.get(key) if key is not None else None
            there = [known] if known is not None else [] if key is not None else self._desk.replica.find(pattern)
            confirming = next((found for found in there if one.confirms(found)), None)
            if confirming is not None:
                self._settle(one, f"{confirming.reference} confirms it", confirmed=True)

    def joined(self, agent: str) -> None:
        """An agent is here whose claims may have waited for it: they go on by its terms."""
        for one in [one for one in self._open.values() if one.claim["agent"] == agent and one.terms is None]:
            self._forget(one)
            self._begin(one.activation, one.record)

    def _forget(self, one: _Open) -> None:
        self._open.pop(one.activation, None)
        self._due.remove(one.activation)
        for claims in self._by_region.values():
            claims.pop(one.activation, None)
        task = self._asking.pop(one.activation, None)
        if task is not None:
            task.cancel()

    def changed(self, change: Change) -> None:
        """Take in a change of a record that may confirm a claim."""
        if change.record is None:
            return
        claims = self._by_region.get(change.key.partition("/")[0])
        for one in list(claims.values()) if claims else ():
            if one.confirms(change.record):
                self._settle(one, f"{change.record.reference} confirms it", confirmed=True)

    def next_ms(self) -> int | None:
        """When there is something to do next."""
        return self._due.next_ms()

    def attend(self, now_ms: int) -> None:
        """Ask the functions whose turn it is, and give up on claims whose time is over."""
        for activation, _ in self._due.due(now_ms):
            one = self._open.get(activation)
            if one is None:
                continue
            if now_ms >= one.deadline_ms:
                self._settle(one, _why_not(one), confirmed=False)
                continue
            one.asks_ms = [ask_ms for ask_ms in one.asks_ms if ask_ms > now_ms]
            self._due.set(activation, one.next_ms())
            if activation not in self._asking:
                self._asking[activation] = asyncio.get_running_loop().create_task(self._ask(one))

    async def stop(self) -> None:
        """Ask nobody any more."""
        tasks = list(self._asking.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        if self._executor is not None:
            self._executor.shutdown(wait=False, cancel_futures=True)

    async def _ask(self, one: _Open) -> None:
        """Ask the agent's function; whatever it raises is no confirmation."""
        try:
            left_ms = one.deadline_ms - self._desk.now_ms()
            async with asyncio.timeout(max(left_ms, 0) / 1000):  # in this task: a SystemExit in another ends the loop
                said = await self._answer(one)
            if said is True:
                self._settle(one, "its function confirms it", confirmed=True)
            else:
                one.said = "it was asked, and it is not so"
        except (Exception, SystemExit) as error:  # noqa: BLE001  # an agent's own code
            late = isinstance(error, TimeoutError)
            one.said = "its function has not answered" if late else f"its function raised {first_line(repr(error))}"
        finally:
            if self._asking.get(one.activation) is asyncio.current_task():
                del self._asking[one.activation]
            self._look()

    async def _answer(self, one: _Open) -> Any:
        terms, claim = one.terms, one.claim
        if terms is None or terms.confirm is None or terms.binding is None:
            return False
        keys = {alias: key for alias, key, _ in claim["triggers"]} | {VALUE: next(iter(claim["wrote"]), "")}
        records = {}
        for alias, key in keys.items():
            record = self._desk.replica.get(key)
            if record is None and any(given.source == alias for given in terms.binding.inputs):
                raise LookupError(f"{key} is gone")
            if record is not None:
                records[alias] = record.fresh()
        fn = terms.confirm
        if inspect.iscoroutinefunction(fn):
            return await terms.binding.call(fn, (), records, claim["captures"], None)
        if self._executor is None:
            self._executor = ThreadPoolExecutor(max_workers=THREADS, thread_name_prefix="confirm")
        loop, captures = asyncio.get_running_loop(), claim["captures"]
        return await loop.run_in_executor(self._executor, terms.binding.call, fn, (), records, captures, None)

    def _settle(self, one: _Open, reason: str, *, confirmed: bool) -> None:
        """Record what became of a claim; its own record, as it changes, takes it off."""
        self._due.remove(one.activation)
        for claims in self._by_region.values():
            claims.pop(one.activation, None)
        self._side.do(self._write(one, reason, confirmed=confirmed))

    async def _write(self, one: _Open, reason: str, *, confirmed: bool) -> None:
        desk, record = self._desk, one.record
        claim: Claim = record.fresh().value
        claim["status"] = "confirmed" if confirmed else "unconfirmed"
        claim["reason"], claim["ended_ms"] = reason, desk.now_ms()
        writes = []
        if not confirmed and one.terms is not None and one.terms.unconfirmed is not None:
            try:
                writes.append(self._failed(one, reason))
            except BlackboardError as error:  # a key that its captures do not make, or a schema
                claim["reason"] += f"; {one.terms.unconfirmed.text} could not be written: {error}"
        writes.append(packed_control(record.key, claim, desk.member, record.case, one.activation))
        desk.hit("controller.before_confirmation")
        await desk.commit_leading([At(record.key, record.commit)], writes)

    def _failed(self, one: _Open, reason: str) -> Any:
        """The record that tells those who depend on it."""
        desk, claim, record = self._desk, one.claim, one.record
        assert one.terms is not None  # noqa: S101  # the caller has looked
        assert one.terms.unconfirmed is not None  # noqa: S101
        key = one.terms.unconfirmed.fill(claim["captures"])
        stands = [found for wrote in claim["wrote"] if (found := desk.replica.get(wrote)) is not None]
        value = {
            "claimed": claim["wrote"], "agent": claim["agent"], "activation": one.activation, "reason": reason,
            "within_ms": claim["within_ms"],
        }  # fmt: skip
        causes = tuple(found.reference for found in stands)
        depth = max((found.depth for found in stands), default=0) + 1
        trust = min((found.trust for found in stands), default=Stamp().trust)
        # Of no activation: that of the claim has contributed, and does so once.
        stamp = Stamp(desk.member, "", record.case, causes, depth, trust)
        return desk.board.pack(Put(key, value), stamp)


def _key_of(pattern: Pattern, captures: Mapping[str, str]) -> str | None:
    """The one key of what confirms a claim; ``None`` where that is not one, or somebody made captures up."""
    try:
        return pattern.bind(captures)
    except InvalidInput:
        return None


def _why_not(one: _Open) -> str:
    """Why a claim whose time is over counts as unconfirmed, for a person."""
    claim = one.claim
    wrote = " and ".join(claim["wrote"]) or "nothing"
    late = f"{claim['agent']} wrote {wrote}, and nothing confirmed it within {seconds(claim['within_ms'])}"
    if one.terms is None:
        return f"{late}: {claim['agent']} is not here any more"
    return f"{late}: {one.said}" if one.said else late
