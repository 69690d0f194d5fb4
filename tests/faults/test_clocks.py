"""Clocks that somebody sets, by an hour or a day and back: only what is shown and what expires depends on them."""

from __future__ import annotations

import asyncio
import contextlib
import random
import time
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest
import pytest_asyncio

from blackboard.board import Board
from blackboard.clock import SystemClock
from blackboard.commit import Absent, Put
from blackboard.control_records import LEADER
from blackboard.errors import Unknown
from blackboard.scripts import Script
from controller.budgets import Limits, RunLimit
from knowledge_sources import knowledge_source
from tests.faults.shims.shims import ForgetfulDisk, SetClock, preloading
from tests.leading import going_on, leading, values
from tests.own_server import OwnServer
from tests.proof.amounts import amount, chance
from tests.proof.dump import read_dump
from tests.proof.flat import drained
from tests.proof.history import History
from tests.proof.oracles import check_stored
from tests.proof.recording import RecordedBoard
from tests.proof.run import Run
from tests.proof.saved import hold, keeping
from tests.proof.writers import Writer
from tests.proxy import Proxy
from tests.waiting import eventually

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator
    from pathlib import Path

    from controller.controller import Controller

NAME = "clocks"
COMMIT = Script("commit.lua").sha.encode()
HOUR_MS = 3600 * 1000
DAY_MS = 24 * HOUR_MS
JUMPS_MS = (HOUR_MS, -HOUR_MS, DAY_MS, -DAY_MS)


class MovedClock(SystemClock):
    """A process's own wall clock that somebody sets; its monotonic clock goes on as it is."""

    def __init__(self) -> None:
        self.ahead_ms = 0

    def now_ms(self) -> int:
        return super().now_ms() + self.ahead_ms


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where this module's libraries and their numbers are."""
    return tmp_path_factory.mktemp("shims")


@pytest.fixture
def clock(built: Path) -> SetClock:
    """The server's wall clock."""
    return SetClock(built)


@pytest.fixture
def server(clock: SetClock) -> Iterator[OwnServer]:
    with OwnServer("--appendfsync", "no", environment=preloading(clock)) as own:
        yield own


@pytest_asyncio.fixture
async def board(server: OwnServer) -> AsyncIterator[Board]:
    async with await Board.open(server.url, NAME) as opened:
        yield opened


def longer(history: History, commits: int) -> bool:
    return len(history.commits) > commits


async def test_the_shim_sets_the_servers_clock_and_not_ours(server: OwnServer, clock: SetClock) -> None:
    for ahead_ms in (0, *JUMPS_MS):
        clock.ahead_ms = ahead_ms
        with server.client() as client:
            seconds, _ = client.time()
        assert abs(seconds * 1000 - time.time() * 1000 - ahead_ms) < 60_000


@pytest.mark.parametrize("step_ms", [HOUR_MS, DAY_MS])
async def test_writers_and_readers_do_not_notice_that_the_servers_clock_is_set(
    server: OwnServer, clock: SetClock, step_ms: int
) -> None:
    """Records with an end to their time among what they write; every oracle holds, and readers miss nothing.

    An idempotency key holds for a day by the server's clock, so none is used where that goes on a day at once.
    """
    luck, history, enough = chance("clock jumps"), History(), asyncio.Event()
    async with contextlib.AsyncExitStack() as stack:
        stack.enter_context(keeping(history, server.client, NAME))
        boards = [
            await stack.enter_async_context(await RecordedBoard.recorded(server.url, NAME, history, f"t{n}"))
            for n in range(4)
        ]
        reader = await stack.enter_async_context(await RecordedBoard.recorded(server.url, NAME, history, "reader"))
        reading = asyncio.create_task(reader.read_changes())
        await reader.show()
        shares = [Writer(board, random.Random(luck.randrange(1 << 30))) for board in boards]
        for share in shares if step_ms >= DAY_MS else ():
            share._kinds.remove(share.repeat)
        writing = [asyncio.create_task(share.write_until(enough)) for share in shares]
        for n in range(amount(8, 500)):
            await eventually(partial(longer, history, len(history.commits) + 50), "the writers go on", 30)
            clock.ahead_ms = luck.choice((0, step_ms, -step_ms)) if n > 2 else step_ms * (1, -1, 0)[n]
        enough.set()
        await asyncio.wait_for(asyncio.gather(*writing), 30)
        restless = await drained(*boards, reader)
        head = await reader.revision()
        await eventually(lambda: reader.read_to == head, "the reader was told of all", 30)
        await reader.show()
        reading.cancel()
        await asyncio.gather(reading, return_exceptions=True)
    with server.client() as client:
        hold(Run(history, read_dump(client, NAME)), *restless)


@pytest.mark.parametrize("jump_ms", JUMPS_MS)
async def test_a_reader_that_waits_is_woken_by_the_next_change_whatever_the_clock_says(
    server: OwnServer, clock: SetClock, board: Board, jump_ms: int
) -> None:
    """A server counts on its wall clock how long a reader has waited."""
    async with await Board.open(server.url, NAME) as other:
        waiting = asyncio.create_task(other.wait_for("a/*", 20))
        await (await other.replica()).caught_up(0)
        await board.put("b/1", 1)
        clock.ahead_ms = jump_ms
        await board.put("b/2", 2)
        await board.put("a/1", 1)
        assert (await waiting).value == 1


