"""A replica shows only states that the board had, in order, whoever writes."""

from __future__ import annotations

import asyncio
import os
import sys
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from blackboard.board import Board
from blackboard.commit import Delete, Put
from blackboard.errors import Corrupt, NoBackend
from blackboard.log import entries_after
from blackboard.pattern import Pattern
from tests.waiting import eventually

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from blackboard.log import Change
    from blackboard.replica import Replica

ROOT = str(Path(__file__).parents[2])
WRITER = str(Path(__file__).with_name("writing.py"))


@asynccontextmanager
async def writers(url: str, name: str, count: int) -> AsyncIterator[None]:
    """So many processes write to the board meanwhile."""
    running = [
        await asyncio.create_subprocess_exec(
            sys.executable, WRITER, url, name, str(seed),
            stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, env={**os.environ, "PYTHONPATH": ROOT},
        )
        for seed in range(count)
    ]  # fmt: skip
    for process in running:
        assert process.stdout is not None
        assert await process.stdout.readline() == b"writing\n"
    try:
        yield
    finally:
        await asyncio.gather(*(process.communicate(b"stop\n") for process in running))
    assert [process.returncode for process in running] == [0] * count


async def folded(board: Board, upto: int) -> dict[str, tuple[str, str]]:
    """Key → commit and digest of every record at ``upto``, from the log alone."""
    state: dict[str, tuple[str, str]] = {}
    async for entry in entries_after(board.store, 0):
        for change in entry.changes if entry.revision <= upto else ():
            state.pop(change.key, None)
            if change.record is not None:
                state[change.key] = (change.commit, change.record.digest)
    return state


def shown(replica: Replica) -> dict[str, tuple[str, str]]:
    return {record.key: (record.commit, record.digest) for record in replica.records()}


async def test_two_writing_processes_and_own_commits_give_the_fold_of_the_log(board: Board, redis_url: str) -> None:
    """Built under load, written to by three, and at the end equal to the log digest by digest."""
    async with writers(redis_url, board.name, 2):
        replica = await board.replica()
        built_at = replica.revision
        told: list[Change] = []
        replica.subscribe(told.append)
        for n in range(200):
            done = await board.commit([], [Put(f"own/{n % 7}", n), Delete(f"own/{(n + 3) % 7}")])
            await replica.caught_up(done.revision)
    head = await board.revision()
    await replica.caught_up(head)
    assert shown(replica) == await folded(board, head)
    assert sorted({change.revision for change in told}) == list(range(built_at + 1, head + 1))
    assert [change.revision for change in told] == sorted(change.revision for change in told)
    for change in told:
        assert (change.previous.commit if change.previous else "") == change.previous_commit


async def test_every_state_in_between_is_a_state_that_the_board_had(board: Board, redis_url: str) -> None:
    """What stands there at the last change of each commit is the log up to there, digest by digest."""
    states: dict[int, dict[str, tuple[str, str]]] = {}
    async with writers(redis_url, board.name, 2):
        replica = await board.replica()
        replica.subscribe(lambda change: states.__setitem__(replica.revision, shown(replica)))
        for n in range(50):
            await board.put(f"own/{n}", n)
        await replica.caught_up(300)
    known: dict[str, tuple[str, str]] = {}
    checked = 0
    async for entry in entries_after(board.store, 0):
        for change in entry.changes:
            known.pop(change.key, None)
            if change.record is not None:
                known[change.key] = (change.commit, change.record.digest)
        if entry.revision in states:
            assert states[entry.revision] == known
            checked += 1
    assert checked >= 200


async def test_four_replicas_built_under_load_all_come_to_the_same(board: Board, redis_url: str) -> None:
    async with writers(redis_url, board.name, 1):
        opened = [await Board.open(redis_url, board.name) for _ in range(4)]
        replicas = [await each.replica() for each in opened]
    head = await board.revision()
    for replica in replicas:
        await replica.caught_up(head)
    expected = await folded(board, head)
    assert all(shown(replica) == expected for replica in replicas)
    for each in opened:
        await each.close()


async def test_an_own_commit_is_visible_before_its_caller_goes_on(either: Board) -> None:
    replica = await either.replica()
    for n in range(50):
        record = await either.put("a/1", n)
        seen = replica.get("a/1")
        assert seen == record
        assert seen is not None
        assert (seen.value, seen.author, seen.time_ms) == (n, "ada", record.time_ms)
    await either.delete("a/1")
    assert replica.get("a/1") is None
    assert replica.region("a") == {}


