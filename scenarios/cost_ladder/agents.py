"""Three agents that find out what a message wants, the cheapest first.  The models are pretended: canned answers."""

from __future__ import annotations

import re
from typing import Any

from knowledge_sources import Context, Sure, knowledge_source

PLAINLY = re.compile(r"\b(refund|exchange|track)\b", re.IGNORECASE)
SMALL_KNOWS = {"money back": "refund", "another size": "exchange", "where is": "track", "swap": "exchange"}
LARGE_KNOWS = {"ashamed": "refund", "birthday": "track"}

OPTIONS: Any = {"watches": {"message": "message/{m}"}, "unless": "intent/{m}", "contributes": "intent/{m}"}


@knowledge_source(**OPTIONS)
async def words(message: Any) -> dict[str, str] | None:
    """Where the message says it in so many words, no model is needed."""
    found = PLAINLY.search(message["text"])
    return {"intent": found[1].lower(), "by": "words"} if found else None


@knowledge_source(**OPTIONS, threshold=0.8)
async def small(message: Any, ctx: Context) -> Sure:
    """A small model, which says how sure it is: under its threshold the next has its turn, and is told."""
    ctx.usage("small", input_tokens=220, output_tokens=6, cost=0.002)
    known = _answer(message["text"], SMALL_KNOWS, "small")
    return Sure(known, 0.95) if known else Sure({"intent": "refund", "by": "small"}, 0.4, reason="a guess")


@knowledge_source(**OPTIONS)
async def large(message: Any, ctx: Context) -> dict[str, str] | None:
    """A large model, half a dollar to read what most customers say plainly."""
    ctx.usage("large", input_tokens=6_000, output_tokens=300, cost=0.50)
    text = message["text"]
    plainly = PLAINLY.search(text)
    if plainly:
        return {"intent": plainly[1].lower(), "by": "large"}
    return _answer(text, {**SMALL_KNOWS, **LARGE_KNOWS}, "large")


def _answer(text: str, known: dict[str, str], by: str) -> dict[str, str] | None:
    return next(({"intent": intent, "by": by} for words, intent in known.items() if words in text), None)
