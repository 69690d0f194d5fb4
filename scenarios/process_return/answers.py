"""What the customer is told: only when it is true, and in the end in one sentence."""

from __future__ import annotations

from knowledge_sources import knowledge_source

from .shapes import Accepted, Answer, Label, Notice, Payment, Refund, Rejection, euros


@knowledge_source(
    watches={
        "accepted": "accepted/{rma}",
        "label": "label/{rma}",
        "refund": "refund/{rma}",
        "payment": "payment/{rma}",
    },
    contributes="notice/{rma}",
    provides="notify",
)
def notify_refund(accepted: Accepted, label: Label, refund: Refund, payment: Payment) -> Notice:
    """Announce a refund when the label is there and the money has been paid, not when it was promised."""
    paid = describe_payment(refund, payment)
    return Notice(to=accepted.email, text=f"{paid} Please send the {accepted.article} back with label {label.code}.")


def describe_payment(refund: Refund, payment: Payment) -> str:
    """What was paid and how, as a sentence."""
    sold_out = "There is none left to exchange it for, so " if refund.instead_of_exchange else ""
    we = "we" if sold_out else "We"
    if payment.method == "store credit":
        return f"{sold_out}{we} gave you {euros(payment.amount_cents)} as store credit, as your bank did not answer."
    return f"{sold_out}{we} paid {euros(payment.amount_cents)} back to your account ({payment.receipt})."


@knowledge_source(
    watches={
        "accepted": "accepted/{rma}",
        "label": "label/{rma}",
        "exchange": 'exchange/{rma} where result == "reserved"',
    },
    contributes="notice/{rma}",
    provides="notify",
)
def notify_exchange(accepted: Accepted, label: Label) -> Notice:
    """Announce an exchange when the label is there and the other article is reserved."""
    text = f"Another {accepted.article} is reserved for you. Please send yours back with label {label.code}."
    return Notice(to=accepted.email, text=text)


@knowledge_source(
    watches={
        "notice": "notice/{rma}",
        "label": "label/{rma}",
        "payment": "payment/{rma}",
        "shelf": "shelf/{rma}",
    },
    contributes="answer/{rma}",
    provides="answer",
)
def answer_refund(notice: Notice, label: Label, payment: Payment) -> Answer:
    """Close a refund when its parts are there: told, labelled, paid, expected on the shelf."""
    return Answer(
        rma=payment.rma,
        outcome="store credit" if payment.method == "store credit" else "refunded",
        sentence=notice.text,
        label=label.code,
        amount_cents=payment.amount_cents,
    )


@knowledge_source(
    watches={
        "accepted": "accepted/{rma}",
        "notice": "notice/{rma}",
        "label": "label/{rma}",
        "exchange": 'exchange/{rma} where result == "reserved"',
        "shelf": "shelf/{rma}",
    },
    contributes="answer/{rma}",
    provides="answer",
)
def answer_exchange(accepted: Accepted, notice: Notice, label: Label) -> Answer:
    """Close an exchange when its parts are there."""
    return Answer(rma=accepted.rma, outcome="exchanged", sentence=notice.text, label=label.code)


@knowledge_source(watches={"rejected": "rejected/{rma}"}, contributes="answer/{rma}", provides="answer")
def answer_rejection(rejected: Rejection, rma: str) -> Answer:
    """Close a case that was refused, and say why."""
    sentence = f"We cannot take it back: {rejected.reason}."
    return Answer(rma=rma, outcome="rejected", sentence=sentence, code=rejected.code)
