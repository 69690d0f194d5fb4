"""Tickets are routed by a classifier that says how sure it is; an auditor, later, knows where each belonged."""

from __future__ import annotations

import re
from typing import Any

from knowledge_sources import Context, Sure, knowledge_source

WORDS = {
    "billing": {"invoice", "charge", "charged", "refund", "price", "card", "paid"},
    "delivery": {"parcel", "courier", "late", "address", "tracking", "arrived"},
    "product": {"broken", "manual", "battery", "screen", "setup", "works"},
    "fraud": {"stolen", "hacked", "unknown", "somebody", "password"},
}


@knowledge_source({"ticket": "ticket/{id}"}, contributes="routed/{id}", provides="triage")
async def triage(ticket: Any, ctx: Context) -> Sure:
    """A pretend model: each word of a team is a vote for it, and the share of the votes is the confidence."""
    words = re.findall(r"[a-z]+", ticket["text"].lower())
    votes = {team: sum(word in known for word in words) for team, known in WORDS.items()}
    best = max(votes, key=lambda team: (votes[team], team))
    total = sum(votes.values())
    ctx.usage("pretend-small", input_tokens=40 + len(words), output_tokens=4, cost=0.0002)
    others = ", ".join(f"{team} {number}" for team, number in votes.items() if number and team != best)
    reason = f"words of other teams: {others}" if others else "all words of one team" if total else "no word says whose"
    return Sure({"team": best}, votes[best] / total if total else 0.0, reason=reason)


@knowledge_source({"routed": "routed/{id}", "ticket": "ticket/{id}"}, contributes="audit/{id}")
async def audit(routed: Any, ticket: Any) -> dict[str, Any]:
    """Whether the ticket came to the team that it turned out to be for."""
    return {"outcome": "right team" if routed["team"] == ticket["belongs_to"] else "wrong team"}
