"""An order is reserved, charged and shipped; each agent says how what it did is undone, and others do that."""

from __future__ import annotations

from typing import Any

from knowledge_sources import knowledge_source


@knowledge_source({"order": "order/{id}"}, contributes="reserved/{id}", compensates="release/{id}")
async def reserve(order: Any) -> dict[str, Any]:
    """Take it from the shelf."""
    return {"sku": order["sku"], "count": order["count"]}


def pay_back(value: Any) -> dict[str, Any]:
    """What undoes a charge: money can be sent back, not unsent."""
    return {"amount": value["amount"], "of": value["reference"]}


@knowledge_source(
    {"order": "order/{id}", "reserved": "reserved/{id}"},
    contributes="charged/{id}",
    compensates="payback/{id}",
    compensate=pay_back,
)
async def charge(order: Any, id: str) -> dict[str, Any]:  # noqa: A002  # the capture's name
    """Charge the card."""
    return {"amount": order["amount"], "reference": f"TX-{id}"}


@knowledge_source({"order": "order/{id}", "reserved": "reserved/{id}"}, contributes="charged/{id}", name="charge")
async def charge_for_good(order: Any, id: str) -> dict[str, Any]:  # noqa: A002
    """The same, by somebody who did not think of how it is undone."""
    return {"amount": order["amount"], "reference": f"TX-{id}"}


@knowledge_source({"charged": "charged/{id}"}, contributes="shipped/{id}", compensates="recall/{id}")
async def ship() -> dict[str, Any]:
    """Hand it to the courier."""
    return {"courier": "post", "outcome": "shipped"}


@knowledge_source({"recall": "recall/{id}"}, contributes="recalled/{id}")
async def courier() -> dict[str, Any]:
    """Turn the parcel round."""
    return {"outcome": "taken back"}


@knowledge_source({"payback": "payback/{id}"}, contributes="paid_back/{id}")
async def bank(payback: Any) -> dict[str, Any]:
    """Send the money back."""
    return {"amount": payback["amount"]}


@knowledge_source({"release": "release/{id}"}, contributes="shelved/{id}")
async def warehouse(release: Any) -> dict[str, Any]:
    """Put it back on the shelf; without a function of its own a compensation holds what was written."""
    (reserved,) = release["undoes"].values()
    return {"sku": reserved["sku"], "count": reserved["count"]}
