"""The agent that routes: it ranks those who could take a piece of work, and can send it to nobody else.

Who could is decided by the registry and not by the router: an agent that is ready, whose circuit breaker is not open, and
that a record routed to it would set off.  Where ranking fails or takes too long, the usual order counts.
"""

from __future__ import annotations

import asyncio
import math
from typing import TYPE_CHECKING, Annotated, Any, Final, NamedTuple, cast

from pydantic import PlainValidator

from blackboard.control_records import AGENTS, BREAKERS
from blackboard.control_shapes import sound
from blackboard.pattern import Pattern
from blackboard.wording import first_line
from knowledge_sources.calling import Code
from knowledge_sources.errors import InvalidContribution, UnknownAgent
from knowledge_sources.nearest import nearest
from knowledge_sources.parameters import DurationMs, KeyText, Parameters, PatternText, Texts, taking
from knowledge_sources.template import Recipe, template

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from blackboard.control_records import Agent
    from knowledge_sources.context import Context
    from knowledge_sources.template import Records

_ALL_AGENTS: Final = Pattern.parse(AGENTS + "{name}")
_OPEN_BREAKERS: Final = Pattern.parse(BREAKERS + '{name} where state == "open"')


class Ranked(NamedTuple):
    """The candidates, the best first, and why this order."""

    names: list[str]
    by: str
    why: str


class RouterParameters(Parameters):
    """``rank`` is a function of the item and the candidates; ``within`` how long it has; ``order`` the usual order.

    It gives the names it would send the item to, the best first, or a score for each.
    """

    watches: PatternText
    contributes: KeyText
    rank: Annotated[Code, PlainValidator(taking("item", "candidates", "captures", "ctx"))]
    capability: str = ""
    order: Texts = []  # noqa: RUF012 - pydantic copies it
    within: DurationMs = 5_000


@template(RouterParameters)
def router(given: RouterParameters) -> Recipe:
    """Send each record to the best of those who would take it: ``{to, ranking, by, why}`` is what they watch."""

    async def route(ctx: Context, records: Records) -> None:
        item = records["item"]
        key = given.contributes.fill(ctx.captures)
        candidates = _candidates(ctx, given, key)
        if not candidates:
            wanted = given.capability or "what is routed"
            raise UnknownAgent(wanted, nearest(wanted, _capabilities(ctx)), wanted="capability")
        ranked = await _ranked(ctx, given, item.value, candidates)
        value = {"to": ranked.names[0], "ranking": ranked.names, "by": ranked.by, "why": ranked.why}
        ctx.handoff(key, {**value, "item": f"{item.key}@{item.commit}"}, to=ranked.names[0])

    return Recipe(route, {"item": given.watches.text}, {"contributes": given.contributes.text})


def _ready(ctx: Context) -> list[Agent]:
    agents = [cast("Agent", record.value) for record in sound(ctx.search(_ALL_AGENTS, guard=False))]
    return [agent for agent in agents if agent["status"] == "ready" and agent["kind"] == "agent"]


def _capabilities(ctx: Context) -> set[str]:
    return {capability for agent in _ready(ctx) for capability in agent["capabilities"]}


def _candidates(ctx: Context, given: RouterParameters, key: str) -> dict[str, Agent]:
    """Who would be set off by a record at ``key`` that is sent to it, in the usual order."""
    resting = {record.key.removeprefix(BREAKERS) for record in sound(ctx.search(_OPEN_BREAKERS, guard=False))}
    found = {
        agent["name"]: agent
        for agent in _ready(ctx)
        if agent["name"] not in {*resting, ctx.agent}
        and (not given.capability or given.capability in agent["capabilities"])
        and any(_takes(Pattern.parse(text), key, agent["name"]) for text in agent["watches"].values())
    }
    places = {name: place for place, name in enumerate(given.order)}
    return {name: found[name] for name in sorted(found, key=lambda name: (places.get(name, len(places)), name))}


def _takes(watch: Pattern, key: str, name: str) -> bool:
    captures = watch.match_key(key)
    return captures is not None and (watch.predicate is None or watch.predicate.test({"to": name}, captures))


async def _ranked(ctx: Context, given: RouterParameters, item: Any, candidates: Mapping[str, Agent]) -> Ranked:
    """The order that ``rank`` gives; the usual one, and why, where it gives none in time."""
    usual = list(candidates)
    told = [{"name": name, "description": agent["description"]} for name, agent in candidates.items()]
    try:
        async with asyncio.timeout(given.within / 1000):
            said = await given.rank.call(ctx, item=item, candidates=told, captures=dict(ctx.captures))
    except TimeoutError:
        return Ranked(usual, "the usual order", f"nothing was ranked within {given.within / 1000:g} s")
    except Exception as error:  # noqa: BLE001 - whatever the user's code raises, the work goes on
        return Ranked(usual, "the usual order", first_line(f"{type(error).__name__}: {error}"))
    names = _names(ctx.agent, said)
    for name in names:
        if name not in candidates:
            raise UnknownAgent(name, nearest(name, usual) or usual[:3])
    if not names:
        return Ranked(usual, "the usual order", "nothing was ranked")
    return Ranked(names + [name for name in usual if name not in names], "rank", "")


def _names(agent: str, said: object) -> list[str]:
    if isinstance(said, dict) and all(isinstance(name, str) for name in said):
        scores = list(said.values())
        if all(isinstance(one, int | float) and math.isfinite(one) for one in scores):
            return sorted(said, key=lambda name: (-said[name], name))
    if isinstance(said, str):
        return [said]
    if isinstance(said, list | tuple) and all(isinstance(name, str) for name in said):
        return list(dict.fromkeys(cast("Sequence[str]", said)))
    if said is None:
        return []
    raise InvalidContribution(agent, f"ranked by {type(said).__name__}, neither names nor a score for each")
