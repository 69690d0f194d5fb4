"""Agents that take their time, as those with a model behind them do."""

from __future__ import annotations

import asyncio
from typing import Any

from knowledge_sources import Context, Extend, Overdue, Sure, knowledge_source, supervisor


@knowledge_source(
    watches="job/{customer}/{job}",
    unless="done/{customer}/{job}",
    contributes="done/{customer}/{job}",
    provides="work",
    logical=True,
)
async def work(job: Any, ctx: Context) -> Any:
    """Think for a while, say what it cost, and be sure."""
    await asyncio.sleep(ctx.config.get("seconds", 0))
    ctx.usage("large", 1_000, 200, 0.03)
    return Sure({"amount": job["amount"]}, confidence=0.9)


@knowledge_source(watches="done/{customer}/{job}", contributes="total/all")
async def sum_up(done: Any, ctx: Context) -> None:
    """Keep a sum that all add to."""
    ctx.update("total/all", lambda total: (total or 0) + done["amount"])


@supervisor(over="work")
def boss(overdue: Overdue) -> Any:
    """Give more time."""
    return Extend("30s", reason=f"{overdue.agent} thinks")
