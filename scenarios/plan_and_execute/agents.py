"""Agents with one capability each: they wait for steps that ask for it, and know neither plan nor each other."""

from __future__ import annotations

from typing import Any

from knowledge_sources import Context, Escalate, knowledge_source


def wanted(capability: str) -> dict[str, str]:
    """The steps that are ready for ``capability``, and the return that they are about."""
    return {
        "task": f'plan/{{rma}}/{{step}} where status == "ready" && capability == "{capability}"',
        "item": "return/{rma}",
    }


@knowledge_source(wanted("verify"), contributes="result/{rma}/{step}")
def verify(item: Any) -> Any:
    """See that the purchase was made."""
    return {"bought": item["order"].startswith("O-"), "amount": item["amount"]}


@knowledge_source(wanted("window"), contributes=["result/{rma}/{step}", "replan/{rma}"])
def window(item: Any, ctx: Context) -> Any:
    """See whether it comes back in time; where not, ask for another plan."""
    in_time = item["days"] <= ctx.config["days"]
    if not in_time:
        ctx.post("replan/{rma}", {"reason": f"{item['days']} days are past the window of {ctx.config['days']}"})
    return {"result/{rma}/{step}": {"in_time": in_time}}


@knowledge_source(wanted("label"), contributes="result/{rma}/{step}")
def label(rma: str) -> Any:
    """Make a label for the parcel."""
    return {"parcel": f"L-{rma}"}


@knowledge_source(wanted("stock"), contributes="result/{rma}/{step}")
def stock(item: Any) -> Any:
    """Count the article in."""
    return {"counted": item["article"]}


@knowledge_source(wanted("refund"), contributes="result/{rma}/{step}")
async def refund(task: Any, ctx: Context) -> Any:
    """Pay what was verified; what costs more than the limit is for a person."""
    amount = (await ctx.fetch(task["given"]["verify"])).value["amount"]
    if amount > ctx.config["limit"]:
        return Escalate(f"Refund {amount:.2f}?", choices=["approve", "reject"])
    return {"amount": amount, "receipt": ctx.idempotency_key[:8]}


@knowledge_source(wanted("warranty"), contributes="result/{rma}/{step}")
def warranty(item: Any) -> Any:
    """Have it repaired instead."""
    year, _, day = item["bought"].partition("-")
    return {"until": f"{int(year) + 2}-{day}"}
