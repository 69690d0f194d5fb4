"""Money: queued, approved where it is much, paid by the bank; the supervisor decides when the bank is slow."""

from __future__ import annotations

from typing import Literal

from knowledge_sources import Context, Decide, Escalate, Extend, Overdue, knowledge_source, supervisor

from .bank import PRICE_PER_CALL, receipt, transfer
from .shapes import Approval, Payment, Refund, RefundDue, Rejection, euros


@knowledge_source(
    watches={"due": "refund_due/{rma}"}, contributes=["refund/{rma}", "approval/{rma}"], provides="queue_refund"
)
def queue_refund(due: RefundDue, ctx: Context) -> dict[str, Refund] | Escalate:
    """Queue what is due; above ``limit_cents`` a person is asked first."""
    if due.amount_cents > int(ctx.config["limit_cents"]):
        question = f"Refund {euros(due.amount_cents)} for {due.rma} to {due.account}?"
        return Escalate(question, choices=["approve", "reject"], answer_to="approval/{rma}")
    return {"refund/{rma}": Refund(**due.model_dump())}


@knowledge_source(
    watches={"due": "refund_due/{rma}", "approval": 'approval/{rma} where answer == "approve"'},
    contributes="refund/{rma}",
    provides="queue_refund",
)
def queue_approved(due: RefundDue, approval: Approval) -> Refund:
    """Go on where the person said yes."""
    return Refund(**due.model_dump(), approved_by=approval.answered_by)


@knowledge_source(
    watches={"approval": 'approval/{rma} where answer == "reject"'}, contributes="rejected/{rma}", provides="refuse"
)
def refuse(approval: Approval) -> Rejection:
    """Tell the customer where the person said no."""
    reason = approval.reason or "the refund was not approved"
    return Rejection(code="refused", reason=reason)


@knowledge_source(
    watches={"refund": "refund/{rma}"},
    unless="payment/{rma}",
    contributes="payment/{rma}",
    provides="pay",
    respond_within="800ms",
)
async def gateway(refund: Refund, ctx: Context) -> Payment:
    """Have the bank pay; each call has its price, also one that fails."""
    await ctx.progress(f"calling the bank for {refund.rma}")
    ctx.usage("bank call", 0, 0, PRICE_PER_CALL)
    number = await transfer(
        refund.account,
        refund.amount_cents,
        reference=refund.rma,
        call=ctx.attempt,
        punctual=ctx.config.get("slow") == "off",
    )
    return _payment(refund, "bank", number)


@supervisor(over="pay")
async def boss(overdue: Overdue, ctx: Context) -> Extend | Decide | None:
    """Give a slow bank one extension, then store credit; a bank that refused to pay is for a person."""
    if overdue.kind != "overdue":
        return None
    if overdue.times == 1:
        return Extend(str(ctx.config.get("extension", "700ms")), reason="the bank is slow; it gets one extension")
    queued = await ctx.get(f"refund/{overdue.captures['rma']}")
    if queued is None:
        return None
    credit = store_credit(Refund.model_validate(queued.value))
    return Decide(credit.model_dump(), reason="the bank did not answer in time: store credit")


def store_credit(refund: Refund) -> Payment:
    """The same amount, without the bank."""
    return _payment(refund, "store credit", receipt(refund.rma, "store credit", refund.amount_cents))


def _payment(refund: Refund, method: Literal["bank", "store credit"], number: str) -> Payment:
    return Payment(**refund.model_dump(include={"rma", "amount_cents", "paid_cents"}), method=method, receipt=number)
