"""An append-only file that ends anywhere, as after a power loss: the board is as it was after some commit, whole."""

from __future__ import annotations

import asyncio
import bisect
import os
import signal
from typing import TYPE_CHECKING, NamedTuple

import pytest
import redis

from blackboard.board import Board
from blackboard.commit import Absent, At, Delete, Put
from blackboard.errors import Conflict, Corrupt, HistoryLost
from blackboard.record import Stamp
from blackboard.server_binary import find_server
from blackboard.torn_end import cut_torn_end
from tests.consistency import check_consistent
from tests.embedded_users import own_directory
from tests.own_server import OwnServer
from tests.proof.amounts import amount, chance
from tests.waiting import eventually

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

NAME = "cut"


class Mark(NamedTuple):
    """Where the file ended after a call, and what the server held then."""

    size: int
    digest: bytes
    revision: int


class Written:
    """A file with commits of every kind, and the marks between them."""

    def __init__(self, server: OwnServer, marks: list[Mark]) -> None:
        self.server = server
        self.file = log_file(server)
        self.whole = self.file.read_bytes()
        self.marks = marks

    def at(self, cut: int) -> Mark:
        """The last call that is whole in the first ``cut`` bytes."""
        return self.marks[bisect.bisect_right([mark.size for mark in self.marks], cut) - 1]

    def cuts(self, step: int, offset: int) -> list[int]:
        """Every ``step``-th place after the first mark, and those at, before and behind each mark."""
        first, last = self.marks[0].size, self.marks[-1].size
        near = {mark.size + beside for mark in self.marks for beside in (-1, 0, 1)}
        return sorted(cut for cut in near | set(range(first + offset, last + 1, step)) if first <= cut <= last)

    def cut(self, cut: int) -> None:
        """Leave the first ``cut`` bytes; the file stays the same one for a server that has it open."""
        self.file.write_bytes(self.whole[:cut])


def log_file(server: OwnServer) -> Path:
    """The file that is appended to now."""
    return max((path for path in server.stored() if path.suffix == ".aof"), key=lambda path: path.stat().st_mtime_ns)


def digest_of(client: redis.Redis) -> bytes:
    """The server's digest over all that it holds, the order of hashes and the times to live left out."""
    return bytes(client.execute_command("DEBUG", "DIGEST"))  # type: ignore[no-untyped-call]


def debugging(*arguments: str) -> list[str]:
    """Settings under which the server's own DEBUG may be asked, which 6.2 allows anyhow."""
    return [*arguments, *(["--enable-debug-command", "yes"] if find_server().version.major >= 7 else [])]


@pytest.fixture
def server() -> Iterator[OwnServer]:
    """A server on whose file every commit is before it is answered."""
    with OwnServer(*debugging("--appendfsync", "always", "--aof-load-truncated", "yes")) as own:
        yield own


async def write(server: OwnServer, board: Board) -> Written:
    """Commits of every kind, one call at a time, with a mark after each."""
    marks: list[Mark] = []

    def mark() -> None:
        with server.client() as client:
            size = log_file(server).stat().st_size
            revision = int(client.hget(f"bb:{{{NAME}}}:meta", "revision") or 0)
            marks.append(Mark(size, digest_of(client), revision))

    first = await board.create("a/1", "one")  # with the scripts, which the file keeps too
    mark()
    await board.commit([Absent("b/1"), At("a/1", first.commit)], [Put("b/1", {"n": 1}), Put("c/1", [1]), Delete("a/1")])
    mark()
    await board.commit([], [Put("b/2", 2), Put("a/1", "\r\n*1\r\n$5\r\nMULTI\r\n")], once="paid")
    mark()
    await board.commit([], [Put("b/2", 2)], once="unchanged")  # writes only that it was asked for
    mark()
    await board.put("gone/1", 1, ttl_ms=1)
    mark()
    await eventually(lambda: board.store.server_now_ms() > first.time_ms + 20, "its time is over")
    await board.put("gone/2", 2)  # the removal is a revision of its own in the same call
    mark()
    with pytest.raises(Conflict):
        await board.commit([Absent("b/1")], [Put("x/1", 1)])
    mark()
    await asyncio.gather(*(board.store.submit([], [board.pack(Put(f"g/{n}", n), Stamp("w"))]) for n in range(3)))
    mark()
    await board.mutate("b/2", lambda value: value + 1)
    mark()
    return Written(server, marks)


