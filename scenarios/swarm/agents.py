"""Agents that answer each other, without anybody who decides."""

from __future__ import annotations

from typing import Any

from knowledge_sources import Context, knowledge_source


@knowledge_source(
    watches={"deal": "deal/{deal} where opening > 0"}, unless="offer/{deal}", contributes="offer/{deal}", rating=1
)
async def broker(deal: Any) -> dict[str, Any]:
    """Open the talks."""
    return {"price": deal["opening"], "by": "buyer"}


@knowledge_source(watches={"offer": "offer/{deal} where price > 100"}, contributes="offer/{deal}")
async def buyer(ctx: Context) -> dict[str, Any]:
    """Never above 100."""
    ctx.usage("pretended", input_tokens=500, output_tokens=30, cost=0.01)
    return {"price": 100, "by": "buyer"}


@knowledge_source(watches={"offer": "offer/{deal} where price < 120"}, contributes="offer/{deal}")
async def seller(ctx: Context) -> dict[str, Any]:
    """Never below 120."""
    ctx.usage("pretended", input_tokens=500, output_tokens=30, cost=0.01)
    return {"price": 120, "by": "seller"}


def _answer(n: str, ctx: Context, to: str) -> dict[str, Any]:
    ctx.usage("pretended", input_tokens=800, output_tokens=60, cost=0.01)
    return {f"message/{ctx.captures['deal']}/{int(n) + 1}": {"text": f"after {n}: who chairs that?", "to": to}}


@knowledge_source(watches={"said": 'message/{deal}/{n} where to == "left"'}, contributes="message/{deal}/*")
async def left(n: str, ctx: Context) -> dict[str, Any]:
    """Answer with a question to the right."""
    return _answer(n, ctx, "right")


@knowledge_source(watches={"said": 'message/{deal}/{n} where to == "right"'}, contributes="message/{deal}/*")
async def right(n: str, ctx: Context) -> dict[str, Any]:
    """Answer with a question to the left."""
    return _answer(n, ctx, "left")
