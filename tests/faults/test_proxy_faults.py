"""What is between client and server fails in seven ways: nothing is lost, repeated, reordered or left behind."""

from __future__ import annotations

import asyncio
import contextlib
import sys
from typing import TYPE_CHECKING

import pytest

from tests.proof.amounts import amount, chance, seed
from tests.proof.dump import read_dump
from tests.proof.history import History
from tests.proof.oracles import check
from tests.proof.run import Run
from tests.proxy import Proxy
from tests.proxy.faults import FAULTS
from tests.proxy.traffic import Traffic
from tests.waiting import eventually

if TYPE_CHECKING:
    from tests.conftest import RedisServer

DRAINED_WITHIN_S = 30.0


@pytest.mark.slow
@pytest.mark.parametrize("kind", FAULTS)
async def test_nothing_is_lost_repeated_or_left_behind_when_the_way_to_the_server_fails(
    redis_server: RedisServer, board_name: str, kind: str
) -> None:
    seconds = amount(5, 120)
    random, history = chance(f"proxy fault {kind}"), History()
    with redis_server.client() as client:
        connections = len(client.client_list())
        async with (
            Proxy(redis_server.socket) as proxy,
            Traffic(proxy.url, board_name, history, random) as traffic,
        ):
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(seconds):
                    await FAULTS[kind](proxy, random)
            traffic.enough.set()
            async with asyncio.timeout(DRAINED_WITHIN_S):
                await traffic.written()
                head = read_dump(client, board_name).revision
                await traffic.read_up_to(head)
            idle = [board.store for board in traffic.boards]
            assert not any(store._queue or store._in_flight or store._held or store._repair for store in idle)
            assert not any(board._mutations._waiting or board._mutations._tasks for board in traffic.boards)
        await eventually(lambda: len(client.client_list()) == connections, "every connection is gone")
        dump = read_dump(client, board_name)  # now that what was late has come, and nothing more can
    assert len(asyncio.all_tasks()) == 1, "every task is gone"
    outcomes = [commit.outcome for commit in history.commits]
    sys.stdout.write(
        f"{kind}: {proxy.strikes} faults, {proxy.connections} connections, {dump.revision} revisions;"
        f" {outcomes.count('done')} done, {outcomes.count('refused')} refused, {outcomes.count('unknown')} unknown\n"
    )
    assert check(Run(history, dump)) == [], f"with BLACKBOARD_SEED={seed()}"
    logged = [(entry.revision, change.key) for entry in dump.log for change in entry.changes]
    read = [(int(told.commit.partition("-")[2]), told.key) for told in history.told]
    for told in (read, traffic.replica_told):
        assert told == logged[: len(told)], "a reader saw every change once, in order"
        assert told[-1][0] >= head
    assert proxy.strikes >= 5
