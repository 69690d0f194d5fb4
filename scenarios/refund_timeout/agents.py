"""A refund agent that calls a bank, the supervisor that decides when the bank does not answer, and who tells the customer."""

from __future__ import annotations

import asyncio
from typing import Any

from knowledge_sources import Context, Decide, Extend, Overdue, knowledge_source, supervisor

PRICE_PER_CALL = 0.002
SLOW_S = 0.6
"""longer than a refund may take, shorter than with an extension"""


@knowledge_source(watches={"item": "return/{rma}"}, unless="refund/{rma}", contributes="refund/{rma}")
async def refund(item: Any, ctx: Context) -> dict[str, Any]:
    """Have the bank pay.  One bank takes its time, and one takes the call and never says a word."""
    ctx.usage("bank call", 0, 0, PRICE_PER_CALL)
    if item["bank"] == "silent":
        await asyncio.Event().wait()
    if item["bank"] == "slow":
        await asyncio.sleep(SLOW_S)
    return {"method": "bank", "amount_cents": item["amount_cents"]}


@supervisor(over="refund")
async def boss(overdue: Overdue, ctx: Context) -> Extend | Decide | None:
    """One extension; then the customer gets the same amount as store credit."""
    if overdue.times == 1:
        return Extend(str(ctx.config["extension"]), reason="the bank is slow; it gets one extension")
    item = await ctx.get(f"return/{overdue.captures['rma']}")
    if item is None:
        return None
    credit = {"method": "store credit", "amount_cents": item.value["amount_cents"]}
    return Decide(credit, reason="the bank did not answer in time: store credit")


@knowledge_source(watches={"paid": "refund/{rma}"}, contributes="notice/{rma}")
async def notify(paid: Any, rma: str) -> str:
    """Tell the customer, whoever it was that decided."""
    return f"Your return {rma}: {paid['amount_cents'] / 100:.2f} by {paid['method']}."
