"""Two agents that read the amount out of a letter: one copies what it sees, one looks at what was wrong with that."""

from __future__ import annotations

import re
from typing import Any

from pydantic import BaseModel

from knowledge_sources import Context, knowledge_source


class Claim(BaseModel):
    """What a letter asks for."""

    amount: float
    read_by: str


@knowledge_source(watches={"letter": "letter/{n}"}, unless="claim/{n}", contributes="claim/{n}")
async def fast(letter: Any, ctx: Context) -> Claim:
    """A small model: it gives the amount as the letter writes it, told or not what is wrong with that."""
    ctx.usage("small", input_tokens=300, output_tokens=12, cost=0.001)
    return {"amount": letter["asks"], "read_by": "fast"}  # type: ignore[return-value]  # checked by the runtime


@knowledge_source(watches={"letter": "letter/{n}"}, unless="claim/{n}", contributes="claim/{n}")
async def careful(letter: Any, ctx: Context) -> Claim:
    """A larger model, whose prompt holds what the others failed with: where that was the number, it reads it anew."""
    ctx.usage("large", input_tokens=900, output_tokens=40, cost=0.02)
    amount = letter["asks"]
    if any(one["failure"] == "invalid" and "amount" in one["error"] for one in ctx.earlier):
        digits = re.search(r"[0-9]+(?:[.,][0-9]+)?", amount)
        if digits is None:
            raise ValueError(f"there is no amount in {amount!r}")
        amount = digits[0].replace(",", ".")
    return Claim(amount=float(amount), read_by="careful")
