"""Everything that a board is used for, at once, through a connection that fails: and all of it recorded."""

from __future__ import annotations

import asyncio
import contextlib
import time
from typing import TYPE_CHECKING, Any, Self

from blackboard.commit import Absent, Delete, Previous, Put, Update
from blackboard.errors import BlackboardError
from tests.proof.dump import mark_of
from tests.proof.history import Told
from tests.proof.recording import RecordedBoard
from tests.proof.writers import SHARED, Writer

if TYPE_CHECKING:
    from collections.abc import Coroutine
    from random import Random
    from types import TracebackType

    from blackboard.log import Change
    from tests.proof.history import History


class Traffic:
    """Boards with two writers each, a mutator of hot records with several callers, two readers.

    One reader records every change as ``changes`` gives it, the other as a replica's subscriber is told it and
    what the replica shows, to which it adds changes of its own.  What the clients record under begins with ``prefix``.
    """

    def __init__(
        self, url: str, name: str, history: History, chance: Random, *, prefix: str = "", writing_boards: int = 4
    ) -> None:
        self.boards: list[RecordedBoard] = []
        self.enough = asyncio.Event()
        """set to let the writers and the mutator end"""
        self.history = history
        self._url = url
        self._name = name
        self._chance = chance
        writing = [f"writer-{n}" for n in range(writing_boards)]
        self._clients = [prefix + client for client in (*writing, "mutator", "reader", "replica")]
        self._writing: list[asyncio.Task[None]] = []
        self._reading: list[asyncio.Task[None]] = []

    async def __aenter__(self) -> Self:
        for client in self._clients:
            board = await RecordedBoard.recorded(self._url, self._name, self.history, client)
            board.store.answer_within_s = 0.3
            self.boards.append(board)
        hasty = self.boards[0].store
        hasty.answer_within_s = hasty.give_up_after_s = 0.1  # so that some outcomes are unknown
        *writing, mutating, reading, replicating = self.boards
        await self._watch_replica(replicating)
        self._reading = [asyncio.create_task(reading.read_changes(), name="traffic-reader")]
        start = self._start
        self._writing = [start(BusyWriter(board, self._chance).write_until(self.enough)) for board in writing]
        self._writing += [start(self._mutate(board)) for board in (mutating, mutating, mutating, replicating)]
        self._writing += [start(self._look(replicating))]
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for task in (*self._writing, *self._reading):
            task.cancel()
        await asyncio.gather(*self._writing, *self._reading, return_exceptions=True)
        for board in self.boards:
            await board.close()

    async def written(self) -> None:
        """Return when every writer has ended, which they do once it is :attr:`enough`; raises what one of them did."""
        await asyncio.gather(*self._writing)

    async def read_up_to(self, revision: int) -> None:
        """Return when both readers have seen ``revision``; raises what a reader ended with."""
        (reading,) = self._reading
        await (await self.boards[-1].replica()).caught_up(revision)
        await self.boards[-1].show()
        while self._last_read() < revision:
            if reading.done():
                reading.result()
            await asyncio.sleep(0.01)

    def queued(self) -> int:
        """How much the boards still keep of what was asked: commits, mutations, repairs under way."""
        stores = [board.store for board in self.boards]
        commits = sum(len(s._queue) + len(s._in_flight) + s._held + (s._repair is not None) for s in stores)
        return commits + sum(len(b._mutations._waiting) + len(b._mutations._tasks) for b in self.boards)

    def _last_read(self) -> int:
        client = self.boards[-2].client
        commit = next((told.commit for told in reversed(self.history.told) if told.client == client), "")
        return int(commit.partition("-")[2] or 0)

    def _start(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        return asyncio.create_task(work, name="traffic-writer")

    async def _watch_replica(self, board: RecordedBoard) -> None:
        replica = await board.replica()

        def told(change: Change) -> None:
            mark = mark_of(change.record.packed) if change.record is not None else ""
            number = self.history.next_number(board.client)
            self.history.add(Told(board.client, number, time.monotonic_ns(), change.commit, change.key, mark))

        board.event("reads", str(replica.revision))
        replica.subscribe(told)

    async def _look(self, board: RecordedBoard) -> None:
        while not self.enough.is_set():
            await board.show()
            await asyncio.sleep(0.1)

    async def _mutate(self, board: RecordedBoard) -> None:
        while not self.enough.is_set():
            with contextlib.suppress(BlackboardError):
                await board.mutate(f"count/{self._chance.randrange(SHARED)}", lambda value: (value or 0) + 1)
            await asyncio.sleep(self._chance.uniform(0, 0.02))


class BusyWriter(Writer):
    """A :class:`Writer` that also writes unguarded, chains commits, and updates hot records within a commit."""

    def __init__(self, board: RecordedBoard, chance: Random) -> None:
        super().__init__(board, chance)
        self._kinds += [self.put, self.chain, self.update]

    async def put(self) -> None:
        await self._board.put(self._any("put"), self._unique())

    async def chain(self) -> None:
        """The second is applied if the first is, which somebody else's may prevent."""
        key = self._any("chain")
        first = self._board.commit([Absent(key)], [Put(key, self._unique())])
        second = self._board.commit([Previous()], [Delete(key), Put(self._any("put"), self._unique())])
        for outcome in await asyncio.gather(first, second, return_exceptions=True):
            if isinstance(outcome, Exception):
                raise outcome

    async def update(self) -> None:
        add = Update(self._any("count"), lambda value: (value or 0) + 1)
        await self._board.commit([], [Put(self._any("put"), self._unique())], updates=[add])
