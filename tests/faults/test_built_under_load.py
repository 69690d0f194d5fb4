"""A replica that is built while others write shows, from its first moment on, states that the board had."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from blackboard.commit import Delete, Put
from tests.proof.amounts import amount, chance
from tests.proof.dump import read_dump
from tests.proof.history import History
from tests.proof.recording import RecordedBoard
from tests.proof.run import Run
from tests.proof.saved import hold

if TYPE_CHECKING:
    from random import Random

    from tests.conftest import RedisServer

REGIONS = ("a", "b", "c")
KEYS = 1500
"""in each region, so that no scan comes in one page"""


async def churn(board: RecordedBoard, draw: Random, enough: asyncio.Event) -> None:
    """Commits that each change a record of every region, and take one away now and then."""
    count = 0
    while not enough.is_set():
        count += 1
        n, gone = draw.randrange(KEYS), draw.randrange(KEYS)
        await board.commit([], [Put(f"{region}/{n}", [board.client, count]) for region in REGIONS])
        if count % 3 == 0:
            await board.commit([], [Delete(f"{region}/{gone}") for region in REGIONS])


async def test_a_replica_built_under_load_shows_a_state_that_the_board_had_from_its_first_moment_on(
    redis_server: RedisServer, board_name: str
) -> None:
    draw, history, enough = chance("built under load"), History(), asyncio.Event()
    async with await RecordedBoard.recorded(redis_server.url, board_name, history, "writer") as writer:
        for region in REGIONS:
            await writer.commit([], [Put(f"{region}/{n}", n) for n in range(KEYS)])
        writing = asyncio.create_task(churn(writer, draw, enough))
        for n in range(amount(5, 300)):
            async with await RecordedBoard.recorded(redis_server.url, board_name, history, f"reader {n}") as reader:
                await reader.show()
        enough.set()
        await writing
    assert len({shown.revision for shown in history.shown}) > 1, "it was written to meanwhile"
    with redis_server.client() as client:
        hold(Run(history, read_dump(client, board_name)))
