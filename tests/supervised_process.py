"""A process that leads a board, for tests to kill while its supervisor ponders: ``supervised_process.py URL BOARD``."""

from __future__ import annotations

import asyncio
import os
import sys
from typing import Any

from blackboard.board import Board
from controller.controller import Controller
from knowledge_sources import Overdue, knowledge_source, supervisor
from tests.leading import declared


@knowledge_source(
    watches="item/{i}", contributes="out/{i}", respond_within="40ms", escalate=["boss", "deputy", "human"]
)
async def slow() -> Any:
    await asyncio.Event().wait()


@supervisor(over="slow", respond_within="300ms", retry={"attempts": 1})
async def boss(overdue: Overdue) -> Any:
    os.write(1, b"asked\n")  # what an agent prints goes to its activation
    await asyncio.Event().wait()


async def lead(url: str, name: str) -> None:
    async with await Board.open(url, name) as board:
        controller = await Controller.start(board, declared(slow, boss))
        await controller.run_until_quiescent()


if __name__ == "__main__":
    asyncio.run(lead(sys.argv[1], sys.argv[2]))
