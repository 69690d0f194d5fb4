"""A help desk: one agent answers the mail that has come in over night."""

from __future__ import annotations

import asyncio
from typing import Any

from knowledge_sources import Context, knowledge_source


def first_come(mail: Any) -> float:
    """The lower its number, the sooner it is answered."""
    return -float(mail["number"])


@knowledge_source(
    watches={"mail": "mail/{customer}/{n}", "desk": "desk/open"},
    contributes="answer/{customer}/{n}",
    rating=first_come,
)
async def answer(mail: Any, customer: str, ctx: Context) -> dict[str, Any]:
    """Answer one mail; a pretended model that costs what it reads."""
    await asyncio.sleep(0.002)
    ctx.usage("pretended", input_tokens=len(mail["text"]), output_tokens=12, cost=0.0004)
    return {"to": customer, "text": f"about {mail['text']!r}: we look into it"}
