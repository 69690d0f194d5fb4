"""What comes back to the shelves, and who gets the few articles that may be given in exchange.

Exchanges are served in the order in which the forms were fed, whoever of the agents runs first: a request
takes a ticket, numbered by the requests for the same article before it, and waits for the baton with its number.
Whoever holds the baton decides from the count on it, and the next baton is written with what is left.
"""

from __future__ import annotations

from typing import Any

from pydantic import TypeAdapter, ValidationError

from knowledge_sources import Context, Record, knowledge_source

from .shapes import Accepted, Baton, Exchange, RefundDue, Shape, Sku, Ticket


@knowledge_source(
    watches={"accepted": "accepted/{rma}"}, contributes=["shelf/{rma}", "stock/*"], provides="count_return"
)
def count_return(accepted: Accepted, ctx: Context) -> dict[str, dict[str, str]]:
    """Expect the article on the shelf for returns; the count is a hot record, so returns do not wait for each other."""
    ctx.update(f"stock/{accepted.sku}", expect_return)
    return {"shelf/{rma}": {"shelf": f"returns-{accepted.sku}"}}


def expect_return(stock: Any) -> Any:
    """One more is on its way back."""
    return stock | {"returned": stock["returned"] + 1}


def reserve(stock: Any) -> Any:
    """One less is available, one more is kept for a customer."""
    return stock | {"available": stock["available"] - 1, "reserved": stock["reserved"] + 1}


@knowledge_source(
    watches={"form": 'return/{rma} where wants == "exchange"'},
    contributes="ticket/*/*/{rma}",
    provides="queue_exchange",
)
async def take_ticket(form: Record[Any], rma: str, ctx: Context) -> dict[str, Ticket] | None:
    """Number the request by the requests for the same article that were fed before it."""
    try:
        sku = TypeAdapter(Sku).validate_python(form.value.get("sku"))
    except ValidationError:
        return None  # verify_purchase says so to the customer
    same = await ctx.find(f'return/* where wants == "exchange" && sku == "{sku}"')
    turn = 1 + sum(other.revision < form.revision for other in same)
    return {f"ticket/{sku}/{turn}/{rma}": Ticket(turn=turn)}


@knowledge_source(
    watches={"ticket": "ticket/{sku}/{turn}/{rma}", "baton": "baton/{sku}/{turn}", "accepted": "accepted/{rma}"},
    contributes=["exchange/{rma}", "refund_due/{rma}", "stock/{sku}"],
    provides="exchange",
)
def exchange(baton: Baton, accepted: Accepted, ctx: Context) -> dict[str, Shape]:
    """Reserve one for the customer, or owe the money when none is left."""
    if baton.available:
        ctx.update("stock/{sku}", reserve)
    return decide_exchange(accepted, baton)


def decide_exchange(accepted: Accepted, baton: Baton) -> dict[str, Shape]:
    """The decision of whoever holds ``baton``, and the debt where there is one."""
    if baton.available:
        return {"exchange/{rma}": Exchange(sku=baton.sku, result="reserved", left=baton.available - 1)}
    return {
        "exchange/{rma}": Exchange(sku=baton.sku, result="none left", left=0),
        "refund_due/{rma}": RefundDue(**accepted.model_dump(), instead_of_exchange=True),
    }


@knowledge_source(
    watches={"ticket": "ticket/{sku}/{turn}/{rma}", "baton": "baton/{sku}/{turn}", "rejected": "rejected/{rma}"},
    unless="exchange/{rma}",
    contributes="exchange/{rma}",
    provides="exchange",
)
def skip_exchange(baton: Baton) -> Exchange:
    """A rejected request takes nothing; the next one must not wait for it."""
    return Exchange(sku=baton.sku, result="not accepted", left=baton.available)


@knowledge_source(
    watches={"ticket": "ticket/{sku}/{turn}/{rma}", "exchange": "exchange/{rma}"},
    contributes="baton/{sku}/*",
    provides="hand_on",
)
def hand_on(ticket: Ticket, exchange: Exchange) -> dict[str, Baton]:
    """The baton for the next in the queue, with what is left."""
    return {f"baton/{exchange.sku}/{ticket.turn + 1}": Baton(sku=exchange.sku, available=exchange.left)}
