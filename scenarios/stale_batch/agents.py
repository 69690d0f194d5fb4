"""A batch in which some read what another one of the batch writes."""

from __future__ import annotations

import asyncio
from typing import Any, Final

from knowledge_sources import Context, knowledge_source

QUOTES: Final = 4

_have_read: set[str] = set()
"""cases whose quote has read the rate: so that the race is the same on every machine"""


@knowledge_source(
    watches={"order": "order/{order}", "batch": "batch/{batch}"}, contributes="quote/{order}", provides="quote"
)
async def quote(order: Any, ctx: Context) -> dict[str, Any]:
    """Quote a price in euro at the rate of the board; thinks until the treasury has set a new one."""
    rate = await rate_of(ctx, guard=True)
    _have_read.add(ctx.case)
    looked = rate
    while rate["set"] == looked["set"] == "yesterday":
        await asyncio.sleep(0.001)
        looked = await rate_of(ctx, guard=False)  # how long it thinks; the quote does not rest on it
    return {"cents": order["dollars"] * rate["cents"], "rate_set": rate["set"]}


async def rate_of(ctx: Context, *, guard: bool) -> dict[str, Any]:
    """The rate as it stands."""
    record = await ctx.get("rate/eur", guard=guard)
    found: dict[str, Any] = record.value if record is not None else {"cents": 0, "set": "never"}
    return found


@knowledge_source(watches={"batch": "batch/{batch}"}, contributes="rate/eur")
async def treasury() -> dict[str, Any]:
    """Set the rate of today, when all the quotes of the batch have read that of yesterday."""
    while len(_have_read) < QUOTES:  # noqa: ASYNC110  # an event belongs to one loop, these agents to many runs
        await asyncio.sleep(0.001)
    _have_read.clear()
    return {"cents": 92, "set": "today"}
