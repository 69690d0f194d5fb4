"""A process that uses an embedded server, for tests: ``embedded_user.py DIR`` takes commands on its standard input.

It says ``ready RUN_ID`` when it has joined, or ``refused REASON``.  ``add N`` increments the key ``n`` N times and
says ``added``; ``stay`` waits to be killed; the end of the input is a clean leave, and so is ``leave``.
"""

from __future__ import annotations

import asyncio
import sys

from blackboard.connect import connect
from blackboard.errors import NoBackend


def say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


async def use(url: str) -> None:
    try:
        backend = await connect(url)
    except NoBackend as error:
        say(f"refused {str(error)!r}")
        return
    async with backend:
        say(f"ready {await backend.run_id()}")
        while (line := (await asyncio.to_thread(sys.stdin.readline)).split()) and line[0] != "leave":
            if line[0] == "add":
                for _ in range(int(line[1])):
                    await backend.client.incr("n")
                say("added")


if __name__ == "__main__":
    asyncio.run(use(f"embedded:{sys.argv[1]}"))
