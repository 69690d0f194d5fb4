"""Fraud detection, customer verification, the journal, notifications and the cashier, on one board."""

from __future__ import annotations

from typing import Any

from knowledge_sources import Context, knowledge_source

UNUSUAL_CENTS = 100_000


@knowledge_source(
    watches={"transaction": "transaction/{customer}/{tx}"},
    contributes=["flag/{customer}/{tx}", "looked/{customer}/{tx}"],
    logical=True,
)
async def detect(transaction: Any, ctx: Context) -> dict[str, Any]:
    """Look at each transaction, and flag it if it is unusual and nobody knows that the customer is clean.

    What it says rests on what it read: with ``logical`` it is taken back when that changes, and the agent looks again.
    """
    ctx.usage("pretended-large", input_tokens=1_200, output_tokens=60, cost=0.02)
    looked = {"looked/{customer}/{tx}": {"cents": transaction["cents"]}}
    if transaction["cents"] <= UNUSUAL_CENTS or await ctx.get("identity/{customer}") is not None:
        return looked
    return {**looked, "flag/{customer}/{tx}": {"why": f"{transaction['cents'] / 100:,.2f} is unusual"}}


@knowledge_source(
    watches={"flag": "flag/{customer}/{tx}", "document": "document/{customer}"},
    contributes=["identity/{customer}", "doubt/{customer}"],
)
async def verify(document: Any) -> dict[str, Any]:
    """Verify from the papers who it is; what that means for a flag is not its business."""
    clean = document["passport"] == "valid"
    return {"identity/{customer}" if clean else "doubt/{customer}": {"passport": document["passport"]}}


@knowledge_source(watches={"flag": "flag/{customer}/{tx}"}, contributes="investigation/{customer}/{tx}", logical=True)
async def journal(flag: Any) -> dict[str, Any]:
    """Note that an investigation is in progress, which is so only while there is a flag."""
    return {"note": f"fraud investigation in progress: {flag['why']}"}


@knowledge_source(
    watches={"flag": "flag/{customer}/{tx}"},
    unless="message/{customer}/{tx}/alert",
    contributes="message/{customer}/{tx}/alert",
)
async def alert(customer: str) -> dict[str, Any]:
    """Tell the customer; what was sent cannot be taken back, so this is a plain record."""
    return {"to": customer, "text": "We have seen suspicious activity on your account."}


@knowledge_source(
    watches={"looked": "looked/{customer}/{tx}"},
    unless=["flag/{customer}/{tx}", "payment/{customer}/{tx}"],
    contributes="payment/{customer}/{tx}",
)
async def pay(looked: Any) -> dict[str, Any]:
    """Pay what was looked at and is not flagged."""
    return {"cents": looked["cents"]}


@knowledge_source(
    watches={"alert": "message/{customer}/{tx}/alert", "identity": "identity/{customer}"},
    unless="message/{customer}/{tx}/cleared",
    contributes="message/{customer}/{tx}/cleared",
)
async def reassure(customer: str) -> dict[str, Any]:
    """Say so when all is well."""
    return {"to": customer, "text": "All is well: we know that it was you."}
