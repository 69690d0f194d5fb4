"""Power that goes: what was not on the disk is gone, what was acknowledged under ``always`` was on the disk.

SIGKILL alone proves nothing about that, because the system keeps what the server wrote; so the server's own calls of
``fsync`` are watched, and after the kill its files are cut to what they had made durable.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import random
import sys
import time
from collections import Counter
from functools import partial
from typing import TYPE_CHECKING

import pytest

from blackboard.board import Board
from blackboard.commit import At, Delete, Put
from blackboard.errors import BlackboardError, Conflict, HistoryLost, NoBackend
from tests.consistency import check_consistent
from tests.faults.shims.shims import ForgetfulDisk, preloading
from tests.own_server import OwnServer
from tests.proof.amounts import amount, chance
from tests.proof.dump import read_dump
from tests.proof.flat import drained
from tests.proof.history import History
from tests.proof.oracles import check_stored
from tests.proof.recording import RecordedBoard
from tests.proof.run import Run
from tests.proof.saved import hold, keeping
from tests.proof.writers import Writer, WriterProcess
from tests.waiting import eventually

if TYPE_CHECKING:
    from pathlib import Path

WRITERS = 8
PROCESSES = 2
"""of the writers; the others are tasks"""
LOSSES = 20
"""of power at one server, before the next is begun: the log is judged as a whole, so it must not grow without end"""
NAME = "power"
EVERYSEC_MS = 2500
"""what a power loss may take under ``everysec``, by the promise"""
MARGIN_MS = 2500
"""for a machine whose disk and processors others use too"""


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where this module's libraries and their numbers are."""
    return tmp_path_factory.mktemp("shims")


class Powered:
    """A server whose power can be taken away."""

    def __init__(self, built: Path, fsync: str) -> None:
        self.disk = ForgetfulDisk(built)
        self.server = OwnServer("--appendfsync", fsync, "--aof-load-truncated", "no", environment=preloading(self.disk))

    def check(self) -> None:
        """What is stored tells one story."""
        with self.server.client() as client:
            check_consistent(client, NAME)

    def surviving(self) -> set[str]:
        """The names of the commits in the log; of a long one, those of the last few rounds."""
        with self.server.client() as client:
            return {identity.decode() for identity, _ in client.xrevrange(f"bb:{{{NAME}}}:log", count=20_000)}


class Witness:
    """One client that writes to keys of its own and to shared ones, and remembers what it was told."""

    def __init__(self, board: Board, number: int, chance: random.Random) -> None:
        self.board = board
        self.number = number
        self.acknowledged: dict[str, float] = {}
        """commit since the last power loss -> when its answer came, on the monotonic clock"""
        self.keys: dict[str, str] = {}
        """commit -> a key that it wrote"""
        self.told = 0
        """how often this client was told that history was lost"""
        self.told_before: int | None = None
        """how often it had been told so when its first commit after the last power loss was acknowledged"""
        self._chance = chance

    async def write(self) -> None:
        """Commit until cancelled."""
        for n in itertools.count():
            try:
                await self._one(n)
            except Conflict:
                continue  # somebody else was first, or the history of what was read is gone
            except HistoryLost:
                self.told += 1
                if self.board.store._over:
                    await self._open_anew()
            await asyncio.sleep(self._chance.uniform(0, 0.01))  # so that the log stays short enough to be checked

    async def _open_anew(self) -> None:
        """The server may give the names of commits that this client saw to others: its board is of no more use."""
        former, url = self.board, self.board.backend.url
        while self.board is former:
            with contextlib.suppress(NoBackend):  # the power is gone again
                self.board = await Board.open(url, NAME, author=former.author)
            await asyncio.sleep(0.01)
        await former.close()

    async def _one(self, n: int) -> None:
        board, own = self.board, f"own{self.number}/{self._chance.randint(0, 9)}"
        kind = self._chance.randint(0, 4)
        if kind == 0:
            done = await board.commit([], [Put(own, n), Put(f"all/{self.number}", n), Delete(f"own{self.number}/del")])
        elif kind == 1:
            done = await board.commit([], [Put(own, n), Put(f"own{self.number}/del", n)], once=f"{self.number}-{n}")
        elif kind == 2:
            present = await board.get("all/0")
            guards = [At("all/0", present.commit)] if present is not None else []
            done = await board.commit(guards, [Put("all/0", n), Put(own, n)])
        else:
            done = await board.commit([], [Put(own, n)])
        self.acknowledged[done.commit] = time.monotonic()
        self.keys[done.commit] = own
        if self.told_before is None:
            self.told_before = self.told

    def forget(self) -> dict[str, float]:
        """What was acknowledged since the last call."""
        known, self.acknowledged, self.told_before = self.acknowledged, {}, None
        return known


