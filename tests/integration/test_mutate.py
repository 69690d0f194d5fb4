"""Read-modify-write loses nothing through ``mutate``, whoever else writes, and loses much through ``put``."""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from blackboard.commit import Absent, Put, Update
from blackboard.errors import Conflict, InvalidName, InvalidValue
from tests.consistency import calls

if TYPE_CHECKING:
    from blackboard.board import Board
    from tests.conftest import RedisServer

ROOT = str(Path(__file__).parents[2])
PROGRAM = str(Path(__file__).with_name("incrementing.py"))


async def counted(board: Board, url: str, *, processes: int, tasks: int, times: int, how: str) -> int:
    """What the record holds after all processes incremented it, started together."""
    running = [
        await asyncio.create_subprocess_exec(
            sys.executable, PROGRAM, url, board.name, str(tasks), str(times), how,
            stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, env={**os.environ, "PYTHONPATH": ROOT},
        )
        for _ in range(processes)
    ]  # fmt: skip
    for process in running:
        assert process.stdout is not None
        assert await process.stdout.readline() == b"ready\n"
    await asyncio.gather(*(process.communicate(b"go\n") for process in running))
    assert [process.returncode for process in running] == [0] * processes
    record = await board.get("count/1")
    assert record is not None
    return int(record.value)


async def test_four_processes_of_25_tasks_increment_one_record_100_times_each_exactly(
    board: Board, redis_url: str
) -> None:
    assert await counted(board, redis_url, processes=4, tasks=25, times=100, how="mutate") == 10_000


async def test_the_same_through_put_loses_increments(board: Board, redis_url: str) -> None:
    """Last writer wins: that is what ``put`` promises, and why ``mutate`` is there."""
    assert await counted(board, redis_url, processes=2, tasks=10, times=20, how="put") < 400


async def test_fifty_tasks_of_one_process_cost_few_commits(board: Board, redis_server: RedisServer) -> None:
    with redis_server.client() as client:
        before = calls(client)
        records = await asyncio.gather(*(board.mutate("count/1", lambda v: (v or 0) + 1) for _ in range(50)))
        assert calls(client) - before <= 3
    assert {record.value for record in records} == {50}
    assert len(await board.history("count/1")) <= 3


async def test_each_caller_gets_a_record_of_its_own(either: Board) -> None:
    def append(value: list[int] | None) -> list[int]:
        return [*(value or []), 1]

    first, second = await asyncio.gather(either.mutate("a/1", append), either.mutate("a/1", append))
    first.value.append("mine")
    assert second.value == [1, 1]


async def test_one_function_that_fails_takes_nobody_elses_change_with_it(either: Board) -> None:
    def fails(value: Any) -> Any:
        raise ZeroDivisionError

    def stops(value: Any) -> Any:
        raise StopIteration

    outcomes = await asyncio.gather(
        either.mutate("a/1", lambda v: (v or 0) + 1),
        either.mutate("a/1", fails),
        either.mutate("a/1", lambda v: object()),
        either.mutate("a/1", stops),
        either.mutate("a/1", lambda v: v + 1),
        return_exceptions=True,
    )
    assert [type(outcome).__name__ for outcome in outcomes] == [
        "Record", "ZeroDivisionError", "InvalidValue", "RuntimeError", "Record"
    ]  # fmt: skip
    assert (await either.mutate("a/1", lambda v: v + 1)).value == 3, "the key is free for the next"


async def test_a_function_may_change_the_value_in_place_without_harm(either: Board) -> None:
    await either.put("a/1", {"n": [1]})

    def change(value: dict[str, list[int]]) -> dict[str, list[int]]:
        value["n"].append(2)
        return value

    assert (await either.mutate("a/1", change)).value == {"n": [1, 2]}


async def test_a_cancelled_caller_does_not_stop_the_others(either: Board) -> None:
    tasks = [asyncio.create_task(either.mutate("a/1", lambda v: (v or 0) + 1)) for _ in range(10)]
    await asyncio.sleep(0)
    tasks[0].cancel()
    outcomes = await asyncio.gather(*tasks, return_exceptions=True)
    assert isinstance(outcomes[0], asyncio.CancelledError)
    assert not any(isinstance(outcome, BaseException) for outcome in outcomes[1:])


async def test_a_mutated_record_keeps_its_status_its_case_and_the_end_of_its_time(either: Board) -> None:
    first = await either.create("a/1", 1, ttl_ms=60_000, status="proposed")
    record = await either.mutate("a/1", lambda v: v + 1)
    assert (record.value, record.status, record.case, record.expires_ms, record.version) == (
        2, "proposed", "a/1", first.expires_ms, 2
    )  # fmt: skip
    await either.commit([], [], updates=[Update("a/1", lambda v: v + 1)])
    stored = await either.get("a/1")
    assert stored is not None
    assert (stored.value, stored.status, stored.expires_ms) == (3, "proposed", first.expires_ms)


async def test_a_value_that_does_not_change_wakes_nobody(either: Board) -> None:
    first = await either.put("a/1", 1)
    assert await either.mutate("a/1", lambda v: v) == first
    assert await either.revision() == 1


async def test_a_bad_key_or_value_is_refused_before_anything_is_sent(either: Board) -> None:
    with pytest.raises(InvalidName):
        await either.mutate("a b", lambda v: v)
    with pytest.raises(InvalidValue):
        await either.mutate("a/1", lambda v: float("inf"))
    assert await either.revision() == 0


async def test_updates_of_a_commit_are_applied_again_when_only_they_conflict(either: Board) -> None:
    """Thirty commits that take from one stock record, each with a record of its own: none conflicts, none is lost."""
    await either.put("stock/1", 100)
    await asyncio.gather(*(
        either.commit([Absent(f"sale/{n}")], [Put(f"sale/{n}", n)], updates=[Update("stock/1", lambda v: v - 1)])
        for n in range(30)
    ))  # fmt: skip
    stock = await either.get("stock/1")
    assert stock is not None
    assert stock.value == 70
    with pytest.raises(Conflict):
        await either.commit([Absent("sale/1")], [], updates=[Update("stock/1", lambda v: v - 1)])
    assert (await either.get("stock/1")) == stock
