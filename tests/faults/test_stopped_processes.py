"""A server or a client that stands still for a while and goes on: late calls change nothing, nobody else waits."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
from functools import partial
from typing import TYPE_CHECKING

import pytest

from blackboard.board import Board
from blackboard.scripts import Script
from tests.consistency import check_consistent
from tests.own_server import OwnServer
from tests.proof.amounts import amount, chance
from tests.proof.dump import read_dump
from tests.proof.flat import DRAINED_WITHIN_S, flat, footprint
from tests.proof.history import History
from tests.proof.run import Run
from tests.proof.saved import hold, keeping
from tests.proxy.other_process import OtherProcess
from tests.proxy.traffic import Traffic
from tests.waiting import eventually

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path
    from random import Random

    import redis

    from tests.conftest import RedisServer

COMMIT = Script("commit.lua").sha.encode()
PROCESSES = 3
STOPS = 6
"""of one board's processes, before the next board is begun"""


@contextlib.contextmanager
def stopped(process: int) -> Iterator[None]:
    """Within it, ``process`` does nothing, and what is sent to it waits."""
    os.kill(process, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(process, signal.SIGCONT)


def _calls(client: redis.Redis) -> list[bytes]:
    """The calls of ``commit.lua`` that the server has run since its slow log was reset, as far as that keeps them."""
    return [entry["command"] for entry in client.slowlog_get(1000) if COMMIT in entry["command"]]


def _asked(history: History, commits: int) -> bool:
    return len(history.commits) >= commits


def _reached(client: redis.Redis, name: str, revision: int) -> bool:
    return _revision(client, name) >= revision


def _revision(client: redis.Redis, name: str) -> int:
    return int(client.hget(f"bb:{{{name}}}:meta", "revision") or 0)


async def test_a_server_that_stood_still_gets_a_call_twice_and_applies_it_once(board_name: str) -> None:
    with OwnServer("--slowlog-log-slower-than", "0") as server:
        async with await Board.open(server.url, board_name) as board:
            board.store.answer_within_s = 0.1
            record = await board.put("a/1", 1)
            with server.client() as client:
                client.slowlog_reset()
            with stopped(server.pid):
                putting = [asyncio.create_task(board.put("a/1", [1, n])) for n in range(3)]
                writer = board.store._writer
                await eventually(lambda: board.store._writer is not writer, "the connection was given up")
            records = await asyncio.gather(*putting)
            assert [r.version for r in records] == [record.version + n for n in (1, 2, 3)]
            with server.client() as client:
                await eventually(lambda: len(_calls(client)) > 1, "the server ran the call a second time")
                assert len(set(_calls(client))) == 1, "it was the same call"
        with server.client() as client:
            assert check_consistent(client, board_name) == 4


@pytest.mark.slow
async def test_a_server_that_stands_still_again_and_again_costs_time_and_nothing_else(board_name: str) -> None:
    """Longer than an answer may take, most times: calls are sent again, and those given up arrive late."""
    random, history = chance("stopped server"), History()
    with OwnServer() as server, server.client() as client:
        before = footprint(client)
        with keeping(history, server.client, board_name):
            async with Traffic(server.url, board_name, history, random) as traffic:
                for _ in range(amount(6, 400)):
                    enough = len(history.commits) + random.randrange(1, 50)
                    await eventually(partial(_asked, history, enough), "the writers go on", DRAINED_WITHIN_S)
                    with stopped(server.pid):
                        await asyncio.sleep(random.uniform(0.05, 1))
                traffic.enough.set()
                async with asyncio.timeout(DRAINED_WITHIN_S):
                    await traffic.written()
                    await traffic.read_up_to(read_dump(client, board_name).revision)
                assert traffic.queued() == 0
            await eventually(lambda: footprint(client).connections <= before.connections, "the server closed its side")
        dump = read_dump(client, board_name)
        client.delete(*client.scan_iter(match=f"bb:{{{board_name}}}:*"))
        hold(Run(history, dump), *flat(before, footprint(client)))
    assert {commit.outcome for commit in history.commits} == {"done", "refused", "unknown"}


@pytest.mark.slow
async def test_processes_that_stand_still_hold_up_nobody_and_go_on_where_they_were(
    redis_server: RedisServer, board_name: str, tmp_path: Path
) -> None:
    """Each writes, reads the changes and follows a replica; its time-outs are all over when it wakes."""
    random = chance("stopped processes")
    for n in range(amount(6, 300) // STOPS):
        directory = tmp_path / str(n)
        directory.mkdir()
        history = await _stop_processes(redis_server, board_name, random, directory)
        with redis_server.client() as client:
            hold(Run(history, read_dump(client, board_name)))
        assert len({told.client for told in history.told}) == 2 * PROCESSES, "each read, and each followed"
        redis_server.remove(f"bb:{{{board_name}}}:*")


async def _stop_processes(server: RedisServer, name: str, random: Random, directory: Path) -> History:
    """Stop one process after the other while all use the board; returns what they recorded."""
    history = History()
    with contextlib.ExitStack() as stack:
        client = stack.enter_context(server.client())
        processes = []
        for n in range(PROCESSES):
            journal = directory / f"p{n}.jsonl"
            processes.append(OtherProcess(server.url, name, f"p{n}", random.randrange(1 << 30), journal))
            stack.callback(processes[-1].kill)
        for process in processes:
            await eventually(process.writes, f"{process.client} writes", 30)
        for _ in range(STOPS):
            with stopped(random.choice(processes).process.pid):
                goal = _revision(client, name) + 50
                await eventually(partial(_reached, client, name, goal), "the others go on", 30)
                await asyncio.sleep(random.uniform(0, 1))
        for process in processes:
            await asyncio.to_thread(process.finish)
            history.take(History.load(process.journal))
    return history
