"""Everything that a board is used for, at once, through a connection that fails: and all of it recorded."""

from __future__ import annotations

import asyncio
import contextlib
import time
from typing import TYPE_CHECKING, Any, Self

from blackboard.commit import Absent, At, Delete, Previous, Put, Update
from blackboard.errors import BlackboardError
from tests.proof.dump import mark_of
from tests.proof.history import Told
from tests.proof.recording import RecordedBoard

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine
    from random import Random
    from types import TracebackType

    from blackboard.log import Change
    from blackboard.record import Record
    from tests.proof.history import History

WRITERS = 8
WRITING_BOARDS = 4
HOT = ("hot/1", "hot/2")
SHARED = tuple(f"shared/{n}" for n in range(4))


class Traffic:
    """Eight writers on four boards, a mutator of hot records with several callers, two readers.

    One reader records every change as ``changes`` gives it, the other as a replica's subscriber is told it and
    what the replica shows.
    """

    def __init__(self, url: str, name: str, history: History, chance: Random) -> None:
        self.boards: list[RecordedBoard] = []
        self.steps = 0
        """what writers and mutator asked for so far, refused or not"""
        self.enough = asyncio.Event()
        """set to let the writers and the mutator end"""
        self.history = history
        self._url = url
        self._name = name
        self._chance = chance
        self._writing: list[asyncio.Task[None]] = []
        self._reading: list[asyncio.Task[None]] = []

    async def __aenter__(self) -> Self:
        names = [*(f"writer-{n}" for n in range(WRITING_BOARDS)), "mutator", "reader", "replica"]
        for client in names:
            board = await RecordedBoard.recorded(self._url, self._name, self.history, client)
            board.store.answer_within_s = 0.3
            self.boards.append(board)
        hasty = self.boards[0].store
        hasty.answer_within_s = hasty.give_up_after_s = 0.1  # so that some outcomes are unknown
        *writing, mutating, reading, replicating = self.boards
        await self._watch_replica(replicating)
        self._reading = [asyncio.create_task(reading.read_changes(), name="traffic-reader")]
        start = self._start
        self._writing = [start(self._write(writing[n % WRITING_BOARDS], f"own/{n}")) for n in range(WRITERS)]
        self._writing += [start(self._mutate(mutating)) for _ in range(3)]
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
                await board.mutate(self._chance.choice(HOT), _one_more)
            self.steps += 1
            await asyncio.sleep(self._chance.uniform(0, 0.02))

    async def _write(self, board: RecordedBoard, own: str) -> None:
        writer = Writer(board, own, self._chance)
        while not self.enough.is_set():
            with contextlib.suppress(BlackboardError):
                await writer.step()
            self.steps += 1
            await asyncio.sleep(self._chance.uniform(0, 0.02))


class Writer:
    """One caller, who awaits each outcome before the next step; every value that it writes is another one."""

    def __init__(self, board: RecordedBoard, own: str, chance: Random) -> None:
        self._board = board
        self._own = own
        self._chance = chance
        self._count = 0
        self._last: Record | None = None
        self._kinds: tuple[Callable[[], Coroutine[Any, Any, Any]], ...] = (
            self._put,
            self._create,
            self._replace,
            self._contend,
            self._remove,
            self._several,
            self._once,
            self._chain,
            self._update,
        )

    async def step(self) -> None:
        """One request of some kind."""
        await self._chance.choice(self._kinds)()

    def _value(self) -> str:
        self._count += 1
        return f"{self._own} {self._count}"

    async def _put(self) -> None:
        self._last = await self._board.put(self._own, self._value())

    async def _create(self) -> None:
        await self._board.create(self._own, self._value())

    async def _replace(self) -> None:
        if self._last is not None:
            self._last = await self._board.replace(self._last, self._value())

    async def _contend(self) -> None:
        key = self._chance.choice(SHARED)
        present = await self._board.get(key)
        guard = At(key, present.commit) if present is not None else Absent(key)
        await self._board.commit([guard], [Put(key, self._value())])

    async def _remove(self) -> None:
        await self._board.delete(self._own)

    async def _several(self) -> None:
        await self._board.commit(
            [], [Put(self._own, self._value()), Put(f"{self._own}/more", self._value()), Delete(f"{self._own}/once")]
        )

    async def _once(self) -> None:
        key, value = f"{self._own}/once", self._value()
        for _ in range(2):
            await self._board.commit([], [Put(key, value)], once=value)

    async def _chain(self) -> None:
        first = self._board.commit([Absent(f"{self._own}/chain")], [Put(f"{self._own}/chain", self._value())])
        second = self._board.commit([Previous()], [Delete(f"{self._own}/chain")])
        for outcome in await asyncio.gather(first, second, return_exceptions=True):
            if isinstance(outcome, Exception):
                raise outcome

    async def _update(self) -> None:
        update = [Update(self._chance.choice(HOT), _one_more)]
        await self._board.commit([], [Put(self._own, self._value())], updates=update)


def _one_more(value: Any) -> int:
    return int(value or 0) + 1