@pytest.mark.parametrize("earlier", [0, 1, 3])
async def test_a_commit_whose_session_expired_before_its_answer_came_is_not_made_twice(
    server: OwnServer, clock: SetClock, board: Board, earlier: int
) -> None:
    """A day passes at once while its reply is lost: the first call of a session was applied a second time."""
    await board.put("z/1", 1)  # so that the server has the scripts
    async with Proxy(server.socket) as proxy, await Board.open(proxy.url, NAME) as far:
        for n in range(earlier):
            await far.put(f"w/{n}", n)
        head = await board.revision()
        proxy.lose_reply_to(COMMIT)
        creating = asyncio.create_task(far.commit([Absent("n/1")], [Put("n/1", 1)]))
        proxy.refusing = True
        await eventually(lambda: proxy.losses == 1, "the reply was lost")
        clock.ahead_ms = DAY_MS + HOUR_MS
        proxy.refusing = False
        with pytest.raises(Unknown):
            await creating
        assert await board.revision() == head + 1
        assert (await far.put("n/2", 2)).revision == head + 2
        with server.client() as client:
            assert check_stored(client, NAME) == []


async def test_a_step_back_of_the_clock_gives_no_commit_away_where_each_is_synced(built: Path) -> None:
    """Under ``everysec`` Redis syncs nothing until its clock is where it was, so that a power loss can take an hour."""
    disk, clock = ForgetfulDisk(built), SetClock(built)
    with OwnServer("--appendfsync", "always", environment=preloading(disk, clock)) as server:
        async with await Board.open(server.url, NAME) as board:
            await board.put("a/0", 0)
            clock.ahead_ms = -HOUR_MS
            commits = [(await board.put(f"a/{n}", n)).commit for n in range(1, 50)]
            disk.lose_power(server)
            server.start()
            assert (await board.put("b/1", 1)).revision == len(commits) + 2
            with server.client() as client:
                assert check_stored(client, NAME) == []


async def test_an_idempotency_key_holds_while_clocks_are_set_by_less_than_its_time(
    server: OwnServer, clock: SetClock, board: Board
) -> None:
    first = await board.put("a/1", "paid", once="pay")
    for ahead_ms in (HOUR_MS, -HOUR_MS, -DAY_MS):
        clock.ahead_ms = ahead_ms
        assert (await board.put("a/1", "paid", once="pay")).commit == first.commit
    assert await board.revision() == 1


def finishing(name: str, seconds: float = 0.0) -> Any:
    """An agent that answers each item, after some time perhaps."""

    @knowledge_source(watches={"item": "item/{i}"}, unless="out/{i}", contributes="out/{i}", name=name)
    async def finish(item: Any) -> Any:
        await asyncio.sleep(seconds)
        return item

    return finish


@pytest.mark.parametrize("jump_ms", JUMPS_MS)
async def test_a_run_is_not_ended_by_a_clock_that_is_set(server: OwnServer, clock: SetClock, jump_ms: int) -> None:
    """Its time was taken as used up when its own clock went on, or the server's and a connection was lost."""
    own, limits = MovedClock(), Limits(run=RunLimit(time_ms=60_000))
    async with Proxy(server.socket) as proxy, await Board.open(proxy.url, NAME, clock=own) as board:
        for n in range(30):
            await board.create(f"item/{n}", n)
        async with (
            leading(board, finishing("slow", 0.05), limits=limits, max_running=4) as controller,
            going_on(controller) as end,
        ):
            await eventually(partial(done, controller, 4), "some are done")
            clock.ahead_ms = jump_ms
            if jump_ms < DAY_MS:  # else a call of a session that is over by then may be in doubt, and ends the run
                proxy.reset()
            await eventually(partial(done, controller, 10), "more are done")
            own.ahead_ms = jump_ms
            await eventually(partial(done, controller, 16), "still more are done")
            assert (await end).status == "finished"
        assert len(await values(board, "out/*")) == 30


def done(controller: Controller, count: int) -> bool:
    return len(controller.desk.replica.region("out")) >= count


async def test_the_lead_is_neither_stolen_nor_stuck_when_clocks_are_set(
    server: OwnServer, clock: SetClock, board: Board
) -> None:
    """A second controller waits all through two leases of jumps, of the server's clock and of its own, and leads once
    the first has stopped."""
    own = MovedClock()
    async with await Board.open(server.url, NAME, clock=own) as second:
        async with leading(board, finishing("first")) as controller, going_on(controller):
            leader = await board.get(LEADER)
            challenger = asyncio.create_task(lead_once(second))
            started, n = time.monotonic(), 0
            while time.monotonic() - started < 7:
                clock.ahead_ms = JUMPS_MS[n % 4]
                own.ahead_ms = JUMPS_MS[(n + 1) % 4]
                n += 1
                await asyncio.sleep(0.2)
                present = await board.get(LEADER)
                assert present == leader, "the lead was taken"
            assert not challenger.done()
        async with asyncio.timeout(15):
            await challenger


async def lead_once(board: Board) -> None:
    await board.create("item/1", 1)
    async with asyncio.timeout(25), leading(board, finishing("second")) as controller:
        await controller.run_until_quiescent()
