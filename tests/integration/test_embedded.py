"""One server for all processes that name a directory, and none when they are gone, however they went."""

from __future__ import annotations

import asyncio
import fcntl
import os
import shutil
import signal
import subprocess
import time
from typing import TYPE_CHECKING

import pytest
import redis.exceptions

from blackboard.board import Board
from blackboard.connect import connect
from blackboard.embedded import EmbeddedServer
from blackboard.errors import HistoryLost, NoBackend, Unknown
from blackboard.keeper import SILENT_SECONDS
from blackboard.server_binary import find_server
from tests.embedded_remains import is_free, kill_server, processes
from tests.embedded_users import User, own_directory
from tests.waiting import eventually, wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from blackboard.backend import Backend


@pytest.fixture
def directory() -> Iterator[Path]:
    with own_directory() as path:
        yield path


async def increments(backend: Backend) -> int:
    return int(await backend.client.get("n") or 0)


async def test_processes_that_name_one_directory_share_one_server(directory: Path) -> None:
    """Started together, four of them count on one counter, and nothing runs when they have left."""
    users = [User(directory) for _ in range(4)]
    joined = {user.says() for user in users}
    assert len(joined) == 1, joined
    for user in users:
        user.tell("add 100")
    assert [user.says() for user in users] == ["added"] * 4
    async with await connect(f"embedded:{directory}") as backend:
        assert joined == {f"ready {await backend.run_id()}"}
        assert await increments(backend) == 400
    for user in users:
        user.leave()


async def test_what_was_written_is_there_when_the_server_was_stopped_and_started_again(directory: Path) -> None:
    """The server ends with its last user, and the next user starts another life of it."""
    async with await connect(f"embedded:{directory}") as backend:
        await backend.client.set("n", 7)
        first = await backend.run_id()
    await eventually(lambda: is_free(directory), "the server was stopped")
    async with await connect(f"embedded:{directory}") as backend:
        assert await increments(backend) == 7
        assert await backend.run_id() != first
        assert backend.kind == "embedded"
        assert backend.version.startswith(("redis ", "valkey "))


async def test_a_server_keeps_its_promises_in_its_settings(directory: Path) -> None:
    """A private directory that git ignores, every write in the AOF, nothing evicted, no port."""
    async with await connect(f"embedded:{directory}") as backend:
        config = await backend.client.config_get("*")
        assert config["appendonly"] == "yes"
        assert config["appendfsync"] == "everysec"
        assert config["save"] == ""
        assert config["maxmemory-policy"] == "noeviction"
        assert config["port"] == "0"
        assert (directory / "server.sock").stat().st_mode & 0o777 == 0o700
    assert directory.stat().st_mode & 0o777 == 0o700
    assert (directory / ".gitignore").read_text() == "*\n"


def test_a_user_who_wants_every_commit_on_disk_gets_it_from_a_running_server_too(directory: Path) -> None:
    """And one who wants less does not take it from the others."""
    usual = EmbeddedServer.join(directory)
    strict = EmbeddedServer.join(directory, "always")
    late = EmbeddedServer.join(directory)
    with redis.Redis(unix_socket_path=str(late.socket), decode_responses=True) as client:
        assert client.config_get("appendfsync") == {"appendfsync": "always"}
    for user in (usual, strict, late):
        user.close()


def test_a_user_who_wants_every_commit_on_disk_has_it_again_though_another_started_the_server(directory: Path) -> None:
    """Before he commits: whoever lost the server revives it first."""
    strict = EmbeddedServer.join(directory, "always")
    usual = EmbeddedServer.join(directory)
    kill_server(directory)
    usual.revive()
    strict.revive()
    with redis.Redis(unix_socket_path=str(usual.socket), decode_responses=True) as client:
        assert client.config_get("appendfsync") == {"appendfsync": "always"}
    strict.close()
    usual.close()


