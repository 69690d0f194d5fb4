"""A server that came back without what was seen on it is found out by everybody who saw it."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest
import pytest_asyncio

from blackboard.board import Board
from blackboard.commit import At, Put, Unchanged
from blackboard.errors import BlackboardError, Conflict, HistoryLost, NoBackend
from blackboard.scripts import Script
from tests.consistency import check_consistent
from tests.own_server import OwnServer
from tests.proxy import Proxy
from tests.waiting import eventually

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    from blackboard.log import Change
    from tests.conftest import RedisServer


@pytest.fixture
def server() -> Iterator[OwnServer]:
    """A server that loses nothing by itself."""
    with OwnServer("--appendfsync", "always") as own:
        yield own


@pytest_asyncio.fixture
async def writer(server: OwnServer, board_name: str) -> AsyncIterator[Board]:
    """A board that lost its newest ten of thirty commits when the server went back to an older log.

    It saw them all.
    """
    async with await Board.open(server.url, board_name, author="w") as board:
        yield board


async def fill(board: Board, first: int, last: int) -> None:
    for n in range(first, last + 1):
        await board.put(f"a/{n}", n)


async def go_back(server: OwnServer, board: Board) -> None:
    """Commits 1 to 20 survive, 21 to 30 do not."""
    await fill(board, 1, 20)
    kept = server.keep_files()
    await fill(board, 21, 30)
    server.kill()
    server.restore(kept)
    server.start()


async def test_an_older_log_is_found_out_by_the_next_commit_and_the_one_after_it_is_of_the_new_history(
    server: OwnServer, writer: Board
) -> None:
    await go_back(server, writer)
    outcomes = await asyncio.gather(*(writer.put(f"b/{n}", n) for n in range(5)), return_exceptions=True)
    assert all(isinstance(outcome, HistoryLost | Board) for outcome in outcomes)
    assert "1-30 was seen, the server's head is 2-20" in str(outcomes[0])
    assert (await writer.put("b/1", 1)).commit == "2-21"
    with server.client() as client:
        assert check_consistent(client, writer.name) == 21


async def test_an_older_log_is_found_out_by_the_next_read(server: OwnServer, writer: Board) -> None:
    await go_back(server, writer)
    reads = await asyncio.gather(*(writer.get("a/25") for _ in range(5)), return_exceptions=True)
    assert all(isinstance(read, HistoryLost) for read in reads), "every reader is told, not the first alone"
    assert await writer.get("a/25") is None
    assert await writer.get("a/20") is not None


async def test_a_process_that_only_read_finds_out_too(server: OwnServer, writer: Board, board_name: str) -> None:
    async with await Board.open(server.url, board_name) as reader:
        await fill(writer, 1, 20)
        kept = server.keep_files()
        await fill(writer, 21, 30)
        await reader.get("a/30")
        server.kill()
        server.restore(kept)
        server.start()
        with pytest.raises(HistoryLost):
            await reader.put("b/1", 1)


async def test_a_process_that_saw_nothing_of_what_was_lost_goes_on(
    server: OwnServer, writer: Board, board_name: str
) -> None:
    async with await Board.open(server.url, board_name) as other:
        await go_back(server, writer)
        assert (await other.put("b/1", 1)).commit == "2-21"
        with pytest.raises(HistoryLost):
            await writer.put("b/2", 2)


async def test_no_guard_of_the_lost_history_is_accepted(server: OwnServer, writer: Board) -> None:
    """Also not where the new history has grown past the revisions that were lost."""
    await go_back(server, writer)
    lost = [At(f"a/{n}", f"1-{n}") for n in range(21, 31)]
    with pytest.raises(HistoryLost):
        await writer.get("a/1")
    with pytest.raises(Conflict):
        await writer.commit([Unchanged("a", 30)], [Put("b/1", 1)])
    await fill(writer, 21, 40)
    for guard in lost:
        with pytest.raises(Conflict):
            await writer.commit([guard], [Put("b/1", 1)])
    await writer.commit([At("a/20", "1-20")], [Put("b/1", 1)])


async def test_a_replica_and_its_waiters_are_told_and_it_shows_the_new_history(
    server: OwnServer, writer: Board
) -> None:
    replica = await writer.replica()
    told: list[Change] = []
    replica.subscribe(told.append)
    caught = asyncio.create_task(replica.caught_up(1000))
    found = asyncio.create_task(writer.wait_for("never/*", 20))
    await go_back(server, writer)
    for waiter in (caught, found):
        with pytest.raises(HistoryLost):
            await waiter
    await eventually(lambda: len(replica.records()) == 20, "the replica shows what the server has")
    removed = [change.key for change in told if change.operation == "delete"]
    assert sorted(removed) == [f"a/{n}" for n in range(21, 31)]
    done = await commit_at_last(writer)
    await replica.caught_up(done)
    assert replica.get("b/1") is not None
    assert replica.revision == done


async def commit_at_last(board: Board) -> int:
    """The revision of a commit of the new history, after one that is told of the loss at the most."""
    try:
        return (await board.put("b/1", 1)).revision
    except HistoryLost:
        return (await board.put("b/1", 1)).revision


async def test_a_reader_of_changes_is_told_instead_of_skipping_what_was_written_anew(
    server: OwnServer, writer: Board, board_name: str
) -> None:
    """It had read up to 30; the new 21 to 30 are other commits, and it went on at 31."""
    seen: list[int] = []

    async def read(board: Board) -> None:
        async for change in board.changes():
            seen.append(change.revision)  # noqa: PERF401 - it never ends: what it has so far is looked at

    async with await Board.open(server.url, board_name) as reader:
        reading = asyncio.create_task(read(reader))
        await fill(writer, 1, 20)
        kept = server.keep_files()
        await fill(writer, 21, 30)
        await eventually(lambda: len(seen) == 30, "all changes were read")
        server.kill()
        server.restore(kept)
        server.start()
        async with await Board.open(server.url, board_name) as fresh:
            await fill(fresh, 21, 40)
        with pytest.raises(HistoryLost):
            await reading
        assert seen == list(range(1, 31))


async def test_changes_from_a_revision_that_the_board_has_not_reached_are_refused(board: Board) -> None:
    await board.put("a/1", 1)
    with pytest.raises(HistoryLost, match="revision 5 was seen"):
        async for _ in board.changes(since=5):
            pass


async def test_a_loss_that_a_reader_finds_first_ends_the_calls_of_the_writer_that_still_waits(
    server: OwnServer, board_name: str
) -> None:
    """The writer's connection hangs at the old server while a new reader finds the loss.  Its calls were answered
    into a list that no longer held them."""
    async with Proxy(server.socket) as proxy, await Board.open(proxy.url, board_name) as board:
        await fill(board, 1, 20)
        kept = server.keep_files()
        await fill(board, 21, 30)
        proxy.silent = True
        waiting = [asyncio.create_task(board.put(f"b/{n}", n)) for n in range(3)]
        await eventually(lambda: board.store._in_flight, "the commits are under way")
        server.kill()
        server.restore(kept)
        server.start()
        proxy.silent = False
        with pytest.raises(HistoryLost):
            await board.get("a/1")
        outcomes = await asyncio.gather(*waiting, return_exceptions=True)
        assert all(isinstance(outcome, HistoryLost) for outcome in outcomes)
        assert (await board.put("b/1", 1)).commit == "2-21"


async def test_an_emptied_server_ends_every_board_that_saw_it_for_good(
    server: OwnServer, writer: Board, board_name: str
) -> None:
    """A board made anew gives the names of commits again: a guard read on the old one would hold by chance."""
    replica = await writer.replica()
    first = await writer.create("a/1", "old")
    async with await Board.open(server.url, board_name) as idle:
        await idle.get("a/1")
        waiting = asyncio.create_task(writer.wait_for("never/*", 20))
        server.kill()
        server.restore(None)
        server.start()
        async with await Board.open(server.url, board_name) as fresh:
            assert (await fresh.create("a/1", "new")).commit == first.commit == "1-1"
            for _ in range(3):
                with pytest.raises(HistoryLost):
                    await writer.replace(first, "by chance")
                with pytest.raises(HistoryLost):
                    await writer.get("a/1")
                with pytest.raises(HistoryLost):
                    await idle.replace(first, "by chance")
            with pytest.raises(HistoryLost):
                await waiting
            with pytest.raises(HistoryLost):
                await replica.caught_up(99)
            assert (await fresh.get("a/1")).value == "new"  # type: ignore[union-attr]


async def test_a_board_that_is_gone_is_told_at_once_and_is_not_made_again(server: OwnServer, writer: Board) -> None:
    """This was a loop without a pause, and the callers waited for ever."""
    await writer.create("a/1", "old")
    server.kill()
    server.restore(None)
    server.start()
    with pytest.raises(HistoryLost, match="the board is gone"):
        await asyncio.wait_for(writer.put("a/2", 2), 5)
    with server.client() as client:
        assert client.keys() == []


async def test_deleting_a_board_under_its_writer_is_told_as_lost_history(board: Board) -> None:
    await board.put("a/1", 1)
    await board.backend.client.delete(board.store.keys.meta, board.store.keys.log)
    with pytest.raises(HistoryLost):
        await asyncio.wait_for(board.put("a/2", 2), 5)


async def test_two_servers_that_both_reached_epoch_two_are_told_apart(server: OwnServer, board_name: str) -> None:
    """Both went on from the same log; the epoch alone, or the head alone, would not tell."""
    async with Proxy(server.socket) as proxy, await Board.open(proxy.url, board_name) as board:
        await fill(board, 1, 5)
        server.kill()
        kept = server.keep_files()
        server.start()
        record = await board.put("a/6", "of the first")
        assert record.commit == "2-6"
        proxy.refusing = True  # or its connection would come back before the other has begun the epoch
        server.kill()
        server.restore(kept)
        server.start()
        async with await Board.open(server.url, board_name) as other:
            assert (await other.put("a/6", "of the second")).commit == "2-6"
            proxy.refusing = False
            for _ in range(2):
                with pytest.raises(HistoryLost):
                    await board.replace(record, "by chance")
            assert (await other.get("a/6")).value == "of the second"  # type: ignore[union-attr]


async def test_a_board_that_goes_on_elsewhere_under_its_connections_has_lost_nothing(
    redis_server: RedisServer, board: Board
) -> None:
    """The head was noted under the epoch of the last handshake, in which it never was: the next one took it for lost.

    A proxy can keep connections while the server behind it changes.
    """
    await board.put("a/1", 1)
    assert await board.revision() == 1
    with redis_server.client() as client:
        client.hset(board.store.keys.meta, "run_id", "elsewhere")
        async with await Board.open(redis_server.url, board.name) as other:  # its handshake raises the epoch
            await other.put("a/2", 2)
        assert await board.revision() == 2
        await board.replica()
        client.client_kill_filter(_type="normal", skipme=True)
    assert (await board.put("a/3", 3)).commit == "2-3"
    assert await board.revision() == 3


async def test_what_is_committed_after_a_loss_does_not_slip_into_a_replica_of_the_old_history(board: Board) -> None:
    """A revision of the new history can be the next of the old one."""
    replica = await board.replica()
    await board.put("a/1", 1)
    told: list[int] = []
    board.store.on_commit = lambda committed, request: told.append(committed.revision)
    board.store.start_over(HistoryLost("1-2", "2-1"))
    with pytest.raises(HistoryLost):
        await board.put("a/2", 2)
    await board.put("a/2", 2)
    assert told == []
    await eventually(lambda: len(replica.records()) == 2, "the replica is built anew")
    await board.put("a/3", 3)
    assert replica.get("a/3") is not None, "and follows again"


async def test_every_answer_is_an_error_of_ours_while_servers_come_and_go(server: OwnServer, board_name: str) -> None:
    async with await Board.open(server.url, board_name) as board:
        board.store.give_up_after_s = 0.5
        for round_ in range(4):
            calls = [asyncio.create_task(board.put(f"a/{n}", (round_, n))) for n in range(50)]
            calls += [asyncio.create_task(board.put(f"b/{n}", round_)) for n in range(3)]
            await asyncio.sleep(0.002 * round_)
            server.kill()
            server.start()
            for outcome in await asyncio.gather(*calls, return_exceptions=True):
                assert not isinstance(outcome, BaseException) or isinstance(outcome, BlackboardError)
    with server.client() as client:  # nothing that was given up is under way any more
        check_consistent(client, board_name)


async def test_a_region_that_was_read_in_a_lost_history_is_refused_also_once_the_new_one_has_come_further(
    server: OwnServer, writer: Board
) -> None:
    """One task read the region; another was told of the loss; what stands there now is by others."""
    replica = await writer.replica()
    await fill(writer, 1, 20)
    kept = server.keep_files()
    await fill(writer, 21, 30)
    since = replica.commit
    server.kill()
    server.restore(kept)
    server.start()
    with pytest.raises(HistoryLost):
        await writer.get("a/1")
    async with await Board.open(server.url, writer.name) as other:
        await fill(other, 21, 28)  # so that the region's last change is below what was read
        for n in range(5):
            await other.put(f"b/{n}", n)
    assert since == "1-30"
    with pytest.raises(Conflict, match="region a was to be unchanged since 1-30"):
        await writer.commit([Unchanged("a", since)], [Put("c/1", 1)])
    await replica.caught_up(await writer.revision())
    assert replica.commit == "2-33"
    await writer.commit([Unchanged("a", replica.commit)], [Put("c/1", 1)])


@pytest.mark.parametrize("since", ["", "x", "1-x", "-5", "1-2-3", "99-1"])
async def test_a_region_guard_with_an_id_that_is_none_does_not_hold(board: Board, since: str) -> None:
    await board.put("a/1", 1)
    with pytest.raises(Conflict):
        await board.commit([Unchanged("b", since)], [Put("c/1", 1)])


async def test_a_commit_under_way_when_history_is_lost_is_told_as_unknown_for_it_may_have_survived(
    server: OwnServer, board_name: str
) -> None:
    mark = Script("commit.lua").sha.encode()
    async with (
        Proxy(server.socket) as proxy,
        await Board.open(proxy.url, board_name) as far,
        await Board.open(server.url, board_name) as near,
    ):
        await far.put("a/1", 1)
        proxy.refusing = True
        proxy.lose_reply_to(mark)
        putting = asyncio.create_task(far.put("a/2", "applied"))
        await near.wait_for("a/2", 10)
        kept = server.keep_files()
        far.store.saw((await near.put("a/3", 3)).commit)  # by a connection for reading, say
        server.kill()
        server.restore(kept)
        server.start()
        proxy.refusing = False
        with pytest.raises(HistoryLost, match="whether this commit was applied before is not known") as told:
            await putting
        assert told.value.unknown
        record = await far.get("a/2")
        assert record is not None
        assert record.value == "applied"


async def test_a_board_that_was_closed_after_a_loss_says_that_it_is_closed(server: OwnServer, writer: Board) -> None:
    await go_back(server, writer)
    with pytest.raises(HistoryLost):
        await writer.get("a/1")
    await writer.close()
    with pytest.raises(NoBackend, match="the board was closed"):
        await writer.get("a/1")
