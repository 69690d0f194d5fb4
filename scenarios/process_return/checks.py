"""May it come back?  The purchase, then the window, then the article; the first objection ends the case."""

from __future__ import annotations

from typing import Any

from pydantic import ValidationError

from knowledge_sources import Context, Record, knowledge_source

from .shapes import Accepted, Article, Order, Policy, Purchase, RefundDue, Rejection, ReturnForm, Shape, Window, euros


@knowledge_source(
    watches={"form": "return/{rma}"}, contributes=["purchase/{rma}", "rejected/{rma}"], provides="verify_purchase"
)
async def verify_purchase(form: Record[Any], ctx: Context) -> dict[str, Shape]:
    """Compare the form with the order that it names.

    Of two forms for one order the one that was fed first counts.  Forms are fed in the order of the
    file and an agent sees at least everything up to its own trigger, so the second always sees the first.
    """
    asked = read_form(form.value)
    if isinstance(asked, Rejection):
        return {"rejected/{rma}": asked}
    order = await ctx.get(f"order/{asked.order}")
    article = await ctx.get(f"article/{asked.sku}")
    same_order = await ctx.find(f'return/* where order == "{asked.order}"')
    earlier = sorted((other.revision, other.value["rma"]) for other in same_order if other.revision < form.revision)
    judged = judge_purchase(
        asked,
        Order.model_validate(order.value) if order else None,
        Article.model_validate(article.value) if article else None,
        earlier[0][1] if earlier else None,
    )
    return {"rejected/{rma}" if isinstance(judged, Rejection) else "purchase/{rma}": judged}


def read_form(value: object) -> ReturnForm | Rejection:
    """The form, or which fields are missing or unreadable."""
    try:
        return ReturnForm.model_validate(value)
    except ValidationError as error:
        fields = {
            ".".join(str(part) for part in problem["loc"]) or "form": problem["type"] for problem in error.errors()
        }
        missing = [field for field, kind in fields.items() if kind == "missing"]
        if missing:
            return Rejection(code="missing_field", reason=f"the form does not say the {', '.join(missing)}")
        return Rejection(code="unreadable_field", reason=f"the form has an unreadable {', '.join(fields)}")


def judge_purchase(
    form: ReturnForm, order: Order | None, article: Article | None, earlier: str | None
) -> Purchase | Rejection:
    """The purchase behind ``form``, or the objection; ``earlier`` is the number of an earlier form for the order."""
    if order is None:
        return Rejection(code="unknown_order", reason=f"there is no order {form.order}")
    if earlier is not None:
        return Rejection(code="second_form", reason=f"order {order.order} is already being returned as {earlier}")
    if order.refunded_on is not None:
        return Rejection(
            code="already_refunded", reason=f"order {order.order} was refunded on {order.refunded_on.isoformat()}"
        )
    if form.sku != order.sku or article is None:
        return Rejection(code="wrong_article", reason=f"order {order.order} has no article {form.sku}")
    if form.amount_cents > order.paid_cents:
        paid, asked = euros(order.paid_cents), euros(form.amount_cents)
        return Rejection(code="amount_mismatch", reason=f"{asked} was asked for, but only {paid} was paid")
    return Purchase(
        **order.model_dump(include={"order", "customer", "email", "account", "sku", "paid_cents", "delivered"}),
        **form.model_dump(include={"rma", "amount_cents", "wants", "condition"}),
        article=article.name,
    )


@knowledge_source(
    watches={"purchase": "purchase/{rma}", "policy": "policy/returns"},
    unless="window/{rma}",
    contributes=["window/{rma}", "rejected/{rma}"],
    provides="check_window",
)
def check_window(purchase: Purchase, policy: Policy) -> dict[str, Shape]:
    """Count the days since the delivery against the policy."""
    judged = judge_window(purchase, policy)
    return {"rejected/{rma}" if isinstance(judged, Rejection) else "window/{rma}": judged}


def judge_window(purchase: Purchase, policy: Policy) -> Window | Rejection:
    """The last day counts: delivered ``window_days`` ago is in time."""
    days = (policy.today - purchase.delivered).days
    if days > policy.window_days:
        reason = f"it was delivered {days} days ago, and {policy.window_days} days are allowed"
        return Rejection(code="outside_window", reason=reason)
    return Window(days_left=policy.window_days - days)


@knowledge_source(
    watches={"purchase": "purchase/{rma}", "window": "window/{rma}"},
    contributes=["accepted/{rma}", "refund_due/{rma}", "rejected/{rma}"],
    provides="inspect",
)
def inspect(purchase: Purchase) -> dict[str, Shape]:
    """Accept what is in time and not damaged; where the customer wants money, it is due from here on."""
    if purchase.condition == "damaged":
        return {"rejected/{rma}": Rejection(code="damaged", reason="the article is damaged")}
    facts = purchase.model_dump()
    found: dict[str, Shape] = {"accepted/{rma}": Accepted.model_validate(facts)}
    if purchase.wants == "refund":
        found["refund_due/{rma}"] = RefundDue.model_validate(facts)
    return found
