"""Agents that fail, race, are late and will not stop, under three controllers one after another: one contribution each."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from blackboard.board import Board
from knowledge_sources import Overdue, knowledge_source, supervisor
from knowledge_sources.orders import Decide
from tests.leading import going_on, leading, quiescent
from tests.proof.amounts import amount, chance
from tests.proof.dump import read_dump
from tests.proof.history import History
from tests.proof.run import Run
from tests.proof.saved import hold

if TYPE_CHECKING:
    from random import Random

    from tests.conftest import RedisServer

ITEMS = 30
QUICK = {"attempts": 4, "backoff": "2ms", "cap": "10ms"}


def team(draw: Random) -> list[object]:
    """Two that race for each item, one that is late and swallows its cancellation, and its supervisor."""

    async def trouble() -> None:
        await asyncio.sleep(draw.random() * 0.004)
        if draw.random() < 0.1:
            raise RuntimeError("bad luck")

    def pay(name: str) -> object:
        @knowledge_source(
            watches="item/{i}", unless="paid/{i}", contributes="paid/{i}", name=name, provides="pay", retry=QUICK
        )
        async def agent() -> Any:
            await trouble()
            return name

        return agent

    @knowledge_source(watches="paid/{i}", contributes="sent/{i}", respond_within="15ms", escalate=["boss"], retry=QUICK)
    async def send(i: str) -> Any:
        try:
            await asyncio.sleep(draw.choice([0, 0.001, 0.2]))
        except asyncio.CancelledError:
            await trouble()
        return f"for {i}"

    @supervisor(over="send", respond_within="30s", retry=QUICK)
    async def boss(overdue: Overdue) -> Any:
        await trouble()
        return Decide("by the boss", "too slow")

    return [pay("ann"), pay("bob"), send, boss]


async def weather(board: Board, draw: Random, enough: asyncio.Event) -> None:
    """Another writer, which moves triggers."""
    while not enough.is_set():
        await board.put(f"item/{draw.randrange(ITEMS)}", draw.randrange(1000))
        await asyncio.sleep(draw.random() * 0.01)


async def test_after_a_storm_of_agents_every_oracle_accepts_the_board(redis_server: RedisServer, board: Board) -> None:
    draw = chance("storm of agents")
    for _ in range(amount(1, 100)):
        enough = asyncio.Event()
        for n in range(ITEMS):
            await board.put(f"item/{n}", -n)
        async with await Board.open(redis_server.url, board.name) as foreign:
            storm = asyncio.create_task(weather(foreign, draw, enough))
            for _ in range(2):
                async with leading(board, *team(draw), max_running=8) as controller, going_on(controller):
                    await asyncio.sleep(0.1)
            async with leading(board, *team(draw), max_running=8) as controller, going_on(controller) as end:
                await asyncio.sleep(0.1)
                enough.set()
                await storm
                await end  # which may have been before the storm was over
                await quiescent(controller)
    with redis_server.client() as client:
        hold(Run(History(), read_dump(client, board.name), complete=False))
