"""Three agents, each of which wants to hear another one first."""

from __future__ import annotations

from typing import Any

from knowledge_sources import knowledge_source


@knowledge_source(
    watches={"order": "order/{order}", "approval": "approval/{order}"},
    unless="price/{order}",
    contributes="price/{order}",
)
async def pricing(order: Any, approval: Any) -> dict[str, Any]:
    """A price is worked out for what is approved, or, where that is not known yet, for what was ordered."""
    return {"cents": 990 * order["amount"], "firm": approval.get("granted", False)}


@knowledge_source(
    watches={"order": "order/{order}", "price": "price/{order}"}, unless="stock/{order}", contributes="stock/{order}"
)
async def stock(order: Any, price: Any) -> dict[str, Any]:
    """Reserve once it is known what it brings in."""
    return {"reserved": order["amount"], "worth_cents": price["cents"]}


@knowledge_source(
    watches={"order": "order/{order}", "stock": "stock/{order} where reserved > 0"}, contributes="approval/{order}"
)
async def approval(stock: Any) -> dict[str, Any]:
    """Approve what is reserved."""
    return {"granted": True, "worth_cents": stock["worth_cents"]}
