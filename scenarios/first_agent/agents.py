"""One agent: it answers the returns that it may decide, and asks a person about the others."""

from __future__ import annotations

from typing import Any

from knowledge_sources import Context, Escalate, knowledge_source


@knowledge_source(watches={"item": "return/{rma}"}, contributes="answer/{rma}")
def clerk(item: Any, ctx: Context) -> Any:
    """Approve what was delivered at most 30 days ago; what costs more than the limit is for a person."""
    if item["days"] > 30:
        return {"answer": "reject", "reason": f"{item['days']} days are too long"}
    if item["amount"] > ctx.config["limit"]:
        return Escalate(f"Refund {item['amount']:.2f} for the {item['article']}?", choices=["approve", "reject"])
    return {"answer": "approve", "reason": "in time"}
