"""A clerk tells customers that their refund is processing; the gateway takes every order, and loses some."""

from __future__ import annotations

from typing import Any

from knowledge_sources import Context, knowledge_source


@knowledge_source(
    {"item": "return/{rma}"},
    unless="message/{rma}",
    contributes=["message/{rma}", "order/{rma}"],
    confirm_within="2s",
    confirmed_by="receipt/{rma}",
    unconfirmed="refund_failed/{rma}",
)
async def clerk(item: Any, ctx: Context) -> dict[str, Any]:
    """Order the transfer, and tell the customer what one would like to be true."""
    ctx.usage("pretend-small", input_tokens=60, output_tokens=12, cost=0.0003)
    return {
        "order/{rma}": {"amount": item["amount"], "account": item["account"]},
        "message/{rma}": {"text": "Your refund is processing.", "outcome": "told: processing"},
    }


@knowledge_source({"order": "order/{rma}"}, contributes="receipt/{rma}", config={"lost": []})
async def gateway(order: Any, ctx: Context) -> dict[str, Any] | None:
    """Transfer the money; what it loses it does not know of."""
    if order["account"] in ctx.config["lost"]:
        return None
    return {"amount": order["amount"], "reference": f"TX-{ctx.captures['rma']}"}


@knowledge_source({"failed": "refund_failed/{rma}", "said": "message/{rma}"}, contributes="correction/{rma}")
async def correct(failed: Any, said: Any) -> dict[str, Any]:
    """Tell the customer the truth instead."""
    return {
        "text": "We told you that your refund is processing. It has not been sent; a colleague sees to it.",
        "instead_of": said["text"],
        "because": failed["reason"],
        "outcome": "told: not sent",
    }
