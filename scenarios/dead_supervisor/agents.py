"""A worker that goes on, one that gets stuck, a dead supervisor, and the deputy who takes over."""

from __future__ import annotations

import asyncio
from typing import Any

from knowledge_sources import Context, Decide, Overdue, knowledge_source, supervisor

MOST = 1000
"""what a deputy may decide; more is for a person"""


@knowledge_source(watches={"letter": 'work/{id} where kind == "letter"'}, contributes="reply/{id}")
async def clerk(letter: Any) -> str:
    """Answer a letter."""
    await asyncio.sleep(0.005)
    return f"Thank you for asking: {letter['text']}"


@knowledge_source(watches={"claim": 'work/{id} where kind == "claim"'}, contributes="appraisal/{id}")
async def appraiser(claim: Any, ctx: Context) -> Any:
    """Wait for an expert who never calls back."""
    await ctx.progress(f"an expert is to look at a claim of {claim['worth']}")
    await asyncio.Event().wait()


@supervisor(over="appraiser")
async def boss(overdue: Overdue, ctx: Context) -> Decide | None:
    """Dead: it raises about one claim, and says nothing about the others."""
    claim = await ctx.get(overdue.case)
    if claim is not None and claim.value["boss"] == "raises":
        raise RuntimeError("the model of the boss is not there")
    await asyncio.Event().wait()
    return None


@supervisor(over="appraiser")
async def deputy(overdue: Overdue, ctx: Context) -> Decide | None:
    """Decide what is small, and leave the rest to a person."""
    claim = await ctx.get(overdue.case)
    if claim is None or claim.value["worth"] > MOST:
        return None
    return Decide({"by": ctx.agent, "worth": claim.value["worth"]}, reason="small enough to take the customer's word")
