"""A small run with everything that wants explaining: an override, a failed call, a rival, an open and a failed question."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from blackboard.control_records import RUN
from controller.controller import Controller
from knowledge_sources import Context, Escalate, Overdue, knowledge_source, supervisor  # bound by annotation
from knowledge_sources.orders import Decide
from knowledge_sources.source import source_of

if TYPE_CHECKING:
    from blackboard.board import Board
    from controller.controller import RunEnd

RETURNS = {
    "R-1": {"amount": 20, "how": "flaky"},
    "R-2": {"amount": 30, "how": "slow"},
    "R-3": {"amount": 900, "how": "dear"},
    "R-4": {"amount": 5, "how": "broken"},
    "R-5": {"amount": 6, "how": "broken"},
}


@knowledge_source(watches={"item": "return/{rma}"}, contributes="check/{rma}", level="high")
async def check(item: Any, ctx: Context) -> Any:
    ctx.log(f"checking {item['amount']}\x1b[2J")
    return dict(item)


@knowledge_source(
    watches={"item": "check/{rma}"}, unless="refund/{rma}", contributes="refund/{rma}", provides="refund",
    respond_within="200ms", escalate=["boss", "human"], retry={"attempts": 2, "backoff": "1ms"},
)  # fmt: skip
async def refund(item: Any, ctx: Context) -> Any:
    ctx.usage("small", 100, 20, 0.01)
    if item["how"] == "dear":
        return Escalate(f"Refund {item['amount']}?", choices=["approve", "reject"])
    if item["how"] == "broken" or (item["how"] == "flaky" and ctx.attempt == 1):
        raise RuntimeError("the gateway is down")
    if item["how"] == "slow":
        await asyncio.sleep(30)
    return {"amount": item["amount"]}


@knowledge_source(
    watches={"item": "check/{rma} where how == 'slow'"}, unless="refund/{rma}", contributes="refund/{rma}",
    provides="refund", level="low",
)  # fmt: skip
async def refund_late(item: Any, ctx: Context) -> Any:
    while await ctx.get(f"refund/{ctx.captures['rma']}", guard=False) is None:  # noqa: ASYNC110  # a context has no event to wait for
        await asyncio.sleep(0.005)
    return {"amount": -1}


@supervisor(over="refund", authority=["decide"])
def boss(overdue: Overdue) -> Decide | None:
    silent = overdue.case == "return/R-5"
    return None if silent else Decide({"amount": 0, "credit": True}, reason="store credit")


async def work(board: Board) -> RunEnd:
    """Feed the returns and let the agents work until only people are awaited."""
    controller = await Controller.start(board, [s for a in (check, refund, refund_late, boss) if (s := source_of(a))])
    try:
        for rma, value in RETURNS.items():
            if await board.get(f"return/{rma}") is None:
                await board.create(f"return/{rma}", value)
        await board.put(RUN, {"scenario": "returns", "status": "awaiting", "started_ms": 1, "settings": {}})
        return await controller.run_until_quiescent()
    finally:
        await controller.close()