async def test_a_file_cut_at_any_byte_loads_as_the_board_was_after_a_whole_call(server: OwnServer) -> None:
    """The server's own loader reads each cut; its digest is the one that it had after the last call before the cut."""
    async with await Board.open(server.url, NAME, author="w") as board:
        written = await write(server, board)
    offset = chance("cuts").randint(0, 6)
    cuts = written.cuts(amount(7, 1), offset)
    wrong = []
    with server.client() as client:
        for cut in cuts:
            written.cut(cut)
            client.execute_command("DEBUG", "LOADAOF")
            mark = written.at(cut)
            if digest_of(client) != mark.digest:
                wrong.append(cut)
            elif cut == mark.size:
                assert check_consistent(client, NAME) == mark.revision
    assert not wrong, f"of {len(cuts)} cuts, those at {wrong[:20]} load as something that the board never was"
    assert len({mark.digest for mark in written.marks}) == len(written.marks), "each call was told apart"


async def test_a_client_that_saw_what_was_cut_off_is_told_and_writes_on(server: OwnServer) -> None:
    async with await Board.open(server.url, NAME, author="w") as board:
        written = await write(server, board)
    luck, last = chance("cuts with restarts"), written.marks[-1]
    for _ in range(amount(10, 300)):
        server.kill()
        written.cut(last.size)
        server.start()
        async with await Board.open(server.url, NAME) as board:
            assert await board.revision() == last.revision
            server.kill()
            cut = luck.randint(written.marks[0].size, last.size)
            written.cut(cut)
            cut_torn_end(find_server(), server.directory)
            server.start()
            revision = written.at(cut).revision
            if revision < last.revision:
                with pytest.raises(HistoryLost):
                    await board.get("a/1")
            assert (await board.put("new/1", cut)).revision == revision + 1
            with server.client() as client:
                assert check_consistent(client, NAME) == revision + 1


async def test_a_cut_transaction_is_taken_off_whole(server: OwnServer) -> None:
    """What is left ends with a whole call, so that the next start finds no beginning of another."""
    async with await Board.open(server.url, NAME, author="w") as board:
        written = await write(server, board)
    server.kill()
    ends = {mark.size for mark in written.marks}
    for cut in written.cuts(amount(29, 1), chance("torn ends").randint(0, 28)):
        written.cut(cut)
        said = cut_torn_end(find_server(), server.directory)
        assert written.file.stat().st_size in ends, f"cut at {cut}:\n{said}"
        assert written.file.stat().st_size == written.at(cut).size
    server.start()


async def test_a_server_that_leaves_half_a_transaction_makes_no_board_that_passes_for_whole(server: OwnServer) -> None:
    """With ``aof-load-truncated yes`` it cuts only the last command off, and applies the rest at the start after."""
    async with await Board.open(server.url, NAME, author="w") as board:
        written = await write(server, board)
    luck, corrupt = chance("half transactions"), 0
    for _ in range(amount(20, 500)):
        server.kill()
        written.cut(luck.randint(written.marks[0].size, written.marks[-1].size))
        for _ in range(2):
            server.start()
            async with await Board.open(server.url, NAME, create=False) as fresh:
                try:
                    await fresh.put("new/1", luck.random())
                except Corrupt:
                    corrupt += 1
                else:
                    with server.client() as client:
                        check_consistent(client, NAME)
            server.kill()
    assert corrupt, "at least one was damaged: else nothing was tested"


async def test_an_embedded_board_whose_file_was_torn_is_whole_after_every_start() -> None:
    """The server left half a transaction at its end, and applied it one start later: two commits of one revision."""
    luck = chance("torn embedded boards")
    with own_directory() as directory:
        async with await Board.open(f"embedded:{directory}", NAME) as board:
            for _ in range(amount(6, 200)):
                await once_told(board)  # a server that is killed while its disk syncs loses what it holds back
                await asyncio.gather(*(board.put(f"a/{n}", [n, luck.random()]) for n in range(3)))
                await board.commit([], [Put("b/1", luck.random()), Put("b/2", 2), Delete("a/1")])
                pid = int((directory / "server.pid").read_text(encoding="ascii"))
                file = max(directory.rglob("appendonly*.aof"), key=lambda path: path.stat().st_size)
                size = file.stat().st_size
                os.kill(pid, signal.SIGKILL)
                os.truncate(file, luck.randint(size - 300, size))
                for _ in range(2):
                    await once_told(board)
                    os.kill(int((directory / "server.pid").read_text(encoding="ascii")), signal.SIGKILL)
            await once_told(board)
            with redis.Redis(unix_socket_path=f"{directory}/server.sock", protocol=2) as client:
                check_consistent(client, NAME)


async def once_told(board: Board) -> None:
    """Commit, after being told once that history was lost, perhaps."""
    try:
        await board.put("c/1", board.store.losses)
    except HistoryLost:
        await board.put("c/1", -1)
    await board.put("c/1", "again")
