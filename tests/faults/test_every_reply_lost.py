"""Whatever answer is lost, callers are told what they would have been told, and everything is applied once."""

from __future__ import annotations

import asyncio
import sys
from contextlib import aclosing
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest

from blackboard.board import Board
from blackboard.errors import NoBackend
from blackboard.scripts import Script
from tests.consistency import check_consistent
from tests.proof.amounts import amount, seed
from tests.proof.dump import LoggedCommit, read_dump
from tests.proxy import Fate, Proxy
from tests.proxy.every_kind import EveryKind
from tests.proxy.frames import words
from tests.waiting import eventually

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from tests.conftest import RedisServer

COMMIT = Script("commit.lua").sha.encode()
STEPS = 40
MOST_STEPS = 50
"""answers that any way to the server and back may take"""
ROUNDS = 5
"""in each of which every fifth answer is lost, so that each is lost once among others that are not"""


class Played(NamedTuple):
    """What a workload came to: what its callers were told, what the log holds, how many calls it took."""

    told: list[Any]
    log: list[LoggedCommit]
    calls: int
    lost: int


class LosesOnce:
    """A fate for a proxy: the answer to each call of ``commit.lua`` whose number is chosen is lost the first time."""

    def __init__(self, chosen: Callable[[int], bool]) -> None:
        self.calls = 0
        self.lost = 0
        self._chosen = chosen
        self._known: set[tuple[bytes, bytes]] = set()

    def __call__(self, request: bytes) -> Fate:
        if COMMIT not in request:
            return Fate.PASSES
        _, _, count, *rest = words(request)
        call = rest[5], rest[int(count)]  # the session's key, the sequence
        if call in self._known:
            return Fate.PASSES
        self._known.add(call)
        self.calls += 1
        if not self._chosen(self.calls):
            return Fate.PASSES
        self.lost += 1
        return Fate.UNANSWERED


async def play(server: RedisServer, name: str, number: int, chosen: Callable[[int], bool]) -> Played:
    """The workload ``number`` on a new board, with the answers lost that are ``chosen``; checks the board it leaves."""
    server.remove(f"bb:{{{name}}}:*")
    async with Proxy(server.socket) as proxy, await Board.open(proxy.url, name) as board:
        fate = proxy.fate = LosesOnce(chosen)
        told = await EveryKind(board, number).run(STEPS)
    assert fate.lost // 2 <= proxy.losses <= fate.lost, "of two calls in flight, one break can lose both answers"
    with server.client() as client:
        check_consistent(client, name)
        log = [entry._replace(time="") for entry in read_dump(client, name).log]
    return Played(told, log, fate.calls, fate.lost)


async def test_a_caller_is_told_the_same_and_the_log_is_the_same_whichever_answer_is_lost(
    redis_server: RedisServer, board_name: str
) -> None:
    wanted, lost = amount(1_000, 100_000), 0
    first = number = seed() * 1_000_000
    while lost < wanted:
        undisturbed = await play(redis_server, board_name, number, lambda call: False)
        assert undisturbed.calls > STEPS / 2
        missed = 0
        for turn in range(ROUNDS):
            played = await play(redis_server, board_name, number, partial(_has_turn, turn))
            assert played.told == undisturbed.told, f"workload {number}, every fifth answer from {turn}"
            assert played.log == undisturbed.log, f"workload {number}, every fifth answer from {turn}"
            missed += played.lost
        assert missed == undisturbed.calls, "every answer was lost once"
        lost += missed
        number += 1
    sys.stdout.write(f"{lost} answers lost in workloads {first} to {number - 1}\n")


def _has_turn(turn: int, call: int) -> bool:
    return call % ROUNDS == turn


async def test_nothing_changes_when_all_answers_are_lost_once(redis_server: RedisServer, board_name: str) -> None:
    undisturbed = await play(redis_server, board_name, seed(), lambda call: False)
    played = await play(redis_server, board_name, seed(), lambda call: True)
    assert played.lost == undisturbed.calls
    assert (played.told, played.log) == (undisturbed.told, undisturbed.log)


