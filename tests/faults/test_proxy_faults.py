"""What is between client and server fails in seven ways: nothing is lost, repeated, reordered or left behind."""

from __future__ import annotations

import asyncio
import sys
from collections import Counter
from contextlib import AsyncExitStack, suppress
from typing import TYPE_CHECKING

import pytest

from tests.proof.amounts import amount, chance
from tests.proof.dump import read_dump
from tests.proof.flat import DRAINED_WITHIN_S, flat, footprint
from tests.proof.history import History
from tests.proof.run import Run
from tests.proof.saved import hold, keeping
from tests.proxy import Proxy
from tests.proxy.faults import FAULTS
from tests.proxy.traffic import Traffic
from tests.waiting import eventually

if TYPE_CHECKING:
    from tests.conftest import RedisServer


@pytest.mark.slow
@pytest.mark.parametrize("kind", FAULTS)
async def test_nothing_is_lost_repeated_or_left_behind_when_the_way_to_the_server_fails(
    redis_server: RedisServer, board_name: str, kind: str
) -> None:
    random, history = chance(f"proxy fault {kind}"), History()
    with redis_server.client() as client:
        before = footprint(client)
        async with AsyncExitStack() as stack:
            stack.enter_context(keeping(history, redis_server.client, board_name))
            proxy = await stack.enter_async_context(Proxy(redis_server.socket))
            traffic = await stack.enter_async_context(Traffic(proxy.url, board_name, history, random))
            with suppress(TimeoutError):
                async with asyncio.timeout(amount(5, 120)):
                    await FAULTS[kind](proxy, random)
            traffic.enough.set()
            async with asyncio.timeout(DRAINED_WITHIN_S):
                await traffic.written()
                await traffic.read_up_to(read_dump(client, board_name).revision)
            assert traffic.queued() == 0
        await eventually(lambda: footprint(client).connections <= before.connections, "the server closed its side")
        dump = read_dump(client, board_name)  # now that what was late has come, and nothing more can
        client.delete(*client.scan_iter(match=f"bb:{{{board_name}}}:*"))
        left = flat(before, footprint(client))
    outcomes = Counter(commit.outcome for commit in history.commits)
    sys.stdout.write(
        f"{kind}: {proxy.strikes} faults, {proxy.connections} connections, {dump.revision} revisions; commits"
        f" {outcomes['done']} done, {outcomes['refused']} refused, {outcomes['unknown']} unknown\n"
    )
    hold(Run(history, dump), *left)
    assert proxy.strikes >= 5
    assert dump.revision >= 100
