"""Connections that break, stall and mangle: a commit is applied once, and only its time is lost."""

from __future__ import annotations

import asyncio
import random
import time
from functools import partial
from typing import TYPE_CHECKING

import pytest
import pytest_asyncio

from blackboard.board import Board
from blackboard.errors import NoBackend, Unknown
from blackboard.scripts import Script
from tests.consistency import check_consistent
from tests.proxy import Proxy
from tests.proxy.direction import single_bytes
from tests.waiting import eventually

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from tests.conftest import RedisServer

COMMIT = Script("commit.lua").sha.encode()
HANDSHAKE = Script("handshake.lua").sha.encode()


@pytest_asyncio.fixture
async def proxy(redis_server: RedisServer) -> AsyncIterator[Proxy]:
    """A proxy before the session's server."""
    async with Proxy(redis_server.socket) as between:
        yield between


@pytest_asyncio.fixture
async def far(proxy: Proxy, board_name: str) -> AsyncIterator[Board]:
    """A board that is reached through the proxy."""
    async with await Board.open(proxy.url, board_name) as board:
        yield board


async def increments(board: Board, callers: int, enough: asyncio.Event) -> list[int]:
    """Each caller adds 1 to a record of its own, commit by commit, until it is enough; returns how often each did."""

    async def one(n: int) -> int:
        record = await board.put(f"count/{n}", 0)
        while not enough.is_set():
            record = await board.replace(record, record.value + 1)
        return int(record.value)

    return await asyncio.gather(*(one(n) for n in range(callers)))


async def test_a_commit_whose_reply_was_lost_is_answered_from_the_session(
    proxy: Proxy, far: Board, redis_server: RedisServer
) -> None:
    first = await far.create("a/1", 1)
    proxy.lose_reply_to(COMMIT)
    second = await far.replace(first, 2)
    assert (second.version, second.revision, proxy.losses) == (2, 2, 1)
    with redis_server.client() as client:
        assert check_consistent(client, far.name) == 2


async def test_a_commit_that_never_arrived_is_sent_again(proxy: Proxy, far: Board) -> None:
    first = await far.create("a/1", 1)
    proxy.lose_request(COMMIT)
    assert (await far.replace(first, 2)).revision == 2
    assert proxy.losses == 1


async def test_handshakes_that_are_lost_on_the_way_back_are_repeated(proxy: Proxy, far: Board) -> None:
    first = await far.create("a/1", 1)
    proxy.lose_reply_to(COMMIT)
    proxy.lose_reply_to(HANDSHAKE)
    proxy.lose_request(HANDSHAKE)
    proxy.lose_request(b"CLIENT")
    assert (await far.replace(first, 2)).revision == 2
    assert proxy.losses == 4


async def test_connections_that_break_all_the_time_lose_and_repeat_nothing(
    proxy: Proxy, far: Board, redis_server: RedisServer
) -> None:
    """Ten callers count while replies, requests and whole connections are lost at random, 40 times."""
    enough = asyncio.Event()
    counting = asyncio.create_task(increments(far, 10, enough))
    chance = random.Random(7)
    faults: list[Callable[[], None]] = [
        proxy.reset,
        partial(proxy.lose_reply_to, COMMIT),
        partial(proxy.lose_request, COMMIT),
    ]
    async with asyncio.timeout(30):
        while proxy.losses < 20:
            chance.choice(faults)()
            await asyncio.sleep(chance.uniform(0, 0.03))
    enough.set()
    counted = await counting
    assert [record.value for record in await far.find("count/*")] == counted
    with redis_server.client() as client:
        assert check_consistent(client, far.name) == sum(counted) + 10


async def test_answers_that_come_in_single_bytes_are_understood(proxy: Proxy, far: Board) -> None:
    proxy.forth.cut = proxy.back.cut = single_bytes
    records = [await far.put(f"a/{n}", "x" * n) for n in range(5)]
    assert await far.find("a/*") == records


async def test_a_slow_server_gets_larger_groups_instead_of_more_calls(proxy: Proxy, far: Board) -> None:
    proxy.forth.delay = proxy.back.delay = lambda: 0.01
    before = proxy.requests
    for n in range(5):
        await asyncio.gather(*(far.put(f"a/{n}/{m}", m) for m in range(50)))
    assert proxy.requests - before <= 15


async def test_a_server_that_accepts_and_never_answers_is_given_up_in_time(proxy: Proxy, far: Board) -> None:
    far.store.answer_within_s = far.store.give_up_after_s = 0.2
    await far.put("a/1", 1)
    proxy.silent = True
    started = time.monotonic()
    outcomes = await asyncio.gather(far.put("a/2", 2), far.put("a/3", 3), return_exceptions=True)
    assert all(isinstance(outcome, Unknown) for outcome in outcomes)
    assert time.monotonic() - started < 5
    proxy.silent = False
    proxy.reset()
    assert (await far.put("a/4", 4)).value == 4


async def test_a_call_that_stays_unanswered_on_an_open_connection_is_sent_over_another(
    proxy: Proxy, far: Board
) -> None:
    far.store.answer_within_s = 0.2
    await far.put("a/1", 1)
    proxy.silent = True
    putting = asyncio.create_task(far.put("a/2", 2))
    await asyncio.sleep(0.05)
    proxy.silent = False  # what the old connection swallowed stays swallowed
    assert (await putting).revision == 2


async def test_an_idle_writer_whose_connection_broke_is_ready_again_without_being_asked(
    proxy: Proxy, far: Board
) -> None:
    await far.put("a/1", 1)
    proxy.reset()
    await eventually(lambda: far.store._writer is not None and not far.store._held, "the writer has a new connection")
    assert (await far.put("a/2", 2)).revision == 2


async def test_closing_while_the_server_is_away_ends_and_tells_the_callers(proxy: Proxy, board_name: str) -> None:
    board = await Board.open(proxy.url, board_name)
    await board.put("a/1", 1)
    board.store.answer_within_s = 0.2
    proxy.refusing = True
    proxy.reset()
    putting = asyncio.create_task(board.put("a/2", 2))
    await asyncio.sleep(0)
    await board.close()
    with pytest.raises((NoBackend, Unknown)):
        await putting


async def test_many_reads_survive_one_broken_connection(proxy: Proxy, far: Board) -> None:
    for n in range(20):
        await far.put(f"a/{n}", n)
    proxy.forth.delay = proxy.back.delay = lambda: 0.01
    reading = asyncio.gather(*(far.get(f"a/{n}") for n in range(20)))
    await asyncio.sleep(0)
    proxy.reset()
    assert [record.value for record in await reading if record is not None] == list(range(20))


async def test_a_reader_of_changes_misses_none_when_its_connection_breaks(proxy: Proxy, far: Board) -> None:
    seen: list[int] = []

    async def read() -> None:
        async for change in far.changes("a/*"):
            seen.append(change.revision)  # noqa: PERF401 - it never ends: what it has so far is looked at

    reading = asyncio.create_task(read())
    for n in range(60):
        await far.put("a/1", n)
        if n % 10 == 5:
            proxy.reset()
    await eventually(lambda: len(seen) == 60, "every change was read")
    reading.cancel()
    assert seen == list(range(1, 61))


async def test_a_replica_goes_on_where_it_was_when_its_connection_breaks(
    proxy: Proxy, far: Board, board: Board
) -> None:
    replica = await far.replica()
    told: list[int] = []
    replica.subscribe(lambda change: told.append(change.revision))
    for n in range(40):
        await (far if n % 2 else board).put("a/1", n)
        if n % 10 == 5:
            proxy.reset()
    await replica.caught_up(40)
    assert told == list(range(1, 41))
