"""Callers are cancelled at any moment: their commits are there once or not at all, and nobody else notices."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import sys
from collections import Counter
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

import pytest

from blackboard.board import Board
from blackboard.commit import Absent, Put, Update
from blackboard.errors import NoBackend, Unknown
from blackboard.record import Record
from tests.proof.amounts import amount, chance
from tests.proof.dump import read_dump
from tests.proof.flat import Footprint, drained, flat, footprint
from tests.proof.history import History
from tests.proof.recording import RecordedBoard
from tests.proof.run import Run
from tests.proof.saved import hold
from tests.proof.violation import Violation
from tests.proxy import Proxy
from tests.waiting import eventually

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Iterator
    from random import Random

    import redis

    from tests.conftest import RedisServer

AT_ONCE = 60
"""callers, of which two in three are cancelled"""
T = TypeVar("T")


class Moments:
    """Cancels what takes its time at random moments of that time, which differs from machine to machine."""

    def __init__(self, random: Random) -> None:
        self.tried = 0
        self.cancelled = 0
        self._random = random
        self._usual_s = 0.0

    async def cancel(self, doing: Coroutine[Any, Any, T]) -> T | None:
        """What ``doing`` returns, ``None`` where it was cancelled; every fifth is not, and tells how long one takes."""
        loop = asyncio.get_running_loop()
        task, started = loop.create_task(doing), loop.time()
        if self.tried % 5:
            loop.call_later(self._random.uniform(0, 1.2 * self._usual_s), task.cancel)
        self.tried += 1
        try:
            return await task
        except asyncio.CancelledError:
            self.cancelled += 1
            return None
        finally:
            if self.tried % 5 == 1:
                self._usual_s = loop.time() - started


class Crowd:
    """Callers of one board, each with keys of its own and one record that all of a round append to."""

    def __init__(self, board: Board, random: Random) -> None:
        self.cancelled = 0
        self.appended: dict[str, tuple[set[str], set[str]]] = {}
        """hot record -> the names that must be in it, those that may be"""
        self._board = board
        self._random = random
        self._count = 0
        self._round = 0
        self._within_s = 0.006
        self._kinds: tuple[Callable[[str], Coroutine[Any, Any, None]], ...] = (
            self._in_a_row,
            self._in_a_row,
            self._mutate,
            self._update,
            self._once,
            self._read,
            self._wait_for,
            self._changes,
        )

    async def one_round(self) -> None:
        """Let callers of every kind come at once and cancel most of them; raises what one of the others met."""
        self._round += 1
        self.appended[self._hot] = set(), set()
        loop = asyncio.get_running_loop()
        victims, others, started = [], [], loop.time()
        for n in range(AT_ONCE):
            self._count += 1
            name = str(self._count)
            kind = self._kinds[self._random.randrange(len(self._kinds))]
            task = asyncio.create_task(kind(name), name=f"caller {kind.__name__}")
            if n % 3:
                victims.append(task)
                loop.call_later(self._random.uniform(0, self._within_s), task.cancel)
            else:
                others.append(task)
        async with asyncio.timeout(30):
            await asyncio.gather(*others)  # a cancelled caller who took another along raises here
        self._within_s = (loop.time() - started) / 3
        for outcome in await asyncio.gather(*victims, return_exceptions=True):
            if isinstance(outcome, asyncio.CancelledError):
                self.cancelled += 1
            elif outcome is not None:
                raise outcome

    @property
    def _hot(self) -> str:
        return f"hot/{self._round}"

    async def _in_a_row(self, name: str) -> None:
        """Each is awaited before the next, so each comes after it."""
        record = await self._board.create(f"a/{name}", f"{name} first")
        for n in range(3):
            after = await self._board.replace(record, f"{name} {n}")
            assert after.revision > record.revision
            assert after.version == record.version + 1
            record = after
        await self._board.delete(record)

    async def _mutate(self, name: str) -> None:
        must, may = self.appended[self._hot]
        may.add(name)
        record = await self._board.mutate(self._hot, lambda value: [*(value or ()), name])
        assert name in record.value
        must.add(name)

    async def _update(self, name: str) -> None:
        must, may = self.appended[self._hot]
        may.add(name)
        append = Update(self._hot, lambda value: [*(value or ()), name])
        await self._board.commit([], [Put(f"a/{name}", name)], updates=[append])
        must.add(name)

    async def _once(self, name: str) -> None:
        key = f"a/{name}"
        first = await self._board.commit([Absent(key)], [Put(key, name)], once=name)
        again = await self._board.commit([Absent(key)], [Put(key, name)], once=name)
        assert again == first._replace(repeated=True)

    async def _read(self, name: str) -> None:
        region = f"b{self._round}"
        written = await self._board.put(f"{region}/{name}", name)
        assert await self._board.get(written.key) == written
        assert written in await self._board.find(f"{region}/*")

    async def _wait_for(self, name: str) -> None:
        writing = asyncio.create_task(self._board.put(f"c/{name}", name))
        try:
            assert (await self._board.wait_for(f"c/{name}")).value == name
        finally:
            await writing

    async def _changes(self, name: str) -> None:
        first = await self._board.put(f"d/{name}", 1)
        reading: Any = self._board.changes(f"d/{name}", since=first.revision)
        async with contextlib.aclosing(reading) as changes:
            second = await self._board.put(f"d/{name}", 2)
            assert (await anext(changes)).commit == second.commit


def _disordered(run: Run) -> list[Violation]:
    """Commits of one process are applied in the order in which they were submitted, cancelled or not."""
    found, last = [], 0
    for commit in sorted(run.history.commits, key=lambda commit: commit.number):
        entry = run.entry_of(commit)
        if entry is None:
            continue
        if entry.revision < last:
            found.append(f"commit {commit.number}, {entry.commit}, was submitted after revision {last}")
        last = max(last, entry.revision)
    return [Violation("submitted order", sentence) for sentence in found]


def _misappended(appended: dict[str, tuple[set[str], set[str]]], values: dict[str, list[str]]) -> Iterator[Violation]:
    """Who was told that it appended did so once, who was cancelled at most once."""
    for key, (must, may) in appended.items():
        counts = Counter(values.get(key, []))
        wrong = [n for n, times in counts.items() if times > 1 or n not in may] + [n for n in must if n not in counts]
        if wrong:
            yield Violation("appended once", f"{key} holds twice, not at all, or of nobody: {wrong}")


def _no_more_connections(client: redis.Redis, before: Footprint) -> bool:
    return footprint(client).connections <= before.connections


def _futures() -> int:
    gc.collect()
    return sum(isinstance(found, asyncio.Future) for found in gc.get_objects())


@pytest.mark.slow
@pytest.mark.parametrize("far", [False, True])
async def test_cancelled_callers_leave_nothing_behind_and_nobody_else_notices(
    redis_server: RedisServer, board_name: str, far: bool
) -> None:
    """Near, a call takes a fraction of a millisecond; far, several, so that callers go while it is in flight."""
    random = chance(f"cancellation {'far' if far else 'near'}")
    cancelled = 0
    with redis_server.client() as client:
        while cancelled < amount(1_000, 100_000):
            before = footprint(client)
            async with Proxy(redis_server.socket) as proxy:
                proxy.forth.delay = proxy.back.delay = lambda: random.uniform(0, 0.002) if far else 0.0
                cancelled += await _storm(proxy.url if far else redis_server.url, board_name, random, client)
            client.delete(*client.scan_iter(match=f"bb:{{{board_name}}}:*"))
            await eventually(partial(_no_more_connections, client, before), "the server closed its side")
            assert flat(before, footprint(client)) == []
    sys.stdout.write(f"{cancelled} callers cancelled\n")


async def _storm(url: str, name: str, random: Random, client: Any) -> int:
    """A thousand callers cancelled on a new board; holds the board to what it owes the others."""
    history = History()
    async with await RecordedBoard.recorded(url, name, history, "board") as board:
        await board.replica()
        crowd = Crowd(board, random)
        await crowd.one_round()
        futures, tasks = _futures(), len(asyncio.all_tasks())
        while crowd.cancelled < 1_000:
            await crowd.one_round()
        left = await drained(board)
        left += [Violation("flat", f"{what} are left") for what in _left(board)]
        await eventually(lambda: len(asyncio.all_tasks()) <= tasks, "every task is gone")
        if _futures() > futures + 20:
            left.append(Violation("flat", f"{_futures()} futures, {futures} before"))
        values = {key: record.value if (record := await board.get(key)) else [] for key in crowd.appended}
    dump = read_dump(client, name)
    run = Run(history, dump)
    hold(run, *left, *_disordered(run), *_misappended(crowd.appended, values))
    return crowd.cancelled


def _left(board: Board) -> list[str]:
    """What the board still keeps of callers, though none is there."""
    store, replica, mutations = board.store, board._replica, board._mutations
    assert replica is not None
    kept: dict[str, Any] = {
        "commits": store._queue,
        "calls": store._in_flight,
        "mutations": mutations._waiting,
        "tasks of mutations": mutations._tasks,
        "subscribers": replica._subscribers,
        "waiting for a revision": [reached for _, reached in replica._waiting if not reached.done()],
        "waiting for a record": replica._finding,
    }
    return [f"{len(items)} {what}" for what, items in kept.items() if items]


async def test_an_opening_that_is_cancelled_at_any_moment_leaves_nothing_behind(
    redis_server: RedisServer, board_name: str
) -> None:
    moments = Moments(chance("cancelled openings"))
    with redis_server.client() as client:
        before = footprint(client)
        while moments.cancelled < amount(200, 10_000):
            board = await moments.cancel(Board.open(redis_server.url, board_name))
            if board is not None:
                await board.close()
        assert client.hmget(f"bb:{{{board_name}}}:meta", "epoch", "revision") == [b"1", b"0"]
        client.delete(*client.scan_iter(match=f"bb:{{{board_name}}}:*"))  # among them sessions, which have their day
        await eventually(lambda: not flat(before, footprint(client)), "nothing is left of boards that were not opened")


async def test_a_closing_that_is_cancelled_at_any_moment_lets_go_all_the_same(
    redis_server: RedisServer, board_name: str
) -> None:
    """Who closes within a time limit cannot close again: ``async with`` has no second exit."""
    moments, history = Moments(chance("cancelled closings")), History()
    with redis_server.client() as client:
        before = footprint(client)
        while moments.cancelled < amount(100, 5_000):
            board = await RecordedBoard.recorded(redis_server.url, board_name, history, f"board {moments.tried}")
            await board.replica()
            callers = [asyncio.create_task(board.put(f"a/{n}", [moments.tried, n])) for n in range(20)]
            callers.append(asyncio.create_task(board.mutate("hot/1", lambda value: (value or 0) + 1)))
            waiting = asyncio.create_task(board.wait_for("never/1", 30))
            await asyncio.sleep(0)
            await moments.cancel(board.close())
            async with asyncio.timeout(10):
                outcomes = await asyncio.gather(*callers, waiting, return_exceptions=True)
            assert all(isinstance(o, Record | NoBackend | Unknown) for o in outcomes), outcomes
        hold(Run(history, read_dump(client, board_name)))
        client.delete(*client.scan_iter(match=f"bb:{{{board_name}}}:*"))
        await eventually(lambda: not flat(before, footprint(client)), "nothing is left of boards that were closed")
