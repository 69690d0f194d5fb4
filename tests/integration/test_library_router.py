"""The router of the library: it ranks who could take the work, sends it to nobody else, and falls back in time."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest

from knowledge_sources import Context, DeclarationError, knowledge_source, source_of
from knowledge_sources.library import router
from tests.leading import activations, only, run, values

if TYPE_CHECKING:
    from blackboard.board import Board


def team_of(name: str) -> Any:
    @knowledge_source(f'routed/{{id}} where to == "{name}"', contributes="done/{id}", name=name, provides="support")
    async def agent(ctx: Context) -> Any:
        """Deal with it."""
        return ctx.agent

    return agent


@knowledge_source('routed/{id} where to == "nobody"', contributes="done/{id}", provides="support")
async def elsewhere() -> Any:
    """It would be set off by nothing that is routed to it."""
    return "elsewhere"


TEAMS = [team_of("billing"), team_of("returns"), team_of("technical"), elsewhere]


def routing(rank: Any, **options: Any) -> Any:
    options = {"retry": {"attempts": 1}, **options}
    return router(watches="ticket/{id}", contributes="routed/{id}", capability="support", rank=rank, **options)


async def test_a_ticket_goes_to_the_best_of_those_who_would_take_it(board: Board) -> None:
    seen: list[Any] = []

    def rank(item: Any, candidates: list[Any], ctx: Any) -> Any:
        seen.extend(candidates)
        ctx.usage("pretend", 100, 5, 0.001)
        return {one["name"]: item["text"].count(one["name"]) for one in candidates}

    await board.put("ticket/1", {"text": "technical, or billing? technical!"})
    assert (await run(board, routing(rank), *TEAMS)).status == "finished"
    assert await values(board, "done/*") == {"done/1": "technical"}
    routed = (await values(board, "routed/*"))["routed/1"]
    assert (routed["to"], routed["ranking"]) == ("technical", ["technical", "billing", "returns"])
    assert [one["name"] for one in seen] == ["billing", "returns", "technical"]
    assert seen[0]["description"] == "Deal with it."


@pytest.mark.parametrize("named", ["biling", "elsewhere", "router", "human"])
async def test_work_cannot_be_sent_to_who_would_not_take_it(board: Board, named: str) -> None:
    await board.put("ticket/1", {"text": ""})
    await run(board, routing(lambda item: [named]), *TEAMS)
    failed = await only(board, "router")
    assert failed["failure"] == "ungrounded"
    assert f"no agent is named {named!r}; nearest: billing" in failed["reason"]
    assert await values(board, "routed/*") == {}


async def test_where_ranking_fails_the_usual_order_counts_and_says_why(board: Board) -> None:
    def rank(item: Any) -> Any:
        raise RuntimeError("the model is away")

    await board.put("ticket/1", {"text": ""})
    await run(board, routing(rank, order=["returns", "billing"]), *TEAMS)
    routed = (await values(board, "routed/*"))["routed/1"]
    assert routed["ranking"] == ["returns", "billing", "technical"]
    assert (routed["by"], routed["why"]) == ("the usual order", "RuntimeError: the model is away")


async def test_where_ranking_takes_too_long_the_usual_order_counts(board: Board) -> None:
    async def rank(item: Any) -> Any:
        await asyncio.Event().wait()

    await board.put("ticket/1", {"text": ""})
    await run(board, routing(rank, within="20ms"), *TEAMS)
    routed = (await values(board, "routed/*"))["routed/1"]
    assert (routed["to"], routed["why"]) == ("billing", "nothing was ranked within 0.02 s")


@pytest.mark.parametrize("said", [None, [], {}])
async def test_where_nothing_is_ranked_the_usual_order_counts(board: Board, said: Any) -> None:
    await board.put("ticket/1", {"text": ""})
    await run(board, routing(lambda item: said), *TEAMS)
    assert (await values(board, "routed/*"))["routed/1"]["by"] == "the usual order"


@pytest.mark.parametrize("said", [7, [1], {"billing": "much"}, {"billing": float("nan")}])
async def test_what_is_no_ranking_fails_as_invalid(board: Board, said: Any) -> None:
    await board.put("ticket/1", {"text": ""})
    await run(board, routing(lambda item: said), *TEAMS)
    assert (await only(board, "router"))["failure"] == "invalid"


async def test_where_nobody_could_take_it_nothing_is_sent(board: Board) -> None:
    await board.put("ticket/1", {"text": ""})
    await run(board, routing(lambda item: ["x"]), elsewhere)
    assert (await only(board, "router"))["failure"] == "ungrounded"
    assert [one["agent"] for one in await activations(board)] == ["router"]


def test_a_router_without_a_way_to_rank_is_refused() -> None:
    with pytest.raises(DeclarationError, match="rank: is missing"):
        router(watches="ticket/{id}", contributes="routed/{id}")


async def test_who_rests_behind_an_open_breaker_is_sent_nothing(board: Board) -> None:
    breaker = {
        "agent": "technical",
        "state": "open",
        "reason": "it fails",
        "opened_ms": 1,
        "until_ms": 4_000_000_000_000,
    }
    await board.put("control/breakers/technical", {**breaker, "times": 1, "at_ms": 1})
    await board.put("ticket/1", {"text": ""})

    def rank(candidates: list[Any]) -> Any:
        return [one["name"] for one in reversed(candidates)]

    resting = source_of(team_of("technical"))
    assert resting is not None
    resting = resting.configured(breaker={"errors": "50%", "of": 4})
    await run(board, routing(rank), TEAMS[0], TEAMS[1], resting)
    assert (await values(board, "routed/*"))["routed/1"]["ranking"] == ["returns", "billing"]
