"""A process that leads a board, for tests to kill: ``led_process.py URL BOARD``; each call that it runs says ``running``."""

from __future__ import annotations

import asyncio
import os
import sys
from typing import Any

from blackboard.board import Board
from controller.controller import Controller
from knowledge_sources import Collect, knowledge_source
from tests.leading import declared


@knowledge_source(watches={"item": "item/{i}"}, unless="out/{i}", contributes="out/{i}")
async def held(item: Any) -> Any:
    os.write(1, b"running\n")  # what an agent prints goes to its activation
    await asyncio.Event().wait()


@knowledge_source({"votes": Collect("vote/{i}/*", at_least=2)}, contributes="sum/{i}")
async def summing(votes: list[Any]) -> Any:
    os.write(1, b"running\n")
    await asyncio.Event().wait()


async def lead(url: str, name: str) -> None:
    async with await Board.open(url, name) as board:
        controller = await Controller.start(board, declared(held, summing))
        await controller.run_until_quiescent()


if __name__ == "__main__":
    asyncio.run(lead(sys.argv[1], sys.argv[2]))
