"""Commits that are acknowledged only once a replica has them: what was acknowledged survives the primary."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest
import pytest_asyncio

from blackboard.board import Board
from blackboard.connect import connect
from blackboard.diagnosis import examine_server
from blackboard.errors import BlackboardError, Unknown, UsageError
from blackboard.log import entries_after
from blackboard.settings import Settings
from blackboard.store import WAIT_MS
from tests.proof.pair import Pair
from tests.proxy import Proxy
from tests.waiting import eventually

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

NAME = "replicated"


@pytest_asyncio.fixture
async def pair() -> AsyncIterator[Pair]:
    """A primary and its replica."""
    async with Pair() as both:
        yield both


@pytest_asyncio.fixture
async def proxy(pair: Pair) -> AsyncIterator[Proxy]:
    """What clients connect through, so that they can be sent to the other server."""
    async with Proxy(pair.primary.socket) as between:
        yield between


@pytest_asyncio.fixture
async def board(proxy: Proxy) -> AsyncIterator[Board]:
    """A board whose commits wait for one replica."""
    async with await Board.open(f"{proxy.url}?replicas=1", NAME) as opened:
        yield opened


async def test_no_commit_that_was_acknowledged_is_lost_with_the_primary(pair: Pair, proxy: Proxy, board: Board) -> None:
    """Eight callers write while the replica stops to receive and is then promoted."""
    acknowledged: list[tuple[str, int]] = []
    stop = asyncio.Event()

    async def write(caller: int) -> None:
        n = 0
        while not stop.is_set():
            n += 1
            try:
                record = await board.put(f"item/{caller}", n)
            except BlackboardError:
                return  # not acknowledged: unknown, or void with its history
            acknowledged.append((record.commit, n))

    writing = [asyncio.create_task(write(caller)) for caller in range(8)]
    await eventually(lambda: len(acknowledged) > 200, "the writers got going", 30)
    pair.lag()
    before = len(acknowledged)
    await asyncio.wait(writing, timeout=3 * WAIT_MS / 1000)  # the server has given up waiting, and was asked again
    assert len(acknowledged) - before <= 16, "what the replica does not have is not acknowledged"
    proxy.refusing = True
    await pair.promote()
    stop.set()
    proxy.target = pair.primary.socket
    proxy.refusing = False
    proxy.reset()
    await pair.rejoin()
    await asyncio.gather(*writing)
    async with await Board.open(pair.primary.url, NAME) as after:
        held = {entry.commit async for entry in entries_after(after.store, 0)}
    assert {commit for commit, _ in acknowledged} <= held


async def test_without_a_confirmation_the_outcome_is_unknown_and_told_so(pair: Pair, board: Board) -> None:
    await board.put("item/1", 1)
    board.store.give_up_after_s = 0.2
    pair.lag()
    with pytest.raises(Unknown, match="0 of 1 replicas have confirmed it"):
        await board.put("item/1", 2)


async def test_commits_wait_for_a_replica_that_comes_back_and_keep_their_order(pair: Pair, board: Board) -> None:
    await board.put("item/1", 0)
    pair.lag()
    told: list[int] = []

    async def put(n: int) -> None:
        await board.put("item/1", n)
        told.append(n)

    putting = [asyncio.create_task(put(n)) for n in range(1, 40)]
    await asyncio.wait(putting, timeout=0.2)
    assert told == []
    await pair.catch_up()
    await asyncio.gather(*putting)
    assert told == list(range(1, 40))
    assert [change.record.value for change in await board.history("item/1") if change.record] == list(range(40))


async def test_a_call_that_is_sent_again_waits_for_the_replica_as_well(pair: Pair, proxy: Proxy, board: Board) -> None:
    """The new connection writes nothing: the server must not call it confirmed for that."""
    await board.put("item/1", 1)
    pair.lag()
    putting = asyncio.create_task(board.put("item/1", 2))
    with pair.primary.client() as client:
        await eventually(lambda: client.hget(f"bb:{{{NAME}}}:meta", "revision") == b"2", "it is applied")
    proxy.reset()
    await asyncio.wait({putting}, timeout=1.0)
    assert not putting.done()
    await pair.catch_up()
    assert (await putting).revision == 2


@pytest.mark.parametrize("url", ["memory:", "embedded:{}"])
async def test_a_server_that_can_have_no_replicas_is_refused_where_some_are_asked_for(url: str, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="has no replicas; use the URL of a server"):
        await connect(url.format(tmp_path), settings=Settings(replicas="1"))


@pytest.mark.parametrize("number", ["x", "-1", "101", "1.5"])
async def test_a_number_of_replicas_that_is_none_is_refused(number: str, pair: Pair) -> None:
    with pytest.raises(UsageError, match="is no number from 0 to 100"):
        await connect(f"{pair.primary.url}?replicas={number}")


async def test_doctor_says_whether_as_many_replicas_are_there_as_commits_wait_for(pair: Pair) -> None:
    for wanted, verdict in (("0", None), ("1", "ok"), ("2", "broken")):
        async with await connect(f"{pair.primary.url}?replicas={wanted}") as backend:
            found = {finding.check: finding.verdict for finding in await examine_server(backend)}
        assert found.get("replicas") == verdict
