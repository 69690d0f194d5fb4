"""Three checkers that work side by side, and two agents that make one decision of what they say."""

from __future__ import annotations

import asyncio
from typing import Any, Literal

from pydantic import BaseModel

from knowledge_sources import Collect, Context, Members, Record, knowledge_source


class Vote(BaseModel):
    verdict: Literal["fraud", "clean"]
    why: str


def vote(suspicious: bool, why: str) -> Vote:
    return Vote(verdict="fraud" if suspicious else "clean", why=why)


async def look_up(ctx: Context) -> None:
    """Stands for the services that a checker asks: each takes its time, and some cost money."""
    await asyncio.sleep(ctx.config["takes_ms"] / 1000)
    if "cost" in ctx.config:
        ctx.usage("checks-small", input_tokens=180, output_tokens=12, cost=ctx.config["cost"])


@knowledge_source({"tx": "transaction/{tx}"}, contributes="vote/{tx}/velocity", config={"takes_ms": 15})
async def velocity(tx: Any, ctx: Context) -> Vote:
    """Too many payments in an hour."""
    await look_up(ctx)
    return vote(tx["per_hour"] > 5, f"{tx['per_hour']} payments in an hour")


@knowledge_source({"tx": "transaction/{tx}"}, contributes="vote/{tx}/device", config={"takes_ms": 30, "cost": 0.002})
async def device(tx: Any, ctx: Context) -> Vote:
    """A device that the card was not seen on; the service behind it is slow for those."""
    await look_up(ctx)
    return vote(tx["device"] != "known" or tx["country"] != "DE", f"a {tx['device']} device in {tx['country']}")


@knowledge_source({"tx": "transaction/{tx}"}, contributes="vote/{tx}/blacklist", config={"takes_ms": 5, "cards": []})
async def blacklist(tx: Any, ctx: Context) -> Vote:
    """A card that was reported."""
    await look_up(ctx)
    listed = tx["card"] in ctx.config["cards"]
    return vote(listed, f"{tx['card']} is {'' if listed else 'not '}reported")


@knowledge_source(
    {"tx": "transaction/{tx}", "against": Collect('vote/{tx}/* where verdict == "fraud"', at_least=2)},
    unless="decision/{tx}",
    contributes="decision/{tx}",
    level="high",
)
async def block(against: list[Record[Vote]]) -> Any:
    """Two votes of three settle it, whatever the third says: it need not be waited for."""
    return {"blocked": True, "votes": len(against), "missing": 0, "why": [one.value.why for one in against]}


@knowledge_source(
    {"tx": "transaction/{tx}", "votes": Collect("vote/{tx}/*", at_least=2, of=3, within="400ms")},
    unless="decision/{tx}",
    contributes="decision/{tx}",
)
async def decide(votes: Members[Vote]) -> Any:
    """All three, or two after 400 ms."""
    against = [one.why for one in votes if one.verdict == "fraud"]
    return {"blocked": len(against) >= 2, "votes": len(votes), "missing": votes.missing, "why": against}
