"""What is between client and server fails in seven ways: nothing is lost, repeated, reordered or left behind."""

from __future__ import annotations

import asyncio
import sys
from collections import Counter
from contextlib import AsyncExitStack, suppress
from functools import partial
from random import Random
from typing import TYPE_CHECKING

import pytest

from blackboard.board import Board
from blackboard.scripts import Script
from tests.consistency import check_consistent
from tests.proof.amounts import amount, chance
from tests.proof.dump import read_dump
from tests.proof.flat import DRAINED_WITHIN_S, flat, footprint
from tests.proof.history import History
from tests.proof.run import Run
from tests.proof.saved import hold, keeping
from tests.proxy import Proxy
from tests.proxy.direction import Cut, single_bytes, whole
from tests.proxy.faults import FAULTS, random_pieces
from tests.proxy.traffic import Traffic
from tests.waiting import eventually

if TYPE_CHECKING:
    from tests.conftest import RedisServer

COMMIT = Script("commit.lua").sha.encode()


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
    assert {event.what for event in history.events} == {"reads"}, "no reader was told of a gap or of a lost history"
    assert proxy.strikes >= 5
    assert dump.revision >= 20


async def test_a_call_that_arrives_after_later_ones_of_its_session_changes_nothing(
    redis_server: RedisServer, board_name: str
) -> None:
    """Its connection was given up, it was sent over another one, and the next four calls are applied already."""
    async with Proxy(redis_server.socket) as proxy, await Board.open(proxy.url, board_name) as board:
        board.store.answer_within_s = 0.1
        await board.put("a/1", 0)
        (old,) = (pair for pair in proxy.pairs if COMMIT in pair.sent)
        old.forth.hold()
        for n in range(1, 6):
            assert (await board.put("a/1", n)).version == n + 1
        assert COMMIT in old.sent
        assert old in proxy.pairs, "it is still on its way"
        old.forth.release()
        await eventually(lambda: old not in proxy.pairs, "it has arrived, and the server knows that nobody waits")
        assert (await board.put("a/1", 6)).version == 7
    with redis_server.client() as client:
        assert check_consistent(client, board_name) == 7


@pytest.mark.parametrize("cut", [whole, single_bytes, random_pieces(Random(1))])
async def test_answers_are_understood_on_the_same_connections_however_they_are_cut_and_merged(
    redis_server: RedisServer, board_name: str, cut: Cut
) -> None:
    async with Proxy(redis_server.socket) as proxy, await Board.open(proxy.url, board_name) as board:
        assert await board.get("a/1") is None
        connections = proxy.connections
        proxy.forth.cut = proxy.back.cut = cut
        for turn in range(10):
            sent = proxy.requests
            proxy.back.hold()
            putting = [asyncio.create_task(board.put(f"a/{n}", [turn, n])) for n in range(30)]
            getting = [asyncio.create_task(board.get(f"b/{n}")) for n in range(5)]
            await eventually(partial(_sent, proxy, sent + 7), "two commits and five reads are on their way")
            proxy.back.release()
            async with asyncio.timeout(4):  # sooner than a connection is given up
                records = await asyncio.gather(*putting)
                assert await asyncio.gather(*getting) == [None] * 5
            assert [(record.version, record.value) for record in records] == [(turn + 1, [turn, n]) for n in range(30)]
        assert proxy.connections == connections


def _sent(proxy: Proxy, requests: int) -> bool:
    return proxy.requests >= requests
