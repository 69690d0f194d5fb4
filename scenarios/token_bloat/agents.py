"""Five agents, each with a page of findings for those who come after it; the models are pretended, their tokens are not."""

from __future__ import annotations

from typing import Any

from knowledge_sources import Context, knowledge_source
from knowledge_sources.tokens import tokens_in

PRICE_OF_A_TOKEN = 0.00001


def found(topic: str, case: str, sentences: int) -> str:
    """What a model with much to say says about a case."""
    filler = f"Looking at {topic} for {case}, we compared what the records say with what the customer says. "
    verdict = f"About {topic} the finding for {case} is: nothing speaks against the {topic}. "
    return verdict + filler * sentences


def told(ctx: Context, topic: str, *given: Any) -> Any:
    """Ask the model about ``topic`` with ``given`` as its prompt; report what that took."""
    prompt = sum(map(tokens_in, given))
    text = found(topic, ctx.case, ctx.config["sentences"])
    answered = tokens_in(text)
    ctx.usage("pretend-large", prompt, answered, (prompt + 3 * answered) * PRICE_OF_A_TOKEN)
    return {"text": text, "prompt_tokens": prompt}


@knowledge_source("claim/{id}", contributes="finding/{id}/policy")
def policy(claim: Any, ctx: Context) -> Any:
    """Look at the policy."""
    return told(ctx, "policy", claim)


@knowledge_source({"claim": "claim/{id}", "policy": "finding/{id}/policy"}, contributes="finding/{id}/damage")
def damage(claim: Any, policy: Any, ctx: Context) -> Any:
    """Look at the damage."""
    return told(ctx, "damage", claim, policy)


@knowledge_source(
    {"claim": "claim/{id}", "policy": "finding/{id}/policy", "damage": "finding/{id}/damage"},
    contributes="finding/{id}/history",
)
def history(claim: Any, policy: Any, damage: Any, ctx: Context) -> Any:
    """Look at earlier claims."""
    return told(ctx, "history", claim, policy, damage)


@knowledge_source(
    {
        "claim": "claim/{id}", "policy": "finding/{id}/policy", "damage": "finding/{id}/damage",
        "history": "finding/{id}/history",
    },
    contributes="finding/{id}/fraud",
)  # fmt: skip
def fraud(claim: Any, policy: Any, damage: Any, history: Any, ctx: Context) -> Any:
    """Look for fraud."""
    return told(ctx, "fraud", claim, policy, damage, history)


@knowledge_source(
    {
        "claim": "claim/{id}", "policy": "finding/{id}/policy", "damage": "finding/{id}/damage",
        "history": "finding/{id}/history", "fraud": "finding/{id}/fraud",
    },
    contributes="decision/{id}",
)  # fmt: skip
def decide(*, claim: Any, policy: Any, damage: Any, history: Any, fraud: Any, ctx: Context) -> Any:
    """Decide on all that was found."""
    said = told(ctx, "decision", claim, policy, damage, history, fraud)
    digested = [one["of"] for one in (policy, damage, history, fraud) if "of" in one]
    return {"prompt_tokens": said["prompt_tokens"], "paid": claim["amount"], "from_digests_of": digested}
