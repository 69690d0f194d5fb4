"""``python -m tests.confusion [NUMBER [SEED]]``: injects failures on a server of its own and prints what they were seen as."""

from __future__ import annotations

import asyncio
import sys

from blackboard.board import Board
from tests.confusion.injection import inject
from tests.own_server import OwnServer


async def main(number: int, seed: int) -> int:
    """0 where each failure was seen as what it was."""
    with OwnServer(appendonly=False) as server:
        async with await Board.open(server.url, "confusion") as board:
            confusion = await inject(board, server.url, number, seed)
    sys.stdout.write(f"$ python -m tests.confusion {number} {seed}\n{confusion.as_text()}\n")
    return sum(count for (injected, seen), count in confusion.counts.items() if injected != seen)


if __name__ == "__main__":
    given = [int(argument) for argument in sys.argv[1:]]
    sys.exit(min(asyncio.run(main(*(given + [1000, 1][len(given) :]))), 1))