class LosesNumber:
    """A fate for a proxy: the answer to the first request that holds ``after`` is lost, then that of the ``number``-th.

    Without ``after`` the count begins at once.
    """

    def __init__(self, number: int, after: bytes = b"") -> None:
        self.lost = False
        self._left = number
        self._after = after

    def __call__(self, request: bytes) -> Fate:
        if self._after:
            if self._after not in request:
                return Fate.PASSES
            self._after = b""
            return Fate.UNANSWERED
        self._left -= 1
        if self._left:
            return Fate.PASSES
        self.lost = True
        return Fate.UNANSWERED


@pytest.mark.parametrize("scripts_are_there", [True, False])
async def test_a_lost_commit_gets_through_whichever_answer_is_lost_next(
    redis_server: RedisServer, board_name: str, scripts_are_there: bool
) -> None:
    """Its own, then the n-th on the new connection: greeting, run id, handshake, script, or the commit's again."""
    number, gone_through = 0, False
    async with Proxy(redis_server.socket) as proxy, await Board.open(proxy.url, board_name) as board:
        record = await board.create("a/1", 0)
        while not gone_through:
            assert number < MOST_STEPS
            number += 1
            if not scripts_are_there:
                with redis_server.client() as client:
                    client.script_flush()
            fate = proxy.fate = LosesNumber(number, after=COMMIT)
            record = await board.replace(record, number)
            assert (record.version, record.revision) == (number + 1, number + 1)
            gone_through = not fate.lost
    assert number > (4 if scripts_are_there else 6), "each step of the way back was hit"
    with redis_server.client() as client:
        assert check_consistent(client, board_name) == number + 1


async def _first_changes(board: Board) -> list[tuple[str, int]]:
    found = []
    async with aclosing(board.changes()) as changes:  # type: ignore[type-var]  # it is a generator
        async for change in changes:
            found.append((change.key, change.revision))
            if len(found) == 5:
                break
    return found


READS: dict[str, Callable[[Board], Awaitable[Any]]] = {
    "get": lambda board: board.get("a/1"),
    "find": lambda board: board.find("a/*"),
    "history": lambda board: board.history("a/1"),
    "revision": lambda board: board.revision(),
    "changes": _first_changes,
    "wait_for": lambda board: board.wait_for("a/1"),
}


@pytest.mark.parametrize("what", READS)
async def test_a_read_is_answered_whichever_answer_is_lost(redis_server: RedisServer, board: Board, what: str) -> None:
    for n in range(5):
        await board.put(f"a/{n}", n)
    expected = await READS[what](board)
    number, gone_through = 0, False
    while not gone_through:
        assert number < MOST_STEPS
        number += 1
        async with Proxy(redis_server.socket) as proxy, await Board.open(proxy.url, board.name) as far:
            fate = proxy.fate = LosesNumber(number)
            assert await READS[what](far) == expected, f"answer {number} lost"
            gone_through = not fate.lost
    assert number > 4, "each step of the way there was hit"


async def test_opening_a_board_succeeds_or_says_so_and_leaves_nothing_whichever_answer_is_lost(
    redis_server: RedisServer, board_name: str
) -> None:
    number, gone_through = 0, False
    with redis_server.client() as client:
        while not gone_through:
            assert number < MOST_STEPS
            number += 1
            async with Proxy(redis_server.socket) as proxy:
                fate = proxy.fate = LosesNumber(number)
                try:
                    await (await Board.open(proxy.url, board_name)).close()
                except NoBackend:
                    assert fate.lost
                gone_through = not fate.lost
            assert len(asyncio.all_tasks()) == 1
            await eventually(lambda: len(client.client_list()) == 1, "every connection is gone")
        assert number > 4, "each step was hit"
        assert client.hmget(f"bb:{{{board_name}}}:meta", "epoch", "revision") == [b"1", b"0"]