async def test_users_that_are_killed_leave_nothing_running(directory: Path) -> None:
    """The kernel lets go of their locks, so the keeper sees them leave."""
    users = [User(directory) for _ in range(3)]
    for user in users:
        assert user.says().startswith("ready")
    assert len(processes(directory, named="-server")) == 1
    assert len(processes(directory, named="keeper.py")) == 1
    for user in users:
        user.kill()
    await eventually(lambda: not processes(directory), "nothing runs")


async def test_a_user_killed_while_it_joins_leaves_nothing_running(directory: Path) -> None:
    """Wherever it was: before the keeper, between keeper and server, after both."""
    for delay_ms in range(60, 260, 10):
        user = User(directory)
        began = time.monotonic()
        wait_until(lambda: time.monotonic() - began > delay_ms / 1000, "its time is over")  # noqa: B023
        user.kill()
    await eventually(lambda: not processes(directory), "nothing runs")


async def test_a_killed_server_is_started_again_by_whoever_asks_for_it(directory: Path) -> None:
    """``revive`` and a new user do; ten at once start one, and what was acknowledged is there."""
    async with await connect(f"embedded:{directory}") as backend:
        await backend.client.set("n", 41)
        kill_server(directory)
        with pytest.raises(redis.exceptions.ConnectionError):
            await backend.client.incr("n")
        await asyncio.gather(*(backend.revive() for _ in range(10)))
        assert await backend.client.incr("n") == 42
        kill_server(directory)
        others = [User(directory) for _ in range(4)]
        assert len({user.says() for user in others}) == 1
        assert len(processes(directory, named="-server")) == 1
        await backend.revive()
        assert await backend.client.incr("n") == 43
        for other in others:
            other.leave()


