"""A researcher who has said all that it knows, and an analyst who always wants more."""

from __future__ import annotations

from typing import Any

from knowledge_sources import Context, knowledge_source

FINDINGS = ("12 million a year", "growing by 8 %", "two large makers")


@knowledge_source(watches={"ask": "ask/{id}"}, contributes="findings/{id}")
async def researcher(ask: Any, ctx: Context) -> dict[str, str]:
    """Look it up; a model would be asked here."""
    ctx.usage("pretended-large", input_tokens=30_000, output_tokens=2_000, cost=1.50)
    return {"finding": FINDINGS[ask["round"] % len(FINDINGS)]}


@knowledge_source(watches={"findings": "findings/{id}"}, contributes="ask/{id}")
async def analyst(ctx: Context) -> dict[str, Any]:
    """Ask for more depth, again."""
    ctx.usage("pretended-small", input_tokens=8_000, output_tokens=300, cost=0.50)
    asked = await ctx.get("ask/{id}")
    return {"round": asked.value["round"] + 1 if asked is not None else 0, "want": "more depth"}
