"""Two pairs of agents with opposite aims, each of which undoes what the other has done, and a lead."""

from __future__ import annotations

from knowledge_sources import Context, Decide, Overdue, knowledge_source, supervisor


def _said(ctx: Context, state: str) -> dict[str, str]:
    ctx.usage("pretended", input_tokens=900, output_tokens=40, cost=0.02)
    return {"state": state, "by": ctx.agent}


@knowledge_source(watches={"hold": 'hold/{ticket} where state != "held"'}, contributes="hold/{ticket}")
async def compliance(ctx: Context) -> dict[str, str]:
    """A name on the list means a hold."""
    return _said(ctx, "held")


@knowledge_source(
    watches={"request": 'ticket/{ticket} where about == "hold"', "hold": 'hold/{ticket} where state == "held"'},
    contributes="hold/{ticket}",
)
async def support(ctx: Context) -> dict[str, str]:
    """A customer who waits is to be helped."""
    return _said(ctx, "released")


@knowledge_source(watches={"invoice": 'invoice/{ticket} where state != "due"'}, contributes="invoice/{ticket}")
async def billing(ctx: Context) -> dict[str, str]:
    """What was delivered is due."""
    return _said(ctx, "due")


@knowledge_source(watches={"invoice": 'invoice/{ticket} where state == "due"'}, contributes="invoice/{ticket}")
async def refund(ctx: Context) -> dict[str, str]:
    """What was complained about is paid back."""
    return _said(ctx, "waived")


@supervisor(authority=["decide"])
async def lead(overdue: Overdue, ctx: Context) -> Decide | None:
    """Compliance has the last word on holds; on invoices the lead has no rule, and leaves it to a person."""
    if overdue.agent not in ("support", "compliance"):
        return None
    reason = f"{ctx.config['final_word']} has the last word on holds"
    return Decide({"state": "held", "by": ctx.agent}, reason=reason)
