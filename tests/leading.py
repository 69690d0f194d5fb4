"""Leading a board in a test: a controller with decorated agents, and what it left on the board."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

from blackboard.control_records import ACTIVATIONS, ESCALATIONS
from controller.controller import Controller
from controller.settings import Settings
from knowledge_sources.source import KnowledgeSource, source_of

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from blackboard.board import Board
    from controller.run_end import RunEnd

PATIENCE_S = 15.0


@asynccontextmanager
async def leading(board: Board, *agents: object, **settings: Any) -> AsyncIterator[Controller]:
    """A controller that leads ``board`` with the decorated ``agents``; closed at the end."""
    async with asyncio.timeout(PATIENCE_S):
        controller = await Controller.start(board, declared(*agents), Settings(**settings))
    try:
        yield controller
    finally:
        async with asyncio.timeout(PATIENCE_S):
            await controller.close()


async def run(board: Board, *agents: object, **settings: Any) -> RunEnd:
    """Lead ``board`` until it is quiescent."""
    async with leading(board, *agents, **settings) as controller:
        return await quiescent(controller)


async def quiescent(controller: Controller) -> RunEnd:
    """How the run of ``controller`` ends, in reasonable time."""
    async with asyncio.timeout(PATIENCE_S):
        return await controller.run_until_quiescent()


@asynccontextmanager
async def going_on(controller: Controller) -> AsyncIterator[asyncio.Task[RunEnd]]:
    """The run of ``controller`` beside the test; the test awaits it, or it is cancelled at the end."""
    task = asyncio.create_task(quiescent(controller))
    try:
        yield task
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


def declared(*agents: object) -> list[KnowledgeSource]:
    """The declarations of decorated functions and classes."""
    sources = [source_of(agent) for agent in agents]
    assert None not in sources
    return [source for source in sources if source is not None]


async def values(board: Board, pattern: str) -> dict[str, Any]:
    """Key → value of what ``pattern`` matches."""
    return {record.key: record.value for record in await board.find(pattern)}


async def activations(board: Board, agent: str = "") -> list[dict[str, Any]]:
    """The activations on the board in the order of their last writing, each with its ``id``; of one agent if named."""
    records = sorted(await board.find(ACTIVATIONS + "*"), key=lambda record: record.revision)
    found = [{"id": record.key.removeprefix(ACTIVATIONS), **record.value} for record in records]
    return [one for one in found if agent in ("", one["agent"])]


async def only(board: Board, agent: str = "") -> dict[str, Any]:
    """The one activation there is, of ``agent`` if named."""
    (found,) = await activations(board, agent)
    return found


async def states(board: Board, agent: str = "") -> list[str]:
    """The states of the activations, sorted."""
    return sorted(one["state"] for one in await activations(board, agent))


async def question(board: Board) -> tuple[str, dict[str, Any]]:
    """The one escalation there is, key and value."""
    (found,) = await board.find(ESCALATIONS + "*")
    return found.key, found.value
