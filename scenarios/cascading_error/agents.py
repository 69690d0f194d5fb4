"""From a letter to a contract in four steps, and a validator behind the first."""

from __future__ import annotations

from typing import Any

from knowledge_sources import Context, Pass, Reject, knowledge_source


@knowledge_source(watches={"letter": "letter/{id}"}, contributes="order/{id}")
async def read(letter: Any, ctx: Context) -> dict[str, Any]:
    """Read the total.  The model takes the German thousands separator for a decimal point until it is told."""
    ctx.usage("pretended-small", input_tokens=700, output_tokens=30, cost=0.002)
    text = letter["total"]
    read_as = text.replace(".", "").replace(",", ".") if ctx.earlier else text.partition(",")[0]
    return {"items": letter["items"], "cents": round(float(read_as) * 100)}


@knowledge_source(validates="order/{id}")
async def adds_up(order: Any) -> Pass | Reject:
    """Whether the total is the sum of the items: no model, and a thousandth of its price."""
    total = sum(order["items"])
    if total != order["cents"]:
        return Reject(f"the items add up to {total} cents, and the total says {order['cents']}", score=0.0)
    return Pass(score=1.0)


@knowledge_source(watches={"order": "order/{id}"}, contributes="quote/{id}")
async def quote(order: Any) -> dict[str, Any]:
    """Take the total as given, with two percent for prompt payment."""
    return {"cents": order["cents"] * 98 // 100}


@knowledge_source(watches={"quote": "quote/{id}"}, contributes="offer/{id}")
async def offer(quote: Any) -> dict[str, Any]:
    """Round down to the nearest ten, as the shop does."""
    return {"cents": quote["cents"] // 1000 * 1000}


@knowledge_source(watches={"offer": "offer/{id}"}, contributes="contract/{id}")
async def contract(offer: Any) -> dict[str, Any]:
    """Bind the shop to it."""
    return {"cents": offer["cents"], "binding": True}
