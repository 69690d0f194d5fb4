"""Claims about the four types of agents: what each has where nothing else is said, and that what is said wins."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from knowledge_sources import Context, knowledge_source
from knowledge_sources.errors import DeclarationError
from knowledge_sources.source import source_of
from scenarios.evidence import read_evidence
from scenarios.report import build_report
from tests.leading import activations, leading, question, quiescent, run, values

if TYPE_CHECKING:
    from blackboard.board import Board


async def test_a_reflex_agent_fires_before_the_others_of_its_level(board: Board) -> None:
    """Though it came last."""
    order = []

    @knowledge_source("item/{i}", name="thinker")
    async def thinker() -> None:
        order.append("thinker")

    @knowledge_source("item/{i}", type="reflex", name="reflex")
    async def reflex() -> None:
        order.append("reflex")

    await board.create("item/1", 1)
    await run(board, thinker, reflex, max_running=1)
    assert order == ["reflex", "thinker"]


async def test_what_no_reflex_agent_has_a_rule_for_is_reported(board: Board) -> None:
    @knowledge_source('item/{i} where kind == "known"', contributes="answer/{i}", type="reflex")
    async def rule() -> int:
        return 1

    await board.create("item/1", {"kind": "known"})
    await board.create("item/2", {"kind": "new"})

    @knowledge_source("item/{i}", contributes="seen/{i}")
    async def seen() -> int:
        return 1

    await run(board, rule, seen)
    report = build_report(await read_evidence(board))
    assert report.unmatched == ("item/2",)


async def test_a_model_based_agent_is_made_anew_when_what_it_read_has_changed(board: Board) -> None:
    """Not only when its triggers have: its picture follows the world."""

    @knowledge_source("order/{o}", contributes="plan/{o}", type="model")
    async def planner(ctx: Context) -> Any:
        stock = await ctx.get("stock/rope")
        return {"take": min(5, stock.value)} if stock is not None else None

    await board.create("stock/rope", 9)
    await board.create("order/1", 1)
    async with leading(board, planner) as controller:
        await quiescent(controller)
        assert await values(board, "plan/*") == {"plan/1": {"take": 5}}
        await board.put("stock/rope", 2)
        await quiescent(controller)
    assert await values(board, "plan/*") == {"plan/1": {"take": 2}}


async def test_a_goal_based_agent_has_so_many_steps_for_a_case_and_a_restart_gives_it_no_more(board: Board) -> None:
    """Another case has steps of its own."""

    @knowledge_source(watches={"try": "try/{g}/{n}"}, contributes="try/{g}/*", type="goal", steps=5)
    async def seeker(n: str, g: str) -> dict[str, int]:
        return {f"try/{g}/{int(n) + 1}": 0}

    await board.create("try/a/0", 0)
    assert (await run(board, seeker)).status == "awaiting"
    _, asked = await question(board)
    assert (
        "seeker was not called for try/a/0: it has fired 5 times for this case, which is its bound" in asked["question"]
    )
    await board.create("try/b/3", 0)
    await run(board, seeker)
    done = [one["case"] for one in await activations(board) if one["state"] == "executed"]
    assert (done.count("try/a/0"), done.count("try/b/3")) == (5, 5)


def test_a_utility_based_agent_has_a_time_box() -> None:
    @knowledge_source("item/{i}", type="utility")
    async def weigh() -> None: ...

    source = source_of(weigh)
    assert source is not None
    assert source.respond_within_ms == 30_000


@pytest.mark.parametrize(
    ("said", "option", "value"),
    [
        ({"type": "reflex", "rating": 3}, "rating", 3.0),
        ({"type": "model", "logical": False}, "logical", False),
        ({"type": "goal", "steps": None}, "steps", None),
        ({"type": "utility", "respond_within": "2s"}, "respond_within_ms", 2_000),
    ],
)
def test_what_is_said_wins(said: Any, option: str, value: object) -> None:
    @knowledge_source("item/{i}", contributes="out/{i}", **said)
    async def agent() -> None: ...

    source = source_of(agent)
    assert source is not None
    assert getattr(source, option) == value


def test_a_scenario_may_give_another_type_and_keeps_what_was_said() -> None:
    @knowledge_source("item/{i}", type="goal", rating=7)
    async def agent() -> None: ...

    source = source_of(agent)
    assert source is not None
    other = source.configured(type="reflex")
    assert (other.type, other.steps, other.rating) == ("reflex", None, 7.0)
    plain = source.configured(type=None)
    assert (plain.type, plain.steps) == (None, None)
    assert source.configured(type="utility", steps=3).steps == 3


def test_there_are_four_types() -> None:
    with pytest.raises(DeclarationError, match="'goals' is no type of agent; did you mean 'goal'"):

        @knowledge_source("item/{i}", type="goals")  # type: ignore[arg-type]  # that is the point
        async def agent() -> None: ...
