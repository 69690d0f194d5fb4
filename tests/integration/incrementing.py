"""A process in which many tasks increment one record: ``incrementing.py URL BOARD TASKS TIMES mutate|put``."""

from __future__ import annotations

import asyncio
import sys

from blackboard.board import Board


async def main(url: str, name: str, tasks: int, times: int, how: str) -> None:
    """Announce readiness, wait for a line, then increment ``count/1`` ``times`` times in each of ``tasks`` tasks."""
    async with await Board.open(url, name) as board:
        sys.stdout.write("ready\n")
        sys.stdout.flush()
        await asyncio.to_thread(sys.stdin.readline)

        async def one() -> None:
            for _ in range(times):
                if how == "mutate":
                    await board.mutate("count/1", lambda value: (value or 0) + 1)
                else:
                    record = await board.get("count/1")
                    await board.put("count/1", (record.value if record else 0) + 1)

        await asyncio.gather(*(one() for _ in range(tasks)))


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4]), sys.argv[5]))
