"""A disk that is full, broken or slow: commits are refused or wait, none is written by halves, and writing goes on."""

from __future__ import annotations

import asyncio
import contextlib
import resource
from typing import TYPE_CHECKING

import pytest
import pytest_asyncio

from blackboard.board import Board
from blackboard.commit import Delete, Put
from blackboard.errors import HistoryLost, NoBackend, ServerRefused, Unknown
from tests.consistency import check_consistent
from tests.embedded_users import own_directory
from tests.faults.shims.shims import SmallDisk, preloading
from tests.own_server import OwnServer
from tests.proof.amounts import amount, chance
from tests.waiting import eventually

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator
    from pathlib import Path

    from blackboard.errors import BlackboardError

NAME = "full"
FULL = "MISCONF Errors writing to the AOF file"


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where this module's libraries and their numbers are."""
    return tmp_path_factory.mktemp("shims")


@pytest.fixture
def disk(built: Path) -> SmallDisk:
    return SmallDisk(built)


@pytest.fixture
def server(disk: SmallDisk, request: pytest.FixtureRequest) -> Iterator[OwnServer]:
    """A server on ``disk`` that syncs as the test's parameter says, ``everysec`` without one."""
    fsync = getattr(request, "param", "everysec")
    with OwnServer("--appendfsync", fsync, environment=preloading(disk)) as own:
        yield own


@pytest_asyncio.fixture
async def board(server: OwnServer) -> AsyncIterator[Board]:
    async with await Board.open(server.url, NAME) as opened:
        yield opened


async def written(board: Board, count: int) -> tuple[set[str], list[BlackboardError]]:
    """Commits of two records and a removal, one after the other: the names of those done, and the errors."""
    done: set[str] = set()
    errors: list[BlackboardError] = []
    for n in range(count):
        new = board.fill_new("{new}")
        try:
            async with asyncio.timeout(30):
                made = await board.commit([], [Put(f"a/{n}", new + n * "x"), Put("b/1", new), Delete(f"a/{n - 1}")])
        except (ServerRefused, Unknown, NoBackend) as error:
            errors.append(error)
        else:
            done.add(made.commit)
    return done, errors


async def goes_on(board: Board) -> str:
    """The disk has room again: the same client writes, as soon as the server has noticed; the commit's name."""
    async with asyncio.timeout(20):
        while True:
            with contextlib.suppress(ServerRefused):
                return (await board.put("again/{new}", 1)).commit
            await asyncio.sleep(0.02)


def log_of(server: OwnServer) -> list[str]:
    with server.client() as client:
        return [identity.decode() for identity, _ in client.xrange(f"bb:{{{NAME}}}:log")]


@pytest.mark.parametrize("server", ["no", "everysec"], indirect=True)
async def test_a_full_disk_refuses_commits_by_name_and_takes_them_again_when_there_is_room(
    server: OwnServer, disk: SmallDisk, board: Board
) -> None:
    """The room ends at any byte of a commit.  Nothing refused is in the log, all that was acknowledged is."""
    luck, known = chance("full disk"), set[str]()
    await board.put("a/0", 0)
    for _ in range(amount(5, 300)):
        disk.room = luck.randint(0, 4000)
        done, errors = await written(board, 30)
        assert errors, "the disk was full"
        assert all(isinstance(error, ServerRefused) and error.answer.startswith(FULL) for error in errors)
        assert await board.revision() > 0, "reading goes on"
        disk.room = -1
        await goes_on(board)
        known |= done
        assert known <= set(log_of(server))
    with server.client() as client:
        revision = check_consistent(client, NAME)
        client.config_set("appendfsync", "always")
        await board.put("again/2", "synced with all before it")
    server.kill()
    server.start()
    with server.client() as client:
        assert check_consistent(client, NAME) == revision + 1
    assert known <= set(log_of(server)), "what was acknowledged while the disk filled up was written later"


async def test_many_writers_on_a_disk_that_fills_up_are_each_told_of_their_own_commit(
    server: OwnServer, disk: SmallDisk
) -> None:
    boards = [await Board.open(server.url, NAME, author=f"w{n}") for n in range(8)]
    try:
        known = {await goes_on(board) for board in boards}
        disk.room = 20_000
        results = await asyncio.gather(*(written(board, 40) for board in boards))
        disk.room = -1
        known |= {await goes_on(board) for board in boards}
        assert all(errors for _, errors in results)
        done = {commit for commits, _ in results for commit in commits}
        assert len(done) == sum(len(commits) for commits, _ in results), "no commit was acknowledged to two"
        assert set(log_of(server)) == done | known, "nothing that was refused is there"
        with server.client() as client:
            check_consistent(client, NAME)
    finally:
        for board in boards:
            await board.close()


async def test_what_a_full_server_holds_in_memory_alone_is_lost_with_it_and_its_client_is_told(
    server: OwnServer, disk: SmallDisk, board: Board
) -> None:
    """It answers before it writes: the commit that filled the disk is acknowledged and not yet in the file."""
    await board.put("a/0", 0)
    disk.room = 1000
    done, errors = await written(board, 10)
    assert done
    assert errors
    server.kill()
    disk.room = -1
    server.start()
    lost = done - set(log_of(server))
    assert lost, "else nothing was tested"
    with pytest.raises(HistoryLost):
        await board.get("b/1")
    assert (await board.put("b/1", "new")).commit not in done
    with server.client() as client:
        check_consistent(client, NAME)