async def lost_in_one_round(powered: Powered, writers: list[Witness], torn: random.Random | None) -> dict[str, float]:
    """Take the power away and give it back; the acknowledged commits that are gone, and how old each was, in seconds.

    A client that was told of one of them must be told that it is gone before it is told of another commit.
    """
    at = time.monotonic()
    powered.disk.lose_power(powered.server, torn)
    await eventually(lambda: not any(w.board.store._writer for w in writers), "all that was answered has arrived")
    known = [(writer, writer.forget(), writer.told) for writer in writers]
    powered.server.start()
    surviving = powered.surviving()
    await eventually(
        lambda: all(w.told > told or w.told_before is not None for w, _, told in known),
        "every writer has heard of the server again",
        40,
    )
    lost: dict[str, float] = {}
    for writer, acknowledged, told in known:
        gone = set(acknowledged) - surviving
        heard = writer.told if writer.told_before is None else writer.told_before
        assert not gone or heard > told, f"writer {writer.number} was not told that {len(gone)} commits are gone"
        lost |= {commit: max(0.0, at - acknowledged[commit]) for commit in gone}
    return lost


async def opened(server: OwnServer, numbers: range, chance: random.Random) -> list[Witness]:
    return [Witness(await Board.open(server.url, NAME, author=f"w{n}"), n, chance) for n in numbers]


async def test_an_epoch_that_is_lost_as_a_whole_gives_no_commit_a_name_a_second_time(built: Path) -> None:
    """The power went twice within a second.  The second epoch began again as the second, and its commits had the names
    of those that were lost: every client that had seen them was told that its board is of no more use."""
    powered = Powered(built, "everysec")
    with powered.server as server:
        async with await Board.open(server.url, NAME) as board, await Board.open(server.url, NAME) as reader:
            await board.put("a/1", 1)
            await eventually(lambda: powered.disk.unsynced_bytes(server) == 0, "a second was synced")
            names: set[str] = set()
            for _ in range(6):
                powered.disk.lose_power(server)
                server.start()
                for client in (board, reader):
                    with contextlib.suppress(HistoryLost):  # once, where what it saw is gone
                        await client.get("a/1")
                    commit = (await client.put("b/1", len(names))).commit
                    assert commit not in names
                    names.add(commit)
                await board.get("b/1")
            assert len(powered.surviving() & names) < len(names) - 1, "something was lost: else nothing was tested"
        powered.check()


@pytest.mark.parametrize("fsync", ["no", "everysec", "always"])
async def test_a_kill_of_the_server_alone_loses_nothing_whatever_is_synced(built: Path, fsync: str) -> None:
    powered = Powered(built, fsync)
    with powered.server as server:
        async with await Board.open(server.url, NAME) as board:
            commits = {(await board.put(f"a/{n}", n)).commit for n in range(100)}
            server.kill()
            server.start()
            assert commits <= powered.surviving()
            powered.check()
            assert (await board.put("a/0", "again")).commit == "2-101"


async def test_a_power_loss_takes_all_that_was_never_synced(built: Path) -> None:
    """Under ``no`` the board is gone, and its client says so and writes no second one under its name."""
    powered = Powered(built, "no")
    with powered.server as server:
        async with await Board.open(server.url, NAME) as board:
            await board.put("a/1", 1)
            powered.disk.lose_power(server)
            server.start()
            with pytest.raises(HistoryLost, match="the board is gone"):
                await board.put("a/2", 2)


async def test_a_power_loss_takes_what_came_since_the_last_second_that_was_synced(built: Path) -> None:
    """Under ``everysec``: the commits right behind a sync are gone, those before it are there."""
    powered = Powered(built, "everysec")
    with powered.server as server:
        async with await Board.open(server.url, NAME) as board:
            for attempt in range(5):
                first = await board.put("a/1", f"before {attempt}")
                await eventually(lambda: powered.disk.unsynced_bytes(server) == 0, "a second was synced")
                later = [await board.put("b/1", n) for n in range(5)]
                powered.disk.lose_power(server)
                server.start()
                surviving = powered.surviving()
                assert first.commit in surviving
                if later[-1].commit not in surviving:  # else another second began in between
                    break
            else:
                raise AssertionError("what was not synced was there all the same, five times")
            with pytest.raises(HistoryLost):
                await board.get("b/1")
            assert (await board.put("b/1", "new")).commit not in {record.commit for record in later}


