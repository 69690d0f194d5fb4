"""Whether everything comes to rest after a fault, and whether anything was left over."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, NamedTuple

from blackboard.errors import BlackboardError
from tests.proof.violation import Violation

if TYPE_CHECKING:
    import redis

    from blackboard.board import Board

DRAINED_WITHIN_S = 30.0


class Footprint(NamedTuple):
    """What clients of a server take up: connections and bytes there, tasks on this event loop."""

    connections: int
    memory_bytes: int
    tasks: int


def footprint(client: redis.Redis) -> Footprint:
    """As it is now.  What a server without boards takes depends on its buffers, so compare with some slack."""
    return Footprint(len(client.client_list()), int(client.info("memory")["used_memory"]), len(asyncio.all_tasks()))


def flat(before: Footprint, after: Footprint, slack_bytes: int = 1 << 20) -> list[Violation]:
    """No connection and no task is left, and the memory is that of before but for ``slack_bytes``."""
    found = []
    if after.connections > before.connections:
        found.append(f"{after.connections} connections, {before.connections} before")
    if after.tasks > before.tasks:
        found.append(f"{after.tasks} tasks, {before.tasks} before")
    if after.memory_bytes > before.memory_bytes + slack_bytes:
        found.append(f"{after.memory_bytes:,} bytes of the server's memory, {before.memory_bytes:,} before")
    return [Violation("flat", sentence) for sentence in found]


async def drained(*boards: Board, within_s: float = DRAINED_WITHIN_S) -> list[Violation]:
    """Every board's commits are answered and its replica has caught up with the server, in time."""
    return [violation for board in boards for violation in await _drained(board, within_s)]


async def _drained(board: Board, within_s: float) -> list[Violation]:
    try:
        async with asyncio.timeout(within_s):
            await board.store.submit([], [])  # it is answered after all that were before it
            replica = await board.replica()
            await replica.caught_up(await board.revision())
    except TimeoutError:
        return [Violation("drained", f"{board.author} is not at rest after {within_s:g} s")]
    except BlackboardError as error:
        return [Violation("drained", f"{board.author} did not come to rest: {error}")]
    return []