async def test_a_server_that_is_killed_as_it_starts_is_started_again_and_in_the_end_given_up(
    directory: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Before it was a process of its own, its user was refused at once."""
    stand_in = tmp_path / "redis-server"
    dies = f'[ "$1" = --version ] || ! mkdir {tmp_path}/died || kill -9 $$'
    stand_in.write_text(f'#!/bin/sh\n{dies}\nexec {find_server().path} "$@"\n')
    stand_in.chmod(0o700)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    async with await connect(f"embedded:{directory}") as backend:
        assert (tmp_path / "died").exists()
        assert await backend.client.incr("n") == 1
    await eventually(lambda: is_free(directory), "the server was stopped")
    stand_in.write_text(stand_in.read_text().replace("|| ! mkdir", "|| ! test -d"))
    with pytest.raises(NoBackend, match="ends as it starts"):
        await connect(f"embedded:{directory}")


async def test_a_killed_keeper_is_replaced_when_somebody_comes_or_goes(directory: Path) -> None:
    """Else the server would stay for ever."""
    async with await connect(f"embedded:{directory}"):
        (keeper,) = processes(directory, named="keeper.py")
        os.kill(keeper, signal.SIGKILL)
        await eventually(lambda: not processes(directory, named="keeper.py"), "the keeper is gone")
        user = User(directory)
        assert user.says().startswith("ready")
        (keeper,) = processes(directory, named="keeper.py")
        user.kill()
        os.kill(keeper, signal.SIGKILL)
        await eventually(lambda: not processes(directory, named="keeper.py"), "the keeper is gone")
    await eventually(lambda: not processes(directory), "nothing runs")


async def test_a_server_whose_keeper_and_users_were_all_killed_is_taken_over(directory: Path) -> None:
    """The next user finds it running, with its records, and nothing is left after him."""
    user = User(directory)
    ready = user.says()
    (keeper,) = processes(directory, named="keeper.py")
    os.kill(keeper, signal.SIGKILL)
    user.kill()
    assert len(processes(directory, named="-server")) == 1
    async with await connect(f"embedded:{directory}") as backend:
        assert f"ready {await backend.run_id()}" == ready


async def test_a_user_who_comes_while_the_server_is_being_stopped_gets_a_new_one(directory: Path) -> None:
    """And a new keeper.  It waits for the end of the old one, even if that takes its time."""
    async with await connect(f"embedded:{directory}") as backend:
        await backend.client.set("n", 5)
        first = await backend.run_id()
        (pid,) = processes(directory, named="-server")
        (keeper,) = processes(directory, named="keeper.py")
        os.kill(pid, signal.SIGSTOP)
    await eventually(lambda: not _can_share(directory), "the keeper holds the users' lock alone")
    joining = asyncio.ensure_future(connect(f"embedded:{directory}"))
    await asyncio.wait([joining], timeout=0.3)
    assert not joining.done()
    os.kill(pid, signal.SIGCONT)
    async with await joining as backend:
        assert await backend.run_id() != first
        assert await increments(backend) == 5
        await eventually(lambda: keeper not in processes(directory), "the old keeper is gone")
        assert len(processes(directory, named="keeper.py")) == 1


async def test_a_keeper_killed_while_it_stops_the_server_is_no_harm(directory: Path) -> None:
    """The next user has a server, and a keeper for it."""
    async with await connect(f"embedded:{directory}") as backend:
        await backend.client.set("n", 5)
        (pid,) = processes(directory, named="-server")
        os.kill(pid, signal.SIGSTOP)
    await eventually(lambda: not _can_share(directory), "the keeper holds the users' lock alone")
    (keeper,) = processes(directory, named="keeper.py")
    os.kill(keeper, signal.SIGKILL)
    await eventually(lambda: _can_share(directory), "the keeper's lock is free")
    joining = asyncio.ensure_future(connect(f"embedded:{directory}"))
    await eventually(lambda: processes(directory, named="keeper.py"), "there is a new keeper")
    os.kill(pid, signal.SIGCONT)
    async with await joining as backend:
        await backend.revive()
        assert await increments(backend) == 5


def _can_share(directory: Path) -> bool:
    with (directory / "users.lock").open("rb") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
    return True


async def test_a_socket_and_process_id_left_by_a_killed_server_mislead_nobody(directory: Path) -> None:
    """The lock tells whether a server runs; the files tell nothing."""
    async with await connect(f"embedded:{directory}"):
        pass
    await eventually(lambda: is_free(directory), "the server was stopped")
    (directory / "server.sock").write_text("not even a socket")
    (directory / "server.pid").write_text("1\n")
    (directory / "server.lock").write_text(str(os.getpid()))
    async with await connect(f"embedded:{directory}") as backend:
        assert await backend.client.ping()


@pytest.mark.parametrize("whole", [True, False])
async def test_a_removed_directory_leaves_nothing_running(directory: Path, whole: bool) -> None:
    """The keeper reaches the server without its socket, and does not touch the one of a new directory."""
    old = await connect(f"embedded:{directory}")
    await old.client.set("n", 1)
    (first,) = processes(directory, named="-server")
    if whole:
        shutil.rmtree(directory)
    else:
        for path in directory.glob("[!.]*"):  # the append-only file is a directory from Redis 7 on
            shutil.rmtree(path) if path.is_dir() else path.unlink()
    async with await connect(f"embedded:{directory}") as new:
        assert await increments(new) == 0
        assert await increments(old) == 1
        await old.aclose()
        await eventually(lambda: first not in processes(directory), "the old server is stopped")
        assert await new.client.incr("n") == 1
        await new.revive()
        assert await increments(new) == 1


async def test_a_user_of_a_removed_directory_whose_server_died_gets_a_new_one(directory: Path) -> None:
    """Empty, as the directory is."""
    async with await connect(f"embedded:{directory}") as backend:
        await backend.client.set("n", 1)
        shutil.rmtree(directory)
        kill_server(directory)
        await backend.revive()
        assert await increments(backend) == 0


async def test_a_key_that_interrupts_a_user_does_not_reach_the_server(directory: Path) -> None:
    """Ctrl-C signals all of a terminal's processes, and the one that started server and keeper is among them."""
    user = User(directory)
    ready = user.says()
    started = processes(directory, named="-server") + processes(directory, named="keeper.py")
    async with await connect(f"embedded:{directory}") as backend:
        user.interrupt()
        assert ready == f"ready {await backend.run_id()}"
        assert processes(directory, named="-server") + processes(directory, named="keeper.py") == started


async def test_a_key_that_interrupts_a_user_while_it_joins_leaves_nothing_running(directory: Path) -> None:
    """Wherever it was: before the keeper, between keeper and server, after both."""
    for delay_ms in range(100, 400, 25):
        user = User(directory)
        began = time.monotonic()
        wait_until(lambda: time.monotonic() - began > delay_ms / 1000, "its time is over")  # noqa: B023
        user.interrupt()
    await eventually(lambda: not processes(directory), "nothing runs")


def test_a_process_that_has_the_number_of_the_server_by_chance_is_left_alone(directory: Path) -> None:
    """The server does not hear, and the number that was noted is by now another's."""
    with subprocess.Popen(["sleep", "600"]) as stranger:
        try:
            server = EmbeddedServer.join(directory)
            (pid,) = processes(directory, named="-server")
            (directory / "server.lock").write_text(str(stranger.pid))
            os.kill(pid, signal.SIGSTOP)
            server.close()
            wait_until(lambda: not _can_share(directory), "the keeper holds the users' lock alone")
            # It asks for a second, and then takes the server for one that does not hear.
            asked = time.monotonic() + 1.0 + 3 * SILENT_SECONDS
            wait_until(lambda: stranger.poll() is not None or time.monotonic() > asked, "its time is over")
            assert stranger.poll() is None
            os.kill(pid, signal.SIGCONT)
            wait_until(lambda: not processes(directory), "the server heard, and stopped")
            assert stranger.poll() is None
        finally:
            stranger.kill()


async def test_users_who_wait_for_records_get_them_from_the_server_that_follows_a_killed_one(directory: Path) -> None:
    """Readers, waiters and writers go on, each in its turn, through five lives of the server."""
    seen: list[int] = []

    async def read(board: Board) -> None:
        async for change in board.changes("n/*"):
            seen.append(change.revision)  # noqa: PERF401 - it never ends: what it has so far is looked at

    async with await Board.open(f"embedded:{directory}") as one, await Board.open(f"embedded:{directory}") as other:
        reading = asyncio.create_task(read(one))
        for n in range(5):
            waiting = asyncio.create_task(one.wait_for(f"n/{n}", timeout_s=30))
            await asyncio.sleep(0)
            kill_server(directory)
            await asyncio.gather(*(other.put(f"n/{n}", m) for m in range(3)))
            assert (await waiting).key == f"n/{n}"
        await eventually(lambda: len(seen) == 15, "every change was read")
        reading.cancel()
        assert seen == list(range(1, 16))
        assert one.store.epoch == other.store.epoch == 6


async def test_a_user_whose_directory_became_unusable_is_told_and_goes_on_when_there_is_one_again(
    directory: Path,
) -> None:
    """Once it waited for ever: the error of the file system ended the task that repairs the connection."""
    inside = directory / "board"
    async with await Board.open(f"embedded:{inside}") as board:
        board.store.give_up_after_s = 0.3
        await board.put("a/1", 1)
        shutil.rmtree(directory)
        directory.write_text("in the way")
        kill_server(directory)
        with pytest.raises((NoBackend, Unknown)):
            await asyncio.wait_for(board.put("a/1", 2), 20)
        directory.unlink()
        board.store.give_up_after_s = 20
        with pytest.raises(HistoryLost):
            await asyncio.wait_for(board.put("a/1", 3), 20)
    await eventually(lambda: not processes(directory) and is_free(inside), "the server was stopped")
    shutil.rmtree(directory)


async def test_a_cancelled_connect_leaves_nothing_running(directory: Path) -> None:
    """Its thread goes on to the end and lets go."""
    cancelled = 0
    for milliseconds in range(12):
        connecting = asyncio.ensure_future(connect(f"embedded:{directory}"))
        await asyncio.wait([connecting], timeout=milliseconds / 1000)
        connecting.cancel()
        try:
            await (await connecting).aclose()
        except asyncio.CancelledError:
            cancelled += 1
    assert cancelled > 0
    await eventually(lambda: (directory / "users.lock").exists() and is_free(directory), "nobody uses it", 20)