async def cut_off_under_writers(powered: Powered, luck: random.Random, directory: Path) -> None:
    """Take the power away again and again under eight writers; then everything that happened is judged."""
    server, history, enough = powered.server, History(), asyncio.Event()
    async with contextlib.AsyncExitStack() as stack:
        stack.enter_context(keeping(history, server.client, NAME))
        processes = []
        for n in range(PROCESSES):
            process = WriterProcess(server.url, NAME, f"p{n}", luck.randrange(1 << 30), directory / f"p{n}.jsonl")
            stack.callback(process.kill)
            processes.append(process)
        for process in processes:
            await eventually(process.writes, f"{process.client} writes", 30)
        boards = [
            await stack.enter_async_context(await RecordedBoard.recorded(server.url, NAME, history, f"t{n}"))
            for n in range(WRITERS - PROCESSES)
        ]
        shares = [Writer(board, random.Random(luck.randrange(1 << 30))) for board in boards]
        writing = [asyncio.create_task(share.write_until(enough)) for share in shares]
        for n in range(LOSSES):
            answered = len(history.commits) + luck.randrange(5, 100)
            await eventually(partial(longer, history, answered), "the writers go on", 30)
            if n % 5 == 4:
                with server.client() as client:
                    client.bgrewriteaof()  # a new file takes the place of the old one meanwhile
            powered.disk.lose_power(server, luck if n % 2 else None)
            server.start()
            with server.client() as client:
                assert check_stored(client, NAME) == []
        enough.set()
        await asyncio.wait_for(asyncio.gather(*writing), 30)
        for process in processes:
            await asyncio.to_thread(process.finish)
            history.take(History.load(process.journal))
        restless = await drained(*boards)
    with server.client() as client:
        hold(Run(history, read_dump(client, NAME)), *restless)
    assert not any(commit.error == "HistoryLost" for commit in history.commits)


def longer(history: History, commits: int) -> bool:
    return len(history.commits) > commits


async def test_a_power_loss_loses_no_acknowledged_commit_where_each_is_synced(built: Path, tmp_path: Path) -> None:
    """Eight writers, the power taken away in the middle of their commits; no client is told of a loss."""
    luck = chance("power loss, always")
    for n in range(amount(20, 1000) // LOSSES):
        (tmp_path / str(n)).mkdir()
        powered = Powered(built, "always")
        async with asyncio.timeout(60 + 10 * LOSSES):
            with powered.server:
                await cut_off_under_writers(powered, luck, tmp_path / str(n))


async def end(tasks: list[asyncio.Task[None]], writers: list[Witness]) -> None:
    for task in tasks:
        task.cancel()
    outcomes = await asyncio.gather(*tasks, return_exceptions=True)
    for writer in writers:
        await writer.board.close()
    for outcome in outcomes:
        if isinstance(outcome, BlackboardError):
            raise outcome


async def measured(built: Path, rounds: int, luck: random.Random) -> list[tuple[int, int]]:
    """Power losses of one server under ``everysec``: per loss how old the oldest lost commit was, in ms, and how many.

    No guard on what was lost is accepted.
    """
    powered, losses = Powered(built, "everysec"), []
    with powered.server as server:
        writers = await opened(server, range(WRITERS), luck)
        await eventually(lambda: powered.disk.unsynced_bytes(server) == 0, "the new board was synced")
        tasks = [asyncio.create_task(writer.write()) for writer in writers]
        try:
            for round_ in range(rounds):
                await asyncio.sleep(luck.uniform(0.1, 1.2) if round_ else 1.5 * EVERYSEC_MS / 1000)
                lost = await lost_in_one_round(powered, writers, luck if round_ % 2 else None)
                losses.append((round(1000 * max(lost.values(), default=0)), len(lost)))
                await guards_are_refused(writers, sorted(set(lost) - powered.surviving())[-5:])
        finally:
            await end(tasks, writers)
        powered.check()
    return losses


async def guards_are_refused(writers: list[Witness], lost: list[str]) -> None:
    """Nothing that was read in the lost history can be written upon."""
    for commit in lost:
        key = next(writer.keys[commit] for writer in writers if commit in writer.keys)
        with pytest.raises((Conflict, HistoryLost)):
            await writers[0].board.commit([At(key, commit)], [Put("wrong/1", commit)])


async def test_what_a_power_loss_takes_under_everysec_is_measured_and_every_client_that_saw_it_is_told(
    built: Path,
) -> None:
    luck = chance("power loss, everysec")
    servers, rounds = 4, amount(20, 1000)
    async with asyncio.timeout(60 + 10 * rounds):
        found = await asyncio.gather(*(measured(built, rounds // servers, luck) for _ in range(servers)))
    losses = [loss for one in found for loss in one]
    sys.stdout.write(f"{len(losses)} power losses under everysec, {WRITERS} writers\n{table(losses)}")
    assert sum(count for _, count in losses) > 0, "it took something: else nothing was tested"
    assert max(oldest for oldest, _ in losses) <= EVERYSEC_MS + MARGIN_MS


def table(losses: list[tuple[int, int]]) -> str:
    """A histogram of power losses by how old the oldest lost commit was; each row: losses, commits lost in them."""
    edges = [0, 100, 250, 500, 750, 1000, 1500, 2000, 2500]
    rows: Counter[int] = Counter()
    commits: Counter[int] = Counter()
    for oldest_ms, count in losses:
        edge = max(e for e in edges if e <= oldest_ms)
        rows[edge] += 1
        commits[edge] += count
    lines = [f"{f'{edge:,} ms on':>12} {rows[edge]:>7,} {commits[edge]:>9,}" for edge in edges if rows[edge]]
    return "\n".join([f"{'oldest lost':>12} {'losses':>7} {'commits':>9}", *lines]) + "\n"