async def test_who_waits_while_this_process_writes_costs_the_server_no_look_at_the_log(
    board: Board, monkeypatch: pytest.MonkeyPatch
) -> None:
    replica, asked, read = await board.replica(), list[object](), board.store.read

    async def recorded(*arguments: Any) -> Any:
        asked.append(arguments[0])
        return await read(*arguments)

    monkeypatch.setattr(board.store, "read", recorded)
    waiting = asyncio.create_task(replica.caught_up(sys.maxsize))
    for number in range(200):
        await board.put(f"tasks/{number % 7}", {"number": number})
    waiting.cancel()
    assert "XRANGE" not in asked


async def test_an_own_commit_that_is_not_the_next_waits_for_the_others(board: Board, redis_url: str) -> None:
    replica = await board.replica()
    order: list[str] = []
    replica.subscribe(lambda change: order.append(change.key))
    async with await Board.open(redis_url, board.name) as other:
        for n in range(30):
            await asyncio.gather(other.put(f"theirs/{n}", n), board.put(f"ours/{n}", n))
    await replica.caught_up(60)
    assert order == [change.key for change in [c async for c in _first(board, 60)]]


async def _first(board: Board, count: int) -> AsyncIterator[Change]:
    async for change in board.changes():
        yield change
        count -= 1
        if not count:
            return


async def test_find_reads_the_replica_and_gives_records_of_ones_own(either: Board) -> None:
    for n in range(5):
        await either.put(f"a/{n}", {"n": n})
    replica = await either.replica()
    found = await either.find("a/{x} where n > 2")
    assert [record.key for record in found] == ["a/3", "a/4"]
    found[0].value["n"] = 100
    assert [r.value for r in replica.find(Pattern.parse("a/3"))] == [{"n": 3}]


async def test_a_subscriber_that_fails_is_reported_and_stops_nobody(either: Board) -> None:
    """Its error once broke the connection that the commit's answer came on, over and over."""
    reported: list[dict[str, object]] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: reported.append(context))
    replica = await either.replica()
    keys: list[str] = []

    def fails(change: Change) -> None:
        raise ZeroDivisionError

    end = replica.subscribe(fails)
    replica.subscribe(lambda change: keys.append(change.key))
    await asyncio.gather(either.put("a/1", 1), either.put("a/2", 2))
    end()
    end()
    await either.put("a/3", 3)
    assert keys == ["a/1", "a/2", "a/3"]
    assert [type(context["exception"]) for context in reported] == [ZeroDivisionError] * 2


async def test_a_trimmed_log_makes_a_replica_that_lagged_build_anew_and_tell_the_difference(
    board: Board, redis_url: str
) -> None:
    replica = await board.replica()
    await board.put("a/1", 1)
    await board.put("a/2", 2)
    told: list[tuple[str, str]] = []
    replica.subscribe(lambda change: told.append((change.operation, change.key)))
    tail = replica._tail
    assert tail is not None
    async with await Board.open(redis_url, board.name) as other:
        # The replica is kept from reading until what it needs next is trimmed.
        assert replica._task is not None
        tail.BLOCK_MS = 1  # type: ignore[misc]
        replica._task.cancel()
        await asyncio.gather(replica._task, return_exceptions=True)
        await other.delete("a/1")
        await other.put("a/2", 22)
        await other.put("a/3", 3)
        await board.backend.client.xtrim(board.store.keys.log, maxlen=1, approximate=False)
        replica._task = asyncio.create_task(replica._follow())
        await replica.caught_up(5)
    assert told == [("delete", "a/1"), ("put", "a/2"), ("put", "a/3")]
    assert [(r.key, r.value) for r in replica.records()] == [("a/2", 22), ("a/3", 3)]


async def test_a_replica_stands_still_and_says_so_when_the_log_holds_rubbish(board: Board) -> None:
    replica = await board.replica()
    await board.put("a/1", 1)
    waiting = asyncio.create_task(board.wait_for("never/*", 20))
    await board.backend.client.xadd(board.store.keys.log, {"x": "rubbish"}, id="1-2")
    with pytest.raises(Corrupt):
        await waiting
    with pytest.raises(Corrupt):
        await replica.caught_up(9)
    with pytest.raises(Corrupt):
        await board.find("a/*")


async def test_closing_the_board_ends_those_who_wait(redis_url: str, board_name: str) -> None:
    board = await Board.open(redis_url, board_name)
    replica = await board.replica()
    waiting = [asyncio.create_task(replica.caught_up(5)), asyncio.create_task(board.wait_for("a/*", 20))]
    await asyncio.sleep(0)
    await eventually(lambda: replica._finding, "the second waits too")
    await board.close()
    for waiter in waiting:
        with pytest.raises(NoBackend, match="closed"):
            await waiter
