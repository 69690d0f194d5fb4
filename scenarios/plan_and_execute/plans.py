"""What is to be done for a return, and what instead where its window has closed.  A model could say it as well."""

from __future__ import annotations

from typing import Any

FIRST = {
    "verify": {},
    "window": {"needs": ["verify"]},
    "label": {"needs": ["verify"]},
    "stock": {"needs": ["window", "label"]},
    "refund": {"needs": ["verify", "window", "stock"]},
}
REPAIR = {
    "verify": {},
    "window": {"needs": ["verify"]},
    "label": {"needs": ["verify"]},
    "warranty": {"needs": ["window", "label"]},
}


def planned(reason: str, ctx: Any) -> dict[str, Any]:
    """The steps for a return; ``reason`` is why another plan is asked for, or nothing."""
    ctx.usage("pretend-planner", input_tokens=400, output_tokens=120, cost=0.004)
    return REPAIR if reason else FIRST
