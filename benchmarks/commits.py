"""Commits alone, as a user of the board makes them: one after the other, and many at once."""

from __future__ import annotations

import asyncio
from time import perf_counter
from typing import TYPE_CHECKING, NamedTuple

from benchmarks.team import BOARD, value_of
from blackboard.board import Board
from blackboard.commit import Absent, Put
from blackboard.record import Stamp

if TYPE_CHECKING:
    from benchmarks.server import PrivateServer


class CommitRun(NamedTuple):
    """Commits per second, each of one new record guarded as absent."""

    one_at_a_time: float
    grouped: float
    """``Board.create`` in as many tasks"""
    grouped_bare: float
    """``Store.submit``, which makes no task"""


async def run_commits(server: PrivateServer, count: int) -> CommitRun:
    """``count`` commits grouped, each way, and a fifth as many one at a time."""
    async with await Board.open(server.url, BOARD) as board:
        alone = max(1, count // 5)
        started = perf_counter()
        for item in range(alone):
            await board.create(f"alone/{item}", value_of(item))
        one_at_a_time = alone / (perf_counter() - started)

        started = perf_counter()
        await asyncio.gather(*(board.create(f"grouped/{item}", value_of(item)) for item in range(count)))
        grouped = count / (perf_counter() - started)

        stamp = Stamp("bench")
        started = perf_counter()
        futures = []
        for item in range(count):
            key = f"bare/{item}"
            futures.append(
                board.store.submit([Absent(key)], [board.pack(Put(key, value_of(item)), stamp)], stamp.author)
            )
        await asyncio.gather(*futures)
        grouped_bare = count / (perf_counter() - started)
        assert await board.revision() == alone + 2 * count, "not every commit was applied"
    return CommitRun(one_at_a_time, grouped, grouped_bare)
