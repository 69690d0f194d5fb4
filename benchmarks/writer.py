"""``python -m benchmarks.writer URL BOARD RATE``: so many changes a second, one a commit, until it is killed."""

from __future__ import annotations

import asyncio
import sys
import time

from blackboard.board import Board

EVERY_S = 0.02
KEYS = 997


async def write(url: str, name: str, rate: int) -> None:
    """Change one record after the other at ``rate`` changes a second; what is late is made up for."""
    async with await Board.open(url, name, author="writer") as board:
        began, done = time.perf_counter(), 0
        while True:
            due = int((time.perf_counter() - began) * rate)
            await asyncio.gather(
                *(board.put(f"region{n % 10}/{n % KEYS}", {"n": n, "status": "sent"}) for n in range(done, due))
            )
            done = due
            await asyncio.sleep(EVERY_S)


if __name__ == "__main__":
    asyncio.run(write(sys.argv[1], sys.argv[2], int(sys.argv[3])))