@pytest.mark.parametrize("server", ["always"], indirect=True)
async def test_a_server_that_may_acknowledge_nothing_it_cannot_write_ends_and_its_clients_wait_for_it(
    server: OwnServer, disk: SmallDisk, board: Board
) -> None:
    """With ``always`` Redis ends itself on a full disk; what it did not answer is unknown or is done by the next one."""
    done, _ = await written(board, 5)
    luck = chance("full disk, always")
    for _ in range(amount(3, 100)):
        disk.room = luck.randint(0, 2000)
        writing = asyncio.create_task(written(board, 10))
        await eventually(lambda: server.exited() is not None, "the server has ended")
        await asyncio.sleep(0)
        disk.room = -1
        server.start()
        more, errors = await writing
        assert not errors, "it came back in time, so that no caller noticed"
        assert not more & done
        done |= more
    assert done == set(log_of(server))
    with server.client() as client:
        check_consistent(client, NAME)


@pytest.mark.parametrize("server", ["always"], indirect=True)
async def test_a_commit_that_was_sent_to_a_full_server_that_stays_away_is_unknown(
    server: OwnServer, disk: SmallDisk, board: Board
) -> None:
    board.store.give_up_after_s = 0.3
    await board.put("a/1", 1)
    disk.room = 0
    with pytest.raises(Unknown):
        await board.put("a/2", 2)
    with pytest.raises(NoBackend):
        await board.put("a/3", 3)
    server.kill()
    disk.room = -1
    server.start()
    assert (await board.put("a/4", 4)).revision == 2


async def test_an_embedded_server_that_a_full_disk_ended_is_started_by_its_user_until_there_is_room(
    disk: SmallDisk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BLACKBOARD_FSYNC", "always")
    for name, value in preloading(disk).items():
        monkeypatch.setenv(name, value)
    with own_directory() as directory:
        async with await Board.open(f"embedded:{directory}", NAME) as board:
            pid = directory / "server.pid"
            await board.put("a/1", 1)
            first = pid.read_text(encoding="ascii")
            disk.room = 100
            writing = asyncio.create_task(board.put("a/2", 2))
            await eventually(lambda: restarted(pid, first), "the server was started again")
            disk.room = -1
            assert (await writing).revision == 2
            assert [record.value for record in await board.find("a/*")] == [1, 2]


def restarted(pid: Path, first: str) -> bool:
    with contextlib.suppress(FileNotFoundError):
        return pid.read_text(encoding="ascii") not in ("", first)
    return False


async def test_the_kernels_own_limit_on_a_file_is_told_as_a_full_disk_is(server: OwnServer, board: Board) -> None:
    """No shim in the way of the writing: the kernel refuses it in the middle of a commit."""
    await board.put("a/0", 0)
    size = sum(path.stat().st_size for path in server.stored())
    before = resource.prlimit(server.pid, resource.RLIMIT_FSIZE)
    resource.prlimit(server.pid, resource.RLIMIT_FSIZE, (size + 1500, before[1]))
    done, errors = await written(board, 20)
    assert errors
    assert all(isinstance(error, ServerRefused) and error.answer.startswith(FULL) for error in errors)
    resource.prlimit(server.pid, resource.RLIMIT_FSIZE, before)
    await goes_on(board)
    assert done <= set(log_of(server))
    with server.client() as client:
        check_consistent(client, NAME)


async def test_a_disk_that_failed_to_sync_is_trusted_again_after_a_restart_of_the_server(
    server: OwnServer, disk: SmallDisk, board: Board
) -> None:
    """What the system has thrown away after such an error nobody knows, so Redis refuses commits from then on."""
    await board.put("a/0", 0)
    disk.broken = True
    refused: list[BlackboardError] = []
    async with asyncio.timeout(20):
        while not refused:
            refused = (await written(board, 5))[1]
            await asyncio.sleep(0.02)
    assert isinstance(refused[0], ServerRefused)
    assert "Input/output error" in refused[0].answer
    disk.broken = False
    server.kill()
    server.start()
    await goes_on(board)
    with server.client() as client:
        check_consistent(client, NAME)


@pytest.mark.parametrize("server", ["everysec", "always"], indirect=True)
async def test_a_kill_while_the_disk_syncs_takes_what_is_held_back_meanwhile_and_the_client_is_told(
    server: OwnServer, disk: SmallDisk, board: Board
) -> None:
    """Under ``everysec`` Redis writes nothing to its file, for two seconds at most, while a sync is under way, and
    answers all the same: SIGKILL can lose that as a power loss would.  Under ``always`` it cannot."""
    always = "always" in server._arguments
    await board.put("a/0", 0)
    disk.slow_ms = 50 if always else 1000
    last = None
    async with asyncio.timeout(20):
        while last is None or (not always and written_bytes(server) != last):  # until it holds back
            last = written_bytes(server)
            await board.put("a/1", last)
    done = [await board.put("b/1", n) for n in range(5)]
    server.kill()
    disk.slow_ms = 0
    server.start()
    lost = {record.commit for record in done} - set(log_of(server))
    assert bool(lost) is not always
    if lost:
        with pytest.raises(HistoryLost):
            await board.get("b/1")
    assert (await board.put("b/1", "new")).commit not in {record.commit for record in done}
    with server.client() as client:
        check_consistent(client, NAME)


def written_bytes(server: OwnServer) -> int:
    return sum(path.stat().st_size for path in server.stored())
