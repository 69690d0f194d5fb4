"""What drill-down costs on a large board: how long each detail takes, and the longest that a key would wait meanwhile."""

from __future__ import annotations

import asyncio
import contextlib
import gc
from time import perf_counter
from typing import TYPE_CHECKING, Any, Final

from benchmarks.server import private_server
from blackboard.board import Board
from blackboard.server_binary import find_server
from controller.viewer.details.opening import detail_of
from controller.viewer.model import Model
from controller.viewer.sight import Sight
from controller.viewer.target import Target

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from benchmarks.viewing_panes import Note

AT_ONCE: Final = 2_000
"""commits that are awaited together"""
OFTEN: Final = 300
"""versions of the record that is written over again and again"""
OF_A_CASE: Final = 5
EVERY_S: Final = 0.002
TARGETS: Final = {
    "a record": Target("record", "order/10"),
    "a record with a large value": Target("record", "large/1"),
    "a record of many versions": Target("record", "often/1"),
    "an activation": Target("activation", "a10"),
    "a case": Target("case", "order/10"),
    "an agent that lacks a record": Target("agent", "pay"),
    "an agent that joins": Target("agent", "join"),
}


def measure_details(records: int, note: Note) -> None:
    """Note what it takes to open each, on a board of which half are activations."""
    asyncio.run(_measure(records, note))


async def _measure(records: int, note: Note) -> None:
    with private_server(find_server()) as server:
        async with await Board.open(server.url, "details") as board:
            await _fill(board, records // 2)
            replica = await board.replica()
            await replica.caught_up(await board.revision())
            gc.disable()  # as the viewer does while it reads a board
            sight = Sight(board, replica, Model(board.name, replica.records(), replica.revision), None)
            gc.collect()
            gc.freeze()
            gc.enable()
            try:
                for name, target in TARGETS.items():
                    await _open(name, target, sight, note)
            finally:
                gc.unfreeze()


async def _open(name: str, target: Target, sight: Sight, note: Note) -> None:
    detail = detail_of(target, sight)
    detail.fit(120)
    async with _waiting() as longest:
        begun = perf_counter()
        await detail.load()
        took = perf_counter() - begun
    note(f"{name} is opened", "ms", took * 1e3)
    note(f"{name}: the longest that a key waits", "ms", longest[0] * 1e3)


@contextlib.asynccontextmanager
async def _waiting() -> AsyncIterator[list[float]]:
    """How late the loop is, at the most, with what is due; in seconds, known at the end."""
    longest = [0.0]

    async def ask() -> None:
        while True:
            begun = perf_counter()
            await asyncio.sleep(EVERY_S)
            longest[0] = max(longest[0], perf_counter() - begun - EVERY_S)

    asking = asyncio.create_task(ask())
    await asyncio.sleep(EVERY_S)
    try:
        yield longest
    finally:
        asking.cancel()


async def _fill(board: Board, count: int) -> None:
    for begin in range(0, count, AT_ONCE):
        numbers = range(begin, min(begin + AT_ONCE, count))
        await asyncio.gather(*(board.put(f"order/{n}", {"status": "open", "amount": n}) for n in numbers))
        await asyncio.gather(*(board.put(f"control/activations/a{n}", _activation(n)) for n in numbers))
    await board.put("label/none", 1)
    await board.put("large/1", {f"k{n}": [n, {"text": "x" * 20}] for n in range(20_000)})
    for n in range(OFTEN):
        await board.put("often/1", {"n": n})
    await board.put("control/agents/pay", _agent("pay", {"item": 'order/{n} where status == "paid" && amount > 5'}))
    await board.put("control/agents/join", _agent("join", {"item": "order/{n}", "label": "label/{m} where n == m"}))


def _activation(number: int) -> dict[str, Any]:
    case = f"order/{number // OF_A_CASE * OF_A_CASE}"
    decision = {
        "revision": 1, "eligible": 1, "rank": 1, "level": "normal", "rating": 0.0, "waited_ms": 5, "score": 0.0,
        "override": None, "runners_up": [],
    }  # fmt: skip
    return {
        "agent": "pay", "capability": "pay", "state": "executed", "case": case, "work_item": f"pay|{case}",
        "captures": {"n": str(number)}, "triggers": [["item", f"order/{number}", "1-1"]], "worker": "w", "attempt": 1,
        "eligible_ms": 1, "dispatched_ms": 2, "ended_ms": 3, "run_us": 100, "decision": decision, "wrote": [],
    }  # fmt: skip


def _agent(name: str, watches: dict[str, str]) -> dict[str, Any]:
    return {
        "name": name, "kind": "agent", "capabilities": [name], "status": "ready", "level": "normal",
        "watches": watches, "unless": [], "contributes": ["bill/{n}"], "respond_within_ms": None, "escalate": [],
        "authority": [], "over": [], "input_schema": {}, "output_schema": None, "description": "", "source": "",
    }  # fmt: skip
