"""The shapes of this scenario's records; amounts are whole cents, days are dates of the shop's calendar."""

from __future__ import annotations

from datetime import date  # pydantic reads the annotations when a class is made
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, PlainSerializer

Cents = Annotated[int, Field(ge=0, le=100_000_00)]
Day = Annotated[date, PlainSerializer(date.isoformat)]
Sku = Annotated[str, Field(pattern=r"^[A-Z0-9\-]{1,20}$")]


def _empty_is_none(value: Any) -> Any:
    return None if value == "" else value


class Shape(BaseModel):
    """A record's value; fields that it does not name are left alone."""

    model_config = ConfigDict(frozen=True, extra="ignore")


class ReturnForm(Shape):
    """What a customer sent: ``return/{rma}`` once it has been read."""

    rma: Annotated[str, Field(pattern=r"^R-[0-9]{1,8}$")]
    order: Annotated[str, Field(pattern=r"^O-[0-9]{1,8}$")]
    sku: Sku
    amount_cents: Annotated[int, Field(gt=0, le=100_000_00)]
    wants: Literal["refund", "exchange"]
    condition: Literal["unopened", "opened", "damaged"]


class Order(Shape):
    """``order/{order}``: one article, as the shop sold it."""

    order: str
    customer: str
    email: str
    sku: Sku
    quantity: int
    paid_cents: Cents
    delivered: Day
    account: str
    refunded_on: Annotated[Day | None, BeforeValidator(_empty_is_none)] = None


class Article(Shape):
    """``article/{sku}``: an entry of the catalogue."""

    sku: Sku
    name: str
    price_cents: Cents


class Policy(Shape):
    """``policy/returns``: the day that counts as today, and how many days after delivery a return is taken."""

    today: Day
    window_days: int


class Purchase(Shape):
    """``purchase/{rma}``: the form agrees with the order; what the next steps need of both."""

    rma: str
    order: str
    customer: str
    email: str
    account: str
    sku: Sku
    article: str
    amount_cents: Cents
    paid_cents: Cents
    delivered: Day
    wants: Literal["refund", "exchange"]
    condition: Literal["unopened", "opened", "damaged"]


class Window(Shape):
    """``window/{rma}``: the return is in time, ``days_left`` before the window closes."""

    days_left: int


class Accepted(Purchase):
    """``accepted/{rma}``: the article may be sent back."""


class Rejection(Shape):
    """``rejected/{rma}``: it may not; ``reason`` completes the sentence "We cannot take it back: …"."""

    code: str
    reason: str


class RefundDue(Shape):
    """``refund_due/{rma}``: money is owed.  ``instead_of_exchange`` where the customer wanted another article."""

    rma: str
    account: str
    amount_cents: Cents
    paid_cents: Cents
    instead_of_exchange: bool = False


class Approval(Shape):
    """``approval/{rma}``: what a person answered to whether so much may be refunded."""

    answer: Literal["approve", "reject"]
    answered_by: str
    reason: str | None = None


class Refund(RefundDue):
    """``refund/{rma}``: queued for the bank; ``approved_by`` where a person had to be asked."""

    approved_by: str | None = None


class Payment(Shape):
    """``payment/{rma}``: the customer has the money, from the bank or as store credit."""

    rma: str
    method: Literal["bank", "store credit"]
    amount_cents: Cents
    paid_cents: Cents
    receipt: str


class Label(Shape):
    """``label/{rma}``: the number that carriers scan."""

    code: str


class Baton(Shape):
    """``baton/{sku}/{turn}``: whose turn it is to get one of ``available``; the first is the stock at opening."""

    sku: Sku
    available: int


class Ticket(Shape):
    """``ticket/{sku}/{turn}/{rma}``: a request's place in the queue for an article, from 1."""

    turn: int


class Exchange(Shape):
    """``exchange/{rma}``: what became of a request, and how many are ``left`` after it."""

    sku: Sku
    result: Literal["reserved", "none left", "not accepted"]
    left: Annotated[int, Field(ge=0)]


class Notice(Shape):
    """``notice/{rma}``: what the customer is told, once it is true."""

    to: str
    text: str


class Answer(Shape):
    """``answer/{rma}``: the end of a case, in one sentence for a person."""

    rma: str
    outcome: Literal["refunded", "store credit", "exchanged", "rejected"]
    sentence: str
    label: str | None = None
    amount_cents: Cents = 0
    code: str | None = None


def euros(cents: int) -> str:
    """``12345`` as ``123.45 EUR``."""
    return f"{cents // 100}.{cents % 100:02} EUR"
