"""A server that is killed at any moment, with fsync always: every writer goes on, and nothing is lost or repeated."""

from __future__ import annotations

import asyncio
import contextlib
import random
from typing import TYPE_CHECKING

from blackboard.ending import end
from tests.own_server import OwnServer
from tests.proof.amounts import amount, chance
from tests.proof.dump import read_dump
from tests.proof.flat import drained, flat, footprint
from tests.proof.history import History
from tests.proof.oracles import check_stored
from tests.proof.recording import RecordedBoard
from tests.proof.run import Run
from tests.proof.saved import hold, keeping
from tests.proof.writers import Writer, WriterProcess
from tests.waiting import eventually

if TYPE_CHECKING:
    from pathlib import Path

KILLS = 20
"""of one server, before the next is begun: the log is judged as a whole, so it must not grow without end"""
TASKS = 4
PROCESSES = 4


async def kill_and_start(server: OwnServer, recording: History, moment: random.Random) -> None:
    """Once the writers here go on: end the server at any moment, and start it on what it has stored."""
    answered = len(recording.commits) + moment.randrange(5, 50)
    await eventually(lambda: len(recording.commits) > answered, "the writers go on", 30)
    await asyncio.sleep(moment.uniform(0, 0.05))
    await asyncio.to_thread(server.kill)
    await asyncio.sleep(moment.choice([0, 0, 0.1]))
    await asyncio.to_thread(server.start)


async def killed_under_writers(server: OwnServer, name: str, moment: random.Random, directory: Path) -> None:
    """Kill ``server`` again and again under eight writers and a reader; then everything that happened is judged."""
    history, enough = History(), asyncio.Event()
    with server.client() as client:
        before = footprint(client)
    async with contextlib.AsyncExitStack() as stack:
        stack.enter_context(keeping(history, server.client, name))
        processes = []
        for n in range(PROCESSES):
            process = WriterProcess(server.url, name, f"p{n}", moment.randrange(1 << 30), directory / f"p{n}.jsonl")
            stack.callback(process.kill)
            processes.append(process)
        for process in processes:
            await eventually(process.writes, f"{process.client} writes", 30)
        boards = [
            await stack.enter_async_context(await RecordedBoard.recorded(server.url, name, history, f"t{n}"))
            for n in range(TASKS)
        ]
        boards[0].store.give_up_after_s = 0.02  # so that outcomes stay unknown, too
        reader = await stack.enter_async_context(await RecordedBoard.recorded(server.url, name, history, "reader"))
        reading = asyncio.create_task(reader.read_changes())
        writing = [
            asyncio.create_task(Writer(board, random.Random(moment.randrange(1 << 30))).write_until(enough))
            for board in boards
        ]
        for _ in range(KILLS):
            await kill_and_start(server, history, moment)
            with server.client() as client:
                assert check_stored(client, name) == []
        enough.set()
        await asyncio.wait_for(asyncio.gather(*writing), 30)
        for process in processes:
            await asyncio.to_thread(process.finish)
            history.take(History.load(process.journal))
        restless = await drained(*boards[1:], reader)
        head = await reader.revision()
        await eventually(lambda: reader.read_to == head, "the reader was told of all", 30)
        await boards[1].show()
        await end(reading)
    with server.client() as client:
        hold(Run(history, read_dump(client, name)), *restless)
        client.flushall()
        assert flat(before, footprint(client)) == []
    assert {commit.outcome for commit in history.commits} == {"done", "refused", "unknown"}
    assert len({commit.client for commit in history.commits if commit.commit}) == TASKS + PROCESSES


async def test_a_killed_server_costs_its_eight_writers_time_and_nothing_else(board_name: str, tmp_path: Path) -> None:
    moment = chance("kill -9 of Redis")
    for n in range(amount(20, 2_000) // KILLS):
        (tmp_path / str(n)).mkdir()
        with OwnServer("--appendfsync", "always") as server:
            await killed_under_writers(server, board_name, moment, tmp_path / str(n))
