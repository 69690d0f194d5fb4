"""A storm: failures, races, changing triggers, late agents and restarts at once; afterwards the log must be in order."""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from typing import TYPE_CHECKING, Any

import pytest

from blackboard.board import Board
from blackboard.control_records import ACTIVATIONS
from blackboard.log import entries_after
from controller.activation import FINAL, TRANSITIONS
from knowledge_sources import Context, Overdue, knowledge_source, supervisor
from knowledge_sources.orders import Decide
from tests.leading import activations, going_on, leading, quiescent, values

if TYPE_CHECKING:
    from collections.abc import Callable


ITEMS = 40
QUICK = {"attempts": 4, "backoff": "2ms", "cap": "10ms"}


def team(dice: random.Random) -> list[object]:
    async def trouble() -> None:
        await asyncio.sleep(dice.random() * 0.004)
        if dice.random() < 0.15:
            raise RuntimeError("bad luck")

    @knowledge_source(watches={"item": "item/{i}"}, contributes=["check/{i}", "count/all"], retry=QUICK)
    async def check(item: Any, ctx: Context) -> Any:
        await ctx.get("rate/today")
        await trouble()
        ctx.update("count/all", lambda n: (n or 0) + 1)
        return {"check/{i}": item}

    def pay(name: str) -> Any:
        @knowledge_source(
            watches={"check": "check/{i}", "item": "item/{i}"}, unless="paid/{i}", contributes="paid/{i}",
            name=name, provides="pay", retry=QUICK, max_running=5,
        )  # fmt: skip
        async def agent(check: Any) -> Any:
            await trouble()
            return {"by": name, "n": check["n"]}

        return agent

    @knowledge_source(
        watches={"paid": "paid/{i}"}, contributes="sent/{i}", respond_within="15ms", escalate=["boss"], retry=QUICK
    )
    async def send(paid: Any) -> Any:
        await asyncio.sleep(dice.choice([0, 0.001, 0.2]))
        return paid

    @supervisor(over="send", respond_within="30s", retry=QUICK)
    async def boss(overdue: Overdue) -> Any:
        await trouble()
        return Decide({"by": "boss"}, "too slow")

    return [check, pay("ann"), pay("bob"), send, boss]


async def weather(board: Board, dice: random.Random, over: Callable[[], bool]) -> None:
    """Another process's writer: it moves triggers and records that agents read, and shifts everybody's revisions."""
    while not over():
        what = dice.random()
        if what < 0.5:
            await board.put("rate/today", dice.random())
        elif what < 0.6:
            await board.put(f"item/{dice.randrange(ITEMS)}", {"n": dice.randrange(1000)})
        else:
            await board.put("noise/1", dice.random())
        await asyncio.sleep(dice.random() * 0.003)


@pytest.mark.parametrize("seed", [1, 2, 3])
async def test_after_a_storm_every_activation_has_one_legal_life_and_one_contribution(
    redis_url: str, board: Board, seed: int
) -> None:
    """Three controllers one after another, a foreign writer, and every agent failing now and then."""
    dice = random.Random(seed)
    for n in range(ITEMS):
        await board.create(f"item/{n}", {"n": n})
    calm = False
    async with await Board.open(redis_url, board.name) as foreign:
        storm = asyncio.create_task(weather(foreign, dice, lambda: calm))
        for _ in range(2):
            async with leading(board, *team(dice), max_running=8) as controller, going_on(controller):
                await asyncio.sleep(0.15)
        async with leading(board, *team(dice), max_running=8) as controller, going_on(controller) as end:
            await asyncio.sleep(0.15)
            calm = True
            await storm
            await end  # which may have been before the storm was over
            finished = await quiescent(controller)
    found = await activations(board)
    left = {one["state"] for one in found} - FINAL
    assert left <= {"escalated"}
    assert finished.status == ("awaiting" if left else "finished")
    assert await values(board, "control/attention/**") == {}
    paid = await values(board, "paid/*")
    troubled = {one["captures"]["i"] for one in found if one["state"] == "escalated"}
    assert {key.removeprefix("paid/") for key in paid} >= {str(n) for n in range(ITEMS)} - troubled
    await lives_are_legal(board)


async def lives_are_legal(board: Board) -> None:
    """From the log alone: legal transitions, at most one contribution each, in the commit that executes it."""
    state: dict[str, Any] = {}
    contributed: Counter[str] = Counter()
    writers: Counter[str] = Counter()
    async for entry in entries_after(board.store, 0):
        ended = set()
        for change in entry.changes:
            if change.key.startswith(ACTIVATIONS) and change.record is not None:
                activation, new = change.key.removeprefix(ACTIVATIONS), change.record.value["state"]
                before = state.get(activation, "pending")
                # An order runs what it decides: its path through the table is one commit.
                through = {after for step in TRANSITIONS[before] for after in (step, *TRANSITIONS[step])}
                assert new in through, f"{activation} went from {before} to {new}"
                state[activation] = new
                if new == "executed":
                    ended.add(activation)
        for change in entry.changes:
            if change.record is not None and change.record.activation and not change.key.startswith("control/"):
                assert change.record.activation in ended, f"{change.key} without the end of its activation"
                contributed[change.record.activation] += change.key != "count/all"
                writers[change.key] += 1
    assert set(contributed.values()) <= {1}
    executed = sum(1 for one in await activations(board, "check") if one["state"] == "executed")
    counted = await board.get("count/all")
    assert counted is not None
    assert counted.value == executed
    assert all(times == 1 for key, times in writers.items() if key.startswith("paid/"))
