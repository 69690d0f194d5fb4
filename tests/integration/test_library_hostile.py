"""Hostile records and agents around the library's plans."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from knowledge_sources import knowledge_source
from knowledge_sources.library import advance, composer, human, planner, replanner
from tests.leading import activations, run, values

if TYPE_CHECKING:
    from blackboard.board import Board

WORK = 'plan/{case}/{step} where status == "ready" && capability == "work"'
ONCE = {"attempts": 1}


@knowledge_source({"task": WORK}, contributes="result/{case}/{step}")
async def work(task: Any, step: str) -> Any:
    return {"did": step}


def team(**options: Any) -> list[object]:
    return [
        planner(watches="goal/{case}", retry=ONCE, **options),
        replanner(goal="goal/{case}", retry=ONCE, **options),
        advance(retry=ONCE),
        composer(contributes="answer/{case}", retry=ONCE),
        work,
    ]


@pytest.mark.parametrize(
    "value",
    [
        None,
        7,
        "x",
        [],
        {},
        {"steps": None},
        {"steps": []},
        {"steps": {"a": {"needs": "b"}}},
        {"steps": {"": "work"}},
        {"steps": {"é": "work"}},
        {"steps": {"a/b": "work"}},
        {"steps": {f"s{n}": "work" for n in range(501)}},
    ],
)
async def test_a_goal_that_is_no_plan_fails_as_invalid_and_leaves_nothing(board: Board, value: Any) -> None:
    await board.put("goal/1", value)
    assert (await run(board, *team())).status == "awaiting"
    (failed,) = await activations(board, "planner")
    assert failed["failure"] == "invalid"
    assert await values(board, "plan/**") == {}


async def test_a_plan_of_the_most_steps_is_carried_out(board: Board) -> None:
    names = [f"s{n}" for n in range(100)]
    steps = {name: {"capability": "work", "needs": names[max(0, i - 2) : i]} for i, name in enumerate(names)}
    await board.put("goal/ünï", {"steps": steps})
    assert (await run(board, *team())).status == "finished"
    assert len(await values(board, "result/ünï/*")) == 100


@pytest.mark.parametrize(
    "hostile",
    [
        None,
        7,
        {"status": "ready"},
        {"capability": "work", "status": "ready"},
        {"capability": "work", "status": "ready", "needs": "x"},
        {"capability": "work", "status": "waiting", "needs": [3]},
        {"capability": "work", "status": "done", "needs": []},
    ],
)
async def test_a_step_that_somebody_else_wrote_wrongly_fails_the_agent_and_not_the_run(
    board: Board, hostile: Any
) -> None:
    await board.put("goal/1", {"steps": {"a": "work", "b": {"capability": "work", "needs": ["a"]}}})
    await board.put("plan/1/z", hostile)
    end = await run(board, *team())
    assert end.status in ("awaiting", "finished")


@pytest.mark.parametrize("hostile", [None, 7, {}, {"times": "x"}, {"times": 1, "status": "open"}])
async def test_a_head_that_somebody_else_wrote_wrongly_does_not_end_the_run(board: Board, hostile: Any) -> None:
    await board.put("goal/1", {"steps": {"a": "work"}})
    await board.put("plan/1", hostile)
    await board.put("plan/1/a", {"capability": "work", "needs": [], "input": None, "status": "ready"})
    await board.put("replan/1", {"reason": "x" * 5000})
    end = await run(board, *team())
    assert end.status in ("awaiting", "finished")


async def test_a_question_may_be_as_long_as_a_record_allows_or_fails(board: Board) -> None:
    await board.put("r/1", {"x": "y" * 200_000})
    ask = human(watches={"r": "r/{n}"}, contributes="a/{n}", question="{r.x}", choices=["a"], retry=ONCE)
    end = await run(board, ask)
    assert end.status == "awaiting"
