"""A model that is sure of itself, and who sends what it says."""

from __future__ import annotations

from typing import Any

from knowledge_sources import Context, Record, knowledge_source


@knowledge_source(watches={"question": "question/{rma}"}, contributes="reply/{rma}", cites=True)
async def answer(question: Record[Any], rma: str, ctx: Context) -> dict[str, Any]:
    """Answer, with the record that says so.  The context of the model lost the refund, so it makes one up."""
    ctx.usage("pretended-large", input_tokens=900, output_tokens=40, cost=0.01)
    found = await ctx.get("refund/{rma}")
    if found is None and any("there is no refund/" in attempt["error"] for attempt in ctx.earlier):
        return {"text": "Your refund has not been made yet. We are on it.", "source": question.reference}
    source = found.reference if found is not None else f"refund/{rma}@1-2"
    return {"text": "Your refund was processed yesterday.", "source": source}


@knowledge_source(watches={"reply": "reply/{rma}"}, contributes="sent/{rma}")
async def send(reply: Any) -> dict[str, Any]:
    """Send the reply to the customer; there is no taking it back."""
    return {"text": reply["text"]}
