"""A call that ends before it is judged to its end: whatever it was, the board is as it was before it."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from blackboard.board import Board
from blackboard.commit import Absent
from blackboard.errors import Corrupt
from blackboard.group import Request, arguments_of
from blackboard.link import ErrorAnswer, call, open_link
from blackboard.record import Stamp
from blackboard.scripts import Script
from tests.consistency import check_consistent

if TYPE_CHECKING:
    from tests.conftest import RedisServer


async def test_a_call_that_breaks_off_while_it_is_judged_changes_nothing(
    board: Board, redis_server: RedisServer
) -> None:
    """Its first commit is sound and its second holds a number that is none, so that the script stops there."""
    loop = asyncio.get_running_loop()
    sound, broken = (
        Request([Absent(key)], [board.pack_next(key, 1, Stamp(), None)], "", loop.create_future())
        for key in ("a/1", "a/2")
    )
    session = "spoken-by-hand"
    keys, arguments = arguments_of(
        board.store.keys, [sound, broken], session=session, sequence=1, epoch=board.store.epoch, time_ms=1000
    )
    counts = len(arguments) - 9  # behind them the second commit has one guard of three words and one write of four
    assert arguments[counts : counts + 2] == [1, 1]
    arguments[counts] = "many"
    link = await open_link(board.backend)
    try:
        await call(link, "SET", board.store.keys.session(session), "0 0\n")
        with pytest.raises(ErrorAnswer):
            await Script("commit.lua").run(link, keys, arguments)
    finally:
        link.close()
    with redis_server.client() as client:
        assert check_consistent(client, board.name) == 0
    async with await Board.open(board.backend, board.name) as again:
        assert (await again.put("a/1", 1)).commit == "1-1"


async def test_a_log_that_somebody_cut_while_the_board_is_open_is_not_gone_on_with(
    board: Board, redis_server: RedisServer
) -> None:
    """Neither the next commit nor one that waits is applied, and nothing more of the board changes."""
    for n in range(5):
        await board.put("a/1", n)
    with redis_server.client() as client:
        client.xtrim(board.store.keys.log, maxlen=2, approximate=False)
        before = {key: client.dump(key) for key in client.keys(f"bb:{{{board.name}}}:[lmr]*")}
        assert len(before) >= 5
        for outcome in await asyncio.gather(*(board.put("a/2", n) for n in range(3)), return_exceptions=True):
            assert isinstance(outcome, Corrupt)
        assert {key: client.dump(key) for key in before} == before
