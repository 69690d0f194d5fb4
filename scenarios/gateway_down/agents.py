"""An agent that pays returns back through a gateway which is down."""

from __future__ import annotations

from typing import Any

from knowledge_sources import Context, knowledge_source

A_CALL = 0.49
"""what the model costs that prepares each call, in dollars: 47 of them are the 23 of the story"""


class Unavailable(Exception):
    """What the gateway's client raises."""


@knowledge_source(watches={"item": "return/{rma}"}, unless="refund/{rma}", contributes="refund/{rma}")
async def refund(item: Any, ctx: Context) -> dict[str, Any]:
    """Pay the return back through the gateway of its settings, which answers as it did in the story."""
    ctx.usage("planner-large", input_tokens=2_400, output_tokens=120, cost=A_CALL)
    if ctx.config["down"]:
        raise Unavailable("temporarily unavailable")
    return {"rma": item["rma"], "amount_cents": item["amount_cents"]}
