"""A primary that is lost while its replica lags: what was acknowledged is gone, and everybody who saw it is told."""

from __future__ import annotations

import asyncio
import contextlib
import random
import time

import pytest

from blackboard.board import Board
from blackboard.commit import At, Put, Unchanged
from blackboard.ending import end
from blackboard.errors import Conflict, HistoryLost
from tests.proof.amounts import amount, chance
from tests.proof.dump import read_dump
from tests.proof.flat import drained
from tests.proof.history import Event, History
from tests.proof.oracles import check_stored
from tests.proof.pair import Pair
from tests.proof.recording import RecordedBoard
from tests.proof.run import Run
from tests.proof.saved import hold, keeping
from tests.proof.writers import Writer
from tests.proxy import Proxy
from tests.waiting import eventually

PROMOTIONS = 4
"""with the same clients on the same board"""
WRITERS = 4


async def lose(pair: Pair, proxy: Proxy, history: History, moment: random.Random) -> None:
    """Let the replica fall behind the writers, kill the primary, and send the clients to the replica."""

    def note(what: str) -> None:
        history.add(Event("the test", history.next_number("the test"), time.monotonic_ns(), what))

    await pair.follow()
    await more_than(history, moment.randrange(5, 100))
    note("lagging")
    pair.lag()
    await more_than(history, moment.randrange(5, 200))
    proxy.refusing = True
    await pair.promote()
    note("promoted")
    proxy.target = pair.primary.socket
    proxy.refusing = False
    proxy.reset()
    await pair.rejoin()


async def more_than(history: History, count: int) -> None:
    """Return once more than ``count`` further commits were acknowledged."""
    enough = acknowledged(history) + count
    await eventually(lambda: acknowledged(history) > enough, "the writers go on", 30)


def acknowledged(history: History) -> int:
    return sum(commit.outcome == "done" for commit in history.commits)


async def promoted_under_writers(name: str, moment: random.Random) -> None:
    """Several promotions under writers, a reader and a replica of the board; then all that happened is judged."""
    history, enough = History(), asyncio.Event()
    async with Pair() as pair, Proxy(pair.primary.socket) as proxy, contextlib.AsyncExitStack() as stack:
        # the primary of that moment, not of now
        stack.enter_context(keeping(history, lambda: pair.primary.client(), name, may_lose=True))  # noqa: PLW0108
        boards = [
            await stack.enter_async_context(await RecordedBoard.recorded(proxy.url, name, history, client))
            for client in ("reader", "follower", *(f"w{n}" for n in range(WRITERS)))
        ]
        reader, follower, *writers = boards
        await follower.replica()
        reading = asyncio.create_task(reader.read_changes())
        writing = [
            asyncio.create_task(Writer(board, random.Random(moment.randrange(1 << 30))).write_until(enough))
            for board in writers
        ]
        for _ in range(PROMOTIONS):
            await lose(pair, proxy, history, moment)
            with pair.primary.client() as client:
                assert check_stored(client, name) == []
        enough.set()
        await asyncio.wait_for(asyncio.gather(*writing), 30)
        for board in (follower, *writers):
            with contextlib.suppress(HistoryLost):
                await board.get("made/0")  # who had nothing to do since is told now
        restless = await drained(follower, *writers)
        head = await follower.revision()
        await eventually(lambda: reader.read_to == head, "the reader was told of all", 30)
        await follower.show()
        await end(reading)
        with pair.primary.client() as client:
            run = Run(history, read_dump(client, name), may_lose=True)
    hold(run, *restless)
    assert int(run.dump.meta["epoch"]) == PROMOTIONS + 1
    assert any(run.lost(commit.commit) for commit in history.commits if commit.commit), "something was lost at all"


async def test_history_that_is_lost_is_told_to_all_who_saw_it_and_nothing_rests_on_it(board_name: str) -> None:
    moment = chance("promotion")
    for _ in range(amount(4, 400) // PROMOTIONS):
        await promoted_under_writers(board_name, moment)


async def test_no_guard_of_the_lost_history_holds_by_chance_though_the_new_one_repeats_its_revisions(
    board_name: str,
) -> None:
    """The same keys are written at the same revisions after the loss: only the epoch tells the commits apart."""
    kept, lost = 10, 10
    async with Pair() as pair, Proxy(pair.primary.socket) as proxy:
        async with await Board.open(proxy.url, board_name) as board:
            for n in range(kept):
                await board.put(f"a/{n}", "kept")
            await pair.follow()
            pair.lag()
            records = [await board.put(f"a/{n}", "lost") for n in range(lost)]
            proxy.refusing = True
            await pair.promote()
            proxy.target, proxy.refusing = pair.primary.socket, False
            proxy.reset()
            with pytest.raises(HistoryLost, match=f"commit 1-{kept + lost} was seen, the server's head is 2-{kept}"):
                await board.get("a/0")
            with pytest.raises(Conflict):
                await board.commit([Unchanged("a", kept + lost)], [Put("b/1", "by a region of the future")])
            again = [await board.put(f"a/{n}", "again") for n in range(lost)]
            assert [record.revision for record in again] == [record.revision for record in records]
            async with await Board.open(proxy.url, board_name) as fresh:
                for record in records:
                    for client in (board, fresh):
                        with pytest.raises(Conflict):
                            await client.commit([At(record.key, record.commit)], [Put("b/1", "by chance")])
        with pair.primary.client() as client:
            assert check_stored(client, board_name) == []
