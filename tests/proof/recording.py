"""A board that writes down what its user asked for and what it was told."""

from __future__ import annotations

import asyncio
import contextlib
import time
from typing import TYPE_CHECKING, Self

from blackboard.board import Board
from blackboard.commit import Absent, At, Committed, Present, Unchanged
from blackboard.errors import Conflict, Corrupt, Gap, HistoryLost, Unknown
from tests.proof.dump import mark_of
from tests.proof.history import Commit, Event, History, Read, Shown, Told

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from blackboard.backend import Backend
    from blackboard.commit import Guard
    from blackboard.group import Packed
    from blackboard.record import Record

_OPEN_ENDED = (Unknown, HistoryLost, Corrupt, asyncio.CancelledError)
"""errors after which the commit may be in the log: in that of a history that was lost, too"""


class RecordedBoard(Board):
    """A board whose every commit, and every ``get``, is in a history: also those that ``mutate`` makes."""

    recording: History
    client: str
    read_to = 0
    """the revision up to which :meth:`read_changes` has come"""

    @classmethod
    async def recorded(
        cls, where: str | Backend, name: str, history: History, client: str, *, create: bool = True
    ) -> Self:
        """Open a board for ``client``, which is its author too; no other board may record under that name."""
        board = await cls.open(where, name, author=client, create=create)
        board.recording, board.client = history, client
        board._tap()
        return board

    def event(self, what: str, detail: str = "") -> None:
        """Note something that happened to this client."""
        self.recording.add(Event(self.client, self._number(), time.monotonic_ns(), what, detail))

    async def get(self, key: str) -> Record | None:
        start = time.monotonic_ns()
        with self._noting():
            record = await super().get(key)
        self._read(start, key, record.commit if record is not None else "")
        return record

    async def revision(self) -> int:
        start = time.monotonic_ns()
        with self._noting():
            revision = await super().revision()
        self._read(start, "", f"{self.store.epoch}-{revision}")
        return revision

    @contextlib.contextmanager
    def _noting(self) -> Iterator[None]:
        """A read that ends with the news that history was lost is an event."""
        try:
            yield
        except HistoryLost as lost:
            self.event("lost", lost.seen)
            raise

    def _read(self, start_ns: int, key: str, commit: str) -> None:
        self.recording.add(Read(self.client, self._number(), start_ns, time.monotonic_ns(), key, commit))

    async def read_changes(self, since: int = 0) -> None:
        """Record every change after ``since`` until this is cancelled, and going on after a gap or a lost history.

        One reader a client.
        """
        while True:
            self.event("reads", str(since))
            self.read_to = since
            try:
                async for change in self.changes(since=since):
                    mark = mark_of(change.record.packed) if change.record is not None else ""
                    told = Told(self.client, self._number(), time.monotonic_ns(), change.commit, change.key, mark)
                    self.recording.add(told)
                    self.read_to = change.revision
            except Gap as gap:
                self.event("gap", str(gap.oldest))
                since = gap.oldest - 1
            except HistoryLost as lost:
                self.event("lost", lost.seen)
                since = await self._head()

    async def _head(self) -> int:
        while True:
            try:
                return await self.revision()
            except HistoryLost:
                self.store.check_open()

    async def show(self) -> None:
        """Record what the replica shows now."""
        replica = await self.replica()
        records = tuple((record.key, record.commit) for record in replica.records())
        self.recording.add(Shown(self.client, self._number(), time.monotonic_ns(), replica.revision, records))

    def _number(self) -> int:
        return self.recording.next_number(self.client)

    def _tap(self) -> None:
        submit = self.store.submit

        def recorded(
            guards: Sequence[Guard],
            writes: Sequence[Packed],
            author: str = "",
            *,
            once: str = "",
            once_digest: str = "",
            once_ttl_ms: int = 0,
        ) -> asyncio.Future[Committed]:
            sent = tuple((write.key, mark_of(write.data) if write.digest else "") for write in writes)
            shape = tuple(_guard(guard) for guard in guards)
            known = Commit(self.client, self._number(), time.monotonic_ns(), author, shape, sent, once, once_digest)
            self.recording.add(known)
            try:
                future = submit(guards, writes, author, once=once, once_digest=once_digest, once_ttl_ms=once_ttl_ms)
            except Exception as error:
                self._answered(known, guards, error, open_ended=())  # it never left
                raise
            future.add_done_callback(lambda _: self._answered(known, guards, _outcome(future)))
            return future

        self.store.submit = recorded  # type: ignore[method-assign]  # every way to commit passes here

    def _answered(
        self,
        known: Commit,
        guards: Sequence[Guard],
        outcome: Committed | BaseException,
        open_ended: tuple[type[BaseException], ...] = _OPEN_ENDED,
    ) -> None:
        known.end_ns = time.monotonic_ns()
        if isinstance(outcome, Committed):
            known.outcome = "done"
            known.commit, known.repeated = outcome.commit, outcome.repeated
            known.results = tuple((w.commit, w.version, w.changed) for w in outcome.writes)
        else:
            known.outcome = "unknown" if isinstance(outcome, open_ended) else "refused"
            known.error = type(outcome).__name__
            if isinstance(outcome, Conflict):
                known.failures = tuple((guards.index(f.guard), f.commit) for f in outcome.failures)
        self.recording.note(known)


def _guard(guard: Guard) -> tuple[str, str, str]:
    if isinstance(guard, At):
        return "at", guard.key, guard.commit
    if isinstance(guard, Absent):
        return "absent", guard.key, ""
    if isinstance(guard, Present):
        return "present", guard.key, ""
    if isinstance(guard, Unchanged):
        return "unchanged", guard.region, str(guard.since)
    return "previous", "", ""


def _outcome(future: asyncio.Future[Committed]) -> Committed | BaseException:
    if future.cancelled():
        return asyncio.CancelledError()
    return future.exception() or future.result()
