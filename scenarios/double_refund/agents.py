"""Two refund agents watch the same returns, and a gateway pays what they ask for."""

from __future__ import annotations

import asyncio
from typing import Any

from knowledge_sources import Context, knowledge_source


@knowledge_source(
    watches={"item": "return/{rma}"},
    unless="refund/{rma}",
    contributes=["refund/{rma}", "transfer/{rma}/*"],
    provides="refund",
)
async def refund_return(item: Any, ctx: Context) -> dict[str, Any]:
    """Refund the return and order the transfer, in one commit: both are there, or neither.

    The scenario runs it under two names.  Both see the return unrefunded and take the same time, so
    they race every time.
    """
    await asyncio.sleep(0.005)
    return {
        "refund/{rma}": {"amount_cents": item["amount_cents"], "by": ctx.agent},
        "transfer/{rma}/" + ctx.agent: {"amount_cents": item["amount_cents"], "account": item["account"]},
    }


@knowledge_source(watches={"transfer": "transfer/{rma}/{by}"}, contributes="payment/{rma}/{by}", provides="pay")
async def gateway(transfer: Any, rma: str, by: str) -> dict[str, Any]:
    """Pay whatever is ordered: a bank does not know that two orders mean one refund."""
    return {"amount_cents": transfer["amount_cents"], "account": transfer["account"], "reference": f"{rma} by {by}"}
