"""Read, apply, commit, again on conflict; calls for one key in one process are combined.

Fifty tasks that increment one record cost a few commits, and none is lost.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, NamedTuple

from blackboard import codec
from blackboard.backoff import backoff_s
from blackboard.commit import Absent, At, Guard
from blackboard.errors import BlackboardError, Conflict
from blackboard.record import Record, revision_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from blackboard.board import Board
    from blackboard.record import Stamp


ATTEMPTS = 100


class _Waiting(NamedTuple):
    fn: Callable[[Any], Any]
    stamp: Stamp
    done: asyncio.Future[Record]

    def succeed(self, record: Record) -> None:
        if not self.done.done():
            self.done.set_result(record.fresh())

    def fail(self, error: Exception) -> None:
        if isinstance(error, StopIteration):  # which no future takes
            error = RuntimeError(f"the function raised {error!r}")
        if not self.done.done():
            self.done.set_exception(error)


class Mutations:
    """The mutations of one board that are under way in this process, by key."""

    def __init__(self, board: Board) -> None:
        self._board = board
        self._waiting: dict[str, list[_Waiting]] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    async def apply(self, key: str, fn: Callable[[Any], Any], stamp: Stamp) -> Record:
        """Queue ``fn`` for ``key``; the first one queued starts the round that takes all that wait."""
        done: asyncio.Future[Record] = asyncio.get_running_loop().create_future()
        waiting = self._waiting.get(key)
        if waiting is None:
            self._waiting[key] = [_Waiting(fn, stamp, done)]
            task = asyncio.create_task(self._rounds(key), name=f"mutate {key}")
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        else:
            waiting.append(_Waiting(fn, stamp, done))
        return await done

    async def _rounds(self, key: str) -> None:
        known: Record | None = None
        batch: list[_Waiting] = []
        try:
            while True:
                batch, self._waiting[key] = self._waiting[key], []
                if not batch:
                    return
                try:
                    known = await self._commit(key, batch, known)
                except BlackboardError as error:
                    known = None
                    for waiting in batch:
                        waiting.fail(error)
        finally:
            for waiting in batch + self._waiting.pop(key):
                waiting.done.cancel()  # only where this task was ended: else all were told

    async def _commit(self, key: str, batch: list[_Waiting], known: Record | None) -> Record | None:
        """Apply ``batch`` in one commit and tell its callers; ``known`` is believed until a guard refutes it."""
        board = self._board
        present = known if known is not None else await board.get(key)
        attempt = 0
        while True:
            value, applied = _applied(batch, present)
            if not applied:
                return present
            guard: Guard = At(key, present.commit) if present is not None else Absent(key)
            stamp = applied[0].stamp
            if present is not None and not stamp.case:
                stamp = stamp._replace(case=present.case)
            packed = board.pack_next(key, value, stamp, present)
            try:
                done = await board.store.submit([guard], [packed], stamp.author)
            except Conflict as conflict:
                attempt += 1
                if attempt == ATTEMPTS:
                    raise
                present = conflict.failures[0].record or await board.get(key)
                await asyncio.sleep(backoff_s(attempt))
                continue
            written = done.writes[0]
            if written.changed:
                revision = revision_of(written.commit)
                present = Record(key, written.commit, revision, written.version, done.time_ms, packed.data)
            assert present is not None  # noqa: S101  # written just now, or unchanged and so there
            for waiting in applied:
                waiting.succeed(present)
            return present


def _applied(batch: list[_Waiting], present: Record | None) -> tuple[Any, list[_Waiting]]:
    """The value after every function of ``batch``, and those whose function did not fail."""
    value = codec.pack_value(present.value if present is not None else None)
    applied: list[_Waiting] = []
    for waiting in batch:
        if waiting.done.done():
            continue
        try:
            value = codec.pack_value(waiting.fn(codec.unpack_value(value)))
        except Exception as error:  # noqa: BLE001  # the caller's function failed: its caller is told
            waiting.fail(error)
        else:
            applied.append(waiting)
    return codec.unpack_value(value), applied
