"""The board in memory, applied strictly in order of revision.

What a reader sees is always a state that the board had.  Decisions taken on it are safe although
it may lag, because a commit guards what it read.
"""

from __future__ import annotations

import asyncio
import logging
from bisect import insort
from operator import itemgetter
from typing import TYPE_CHECKING, Any

from blackboard.ending import end
from blackboard.errors import BlackboardError, Gap, HistoryLost, NoBackend, ServerRefused
from blackboard.keys import region_of
from blackboard.log import Change, Entry, Tail, entries_after
from blackboard.record import Record
from blackboard.scanning import scan_board
from blackboard.state import State, differences, in_order, matching, replay

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from blackboard.commit import Committed
    from blackboard.group import Request
    from blackboard.holds import Hold
    from blackboard.pattern import Pattern
    from blackboard.store import Store

_log = logging.getLogger(__name__)
_NONE: Mapping[str, Record] = {}


class Replica:
    """All records of a board, and callbacks for each change."""

    def __init__(self, store: Store) -> None:
        self.revision = 0
        """the board is shown as it was after this commit"""
        self.commit = ""
        """the same as an id, which says in which history, too"""
        self._store = store
        self._regions: dict[str, dict[str, Record]] = {}
        self._expiries: dict[str, int] = {}
        self._subscribers: list[Callable[[Change], None]] = []
        self._waiting: list[tuple[int, asyncio.Future[None]]] = []
        """who waits for which revision, the nearest first"""
        self._finding: set[asyncio.Future[Record]] = set()
        self._tail: Tail | None = None
        self._hold: Hold | None = None
        self._task: asyncio.Task[None] | None = None
        self._ended: BlackboardError | None = None

    @classmethod
    async def start(cls, store: Store) -> Replica:
        """A replica of the live board, complete up to a revision not older than this call."""
        replica = cls(store)
        while True:
            try:
                await replica._build()
            except HistoryLost:
                store.check_open()  # else there is a board still, and what stands there now is what is wanted
            except BaseException:
                replica._let_go_of_log()
                raise
            else:
                break
        replica._task = asyncio.create_task(replica._follow(), name="blackboard-replica")
        return replica

    def get(self, key: str) -> Record | None:
        """The record at ``key``, ``None`` where there is none or its time is over."""
        record = self._regions.get(region_of(key), _NONE).get(key)
        if record is not None and self._expiries and self._expired(key):
            return None
        return record

    def region(self, region: str) -> Mapping[str, Record]:
        """The records of a region by key, as they stand; expired ones that were not removed yet included."""
        return self._regions.get(region, _NONE)

    def find(self, pattern: Pattern) -> list[Record]:
        """The records that ``pattern`` matches, sorted by key."""
        found = matching(self._regions, pattern)
        return [record for record in found if not self._expired(record.key)] if self._expiries else found

    def records(self) -> list[Record]:
        """Every record, sorted by key."""
        return in_order(self._regions)

    @property
    def count(self) -> int:
        """How many records it holds."""
        return sum(map(len, self._regions.values()))

    def state(self) -> State:
        """What it shows, records whose time is over included, to be carried on apart; it knows no time of its commit."""
        return State({region: dict(records) for region, records in self._regions.items()}, self.revision)

    def next_expiry_ms(self) -> int | None:
        """When the next record's time is over, in the server's time; ``None`` where none has one."""
        return min(self._expiries.values(), default=None)

    def _expired(self, key: str) -> bool:
        expires_ms = self._expiries.get(key)
        return expires_ms is not None and expires_ms <= self._store.server_now_ms()

    def subscribe(self, callback: Callable[[Change], None]) -> Callable[[], None]:
        """Call ``callback`` with every change from now on, in order; returns what ends that."""
        self._subscribers.append(callback)
        return lambda: self._subscribers.remove(callback) if callback in self._subscribers else None

    async def caught_up(self, revision: int) -> None:
        """Return once the replica shows ``revision`` or a later one.

        Raises :class:`HistoryLost` where that can no longer come, and why following ended where it did.
        """
        if self.revision >= revision:
            return
        self.check_following()
        reached: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        waits = (revision, reached)
        insort(self._waiting, waits, key=itemgetter(0))
        try:
            await reached
        finally:
            if waits in self._waiting:  # cancelled, or disappointed
                self._waiting.remove(waits)

    async def first(self, pattern: Pattern) -> Record:
        """The first record that ``pattern`` matches, now or as soon as one does; raises as :meth:`caught_up`."""
        present = self.find(pattern)
        if present:
            return present[0]
        self.check_following()
        found: asyncio.Future[Record] = asyncio.get_running_loop().create_future()

        def look(change: Change) -> None:
            if change.record is None or found.done():
                return
            try:
                if pattern.match(change.record) is not None:
                    found.set_result(change.record)
            except BlackboardError as error:  # such as bytes that do not decode: who waits is told
                found.set_exception(error)

        unsubscribe = self.subscribe(look)
        self._finding.add(found)
        try:
            return await found
        finally:
            self._finding.discard(found)
            unsubscribe()

    def check_following(self) -> None:
        """Raise why the replica is followed no more, where that is so; else do nothing."""
        if self._ended is not None:
            raise self._ended

    async def close(self) -> None:
        """Stop following; what was read stays readable."""
        self._store.on_commit = None
        try:
            if self._task is not None:
                await end(self._task)
        finally:  # also where this is cancelled: the task is, too, by then
            self._drop_tail()
            if self._ended is None:
                self._end(NoBackend("the board was closed"))

    def _end(self, error: BlackboardError) -> None:
        self._ended = error
        self._let_go_of_log()
        self._disappoint(error)

    def _disappoint(self, error: BlackboardError) -> None:
        """Tell who waits that what they wait for cannot come."""
        waiting, self._waiting = self._waiting, []
        futures: list[asyncio.Future[Any]] = [reached for _, reached in waiting]
        for future in futures + list(self._finding):
            if not future.done():
                future.set_exception(error)

    async def _build(self) -> None:
        """Scan the board and take the tail of the log from there."""
        store = self._store
        losses = store.losses
        await self._hold_log(await store.number_of("revision"))
        regions, revision = await scan_board(store, losses)
        expiries = {r.key: r.expires_ms for records in regions.values() for r in records.values() if r.expires_ms}
        tail = await Tail.after(store, revision, losses)
        # From here on nothing is awaited: nobody sees one part without the other.
        self._regions, self._expiries, self.revision, self._tail = regions, expiries, revision, tail
        self.commit = f"{store.epoch}-{revision}"
        store.on_commit = self._own

    async def _hold_log(self, head: int) -> None:
        """Keep the log from ``head`` on while building, then from where the replica stands."""
        former = self._hold
        self._hold = await self._store.holds.take(lambda: head if self._tail is None else self.revision)
        if former is not None:
            former.release()

    def _let_go_of_log(self) -> None:
        hold, self._hold = self._hold, None
        if hold is not None:
            hold.release()

    async def _follow(self) -> None:
        name = self._store.keys.name
        while True:
            try:
                if self._tail is None:
                    await self._rebuild()
                tail = self._tail
                for entry in await tail.entries() if tail is not None else ():
                    self._apply(entry)
                if self._waiting and (tail is None or tail.silent):
                    await self._check_end()
            except (Gap, HistoryLost) as error:
                _log.warning("the replica of %s starts over: %s", name, error)
                self._drop_tail()
                if isinstance(error, HistoryLost):
                    self._disappoint(error)
            except (NoBackend, ServerRefused) as error:
                _log.warning("the replica of %s waits for the server: %s", name, error)
                await asyncio.sleep(0.2)
            except BlackboardError as error:
                _log.error("the replica of %s stands still: %s", name, error)
                self._end(error)
                return
            try:
                self._store.check_open()
            except BlackboardError as error:
                self._end(error)
                return

    async def _check_end(self) -> None:
        """Raise :class:`Corrupt` where the log ends before the head: what is waited for would never come."""
        async for _ in entries_after(self._store, self.revision):
            return

    def _drop_tail(self) -> None:
        tail, self._tail = self._tail, None
        if tail is not None:
            tail.close()

    async def _rebuild(self) -> None:
        """Build anew and tell subscribers the difference, as changes: what matters is the state."""
        before = self._regions
        await self._build()
        for change in differences(before, self._regions, self.revision, self._store.server_now_ms()):
            self._tell(change)
        self._release()

    def _own(self, committed: Committed, request: Request) -> None:
        """Apply a commit of this process at once if it is the next; else the tail brings it in its place."""
        revision = committed.revision
        if self._tail is None:
            return
        if revision != self.revision + 1:
            self._tail.hurry()
            return
        commit, time_ms, author = committed.commit, committed.time_ms, request.author
        self.revision, self.commit = revision, commit
        self._tail.skip_to(commit, revision)
        for write, written in zip(request.writes, committed.writes, strict=True):
            if not written.changed:
                continue
            key = write.key
            region = key.partition("/")[0]
            records = self._regions.get(region)
            if records is None:
                records = self._regions[region] = {}
            previous = records.get(key)
            before = previous.commit if previous is not None else ""
            if write.digest:
                record = Record(key, commit, revision, written.version, time_ms, write.data, write.head)
                records[key] = record
                if write.expires_ms:
                    self._expiries[key] = write.expires_ms
                elif self._expiries:
                    self._expiries.pop(key, None)
                self._tell(Change(key, "put", commit, revision, time_ms, author, record, before, previous))
            else:
                records.pop(key, None)
                self._expiries.pop(key, None)
                self._tell(Change(key, "delete", commit, revision, time_ms, author, None, before, previous))
        if self._waiting and self._waiting[0][0] <= revision:
            self._release()

    def _apply(self, entry: Entry) -> None:
        if entry.revision <= self.revision:
            return
        self.revision, self.commit = entry.revision, entry.commit
        for change in entry.changes:
            previous = self._regions.get(region_of(change.key), _NONE).get(change.key)
            replay(self._regions, change)
            if change.record is not None and change.record.expires_ms:
                self._expiries[change.key] = change.record.expires_ms
            else:
                self._expiries.pop(change.key, None)
            self._tell(change._replace(previous=previous))
        self._release()

    def _tell(self, change: Change) -> None:
        for callback in tuple(self._subscribers):
            try:
                callback(change)
            except Exception as error:  # noqa: BLE001  # one subscriber's error must not stop the others' board
                asyncio.get_running_loop().call_exception_handler(
                    {"message": f"a subscriber failed at {change.key} of {change.commit}", "exception": error}
                )

    def _release(self) -> None:
        """Tell who waits for what is shown now."""
        waiting = self._waiting
        while waiting and waiting[0][0] <= self.revision:
            _, reached = waiting.pop(0)
            if not reached.done():
                reached.set_result(None)
