"""Leads a board with agents that never return, until it is killed: ``python -m tests.confusion.dying URL BOARD``."""

from __future__ import annotations

import asyncio
import sys

from blackboard.board import Board
from controller.controller import Controller
from controller.settings import Settings
from tests.confusion.agents import dead_agents
from tests.leading import declared


async def lead(url: str, name: str) -> None:
    """Fire, for ever."""
    async with await Board.open(url, name) as board:
        controller = await Controller.start(board, declared(*dead_agents(dying=True)), Settings(max_running=64))
        await controller.run_until_quiescent()


if __name__ == "__main__":
    asyncio.run(lead(*sys.argv[1:]))
