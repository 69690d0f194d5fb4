"""A process that writes all over a few keys until it is told to stop: ``writing.py URL BOARD SEED``."""

from __future__ import annotations

import asyncio
import random
import sys

from blackboard.board import Board
from blackboard.commit import Delete, Put, Write


async def main(url: str, name: str, seed: int) -> None:
    """Write, say so after the first hundred commits or so, until a line comes in."""
    chance = random.Random(seed)
    async with await Board.open(url, name, author=f"w{seed}") as board:
        stop = asyncio.create_task(asyncio.to_thread(sys.stdin.readline))
        n = 0
        while not stop.done():
            n += 1
            if n == 20:
                sys.stdout.write("writing\n")
                sys.stdout.flush()
            await asyncio.gather(*(board.commit([], writes(chance, n)) for _ in range(chance.randint(1, 20))))
            await asyncio.sleep(0.002)  # a pace that readers on a small machine can follow


def writes(chance: random.Random, n: int) -> list[Write]:
    """A few writes to distinct keys of three regions, a quarter of them removals."""
    keys = {f"{chance.choice('abc')}/{chance.randint(0, 40)}" for _ in range(chance.randint(1, 4))}
    return [Delete(key) if chance.random() < 0.25 else Put(key, [n, chance.random()]) for key in sorted(keys)]


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], sys.argv[2], int(sys.argv[3])))
