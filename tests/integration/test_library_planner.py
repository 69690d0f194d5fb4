"""The planner and the agents around it, led on a real server."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING, Any

import pytest

from knowledge_sources import Context, knowledge_source
from knowledge_sources.library import advance, composer, planner, replanner
from tests.leading import activations, only, run, values

if TYPE_CHECKING:
    from blackboard.board import Board

WORK = 'plan/{case}/{step} where status == "ready" && capability == "work"'


@knowledge_source({"task": WORK}, contributes="result/{case}/{step}")
async def work(task: Any, step: str, ctx: Context) -> Any:
    """Say what was done, and on what."""
    given = {need: (await ctx.fetch(at)).value["did"] for need, at in task.get("given", {}).items()}
    return {"did": step, "given": given}


def team(**options: Any) -> list[object]:
    """A planner of ``steps`` in the goal, and those who carry its plans out."""
    return [
        planner(watches="goal/{case}", **options),
        replanner(goal="goal/{case}", **options),
        advance(),
        composer(contributes="answer/{case}"),
        work,
    ]


def random_plan(rng: random.Random, names: list[str]) -> dict[str, Any]:
    rng.shuffle(names)
    return {
        name: {"capability": "work", "needs": rng.sample(names[:place], rng.randint(0, min(place, 3)))}
        for place, name in enumerate(names)
    }


@pytest.mark.parametrize("seed", range(6))
async def test_every_step_of_a_random_plan_is_done_once_and_after_what_it_needs(board: Board, seed: int) -> None:
    rng = random.Random(seed)
    plan = random_plan(rng, [f"s{n}" for n in range(rng.randint(1, 14))])
    await board.put("goal/1", {"steps": plan})
    end = await run(board, *team())
    assert end.status == "finished"
    steps, results = await board.find("plan/1/*"), {r.key: r for r in await board.find("result/1/*")}
    assert {record.value["status"] for record in steps} == {"done"}
    for name, step in plan.items():
        result = results[f"result/1/{name}"]
        assert result.version == 1
        assert result.value == {"did": name, "given": {need: need for need in step["needs"]}}
        assert all(results[f"result/1/{need}"].revision < result.revision for need in step["needs"])
    assert (await values(board, "plan/1"))["plan/1"]["status"] == "done"
    assert (await values(board, "answer/*"))["answer/1"].keys() == plan.keys()
    assert [one["state"] for one in await activations(board, "work")] == ["executed"] * len(plan)


async def test_a_circle_cannot_be_committed(board: Board) -> None:
    steps = {"a": {"capability": "work", "needs": ["b"]}, "b": {"capability": "work", "needs": ["a"]}}
    await board.put("goal/1", {"steps": steps})
    await run(board, *team(retry={"attempts": 1}))
    failed = await only(board, "planner")
    assert (failed["state"], failed["failure"]) == ("escalated", "invalid")
    assert "a needs b needs a" in failed["reason"]
    assert await values(board, "plan/**") == {}


async def test_a_step_for_a_capability_that_nobody_has_cannot_be_committed_and_the_nearest_is_named(
    board: Board,
) -> None:
    await board.put("goal/1", {"steps": {"a": "work", "b": "wrok"}})
    await run(board, *team(retry={"attempts": 1}))
    failed = await only(board, "planner")
    assert (failed["state"], failed["failure"]) == ("escalated", "ungrounded")
    assert "no agent provides 'wrok'; nearest: work" in failed["reason"]
    assert await values(board, "plan/**") == {}


async def test_another_plan_keeps_what_is_done_and_drops_what_nobody_wants_any_more(board: Board) -> None:
    plans = [
        {"when": 'replan.reason == "shorter"', "steps": {"first": "work", "last": {"capability": "work", "needs": ["first"]}}},
        {"steps": {"first": "work", "closed": {"capability": "shut", "needs": ["first"]}}},
    ]  # fmt: skip

    @knowledge_source('plan/{case}/{step} where status == "ready" && capability == "shut"', contributes="replan/{case}")
    async def shut() -> Any:
        return {"reason": "shorter"}

    await board.put("goal/1", {"kind": "x"})
    end = await run(board, *team(plans=plans), shut)
    assert end.status == "finished"
    steps = {key: (value["status"], value.get("reason")) for key, value in (await values(board, "plan/1/*")).items()}
    assert steps == {
        "plan/1/first": ("done", None), "plan/1/last": ("done", None), "plan/1/closed": ("dropped", "shorter"),
    }  # fmt: skip
    head = (await values(board, "plan/1"))["plan/1"]
    assert (head["status"], head["times"], head["reason"]) == ("done", 2, "shorter")
    assert [record.version for record in await board.find("result/1/*")] == [1, 1]
    assert (await values(board, "answer/*"))["answer/1"].keys() == {"first", "last"}


async def test_a_goal_that_no_plan_is_for_goes_to_a_person(board: Board) -> None:
    await board.put("goal/1", {"kind": "y"})
    await run(board, *team(plans=[{"when": 'kind == "x"', "steps": {"a": "work"}}], retry={"attempts": 1}))
    assert "no plan is for goal/1" in (await only(board, "planner"))["reason"]


async def test_a_function_plans_and_reports_what_it_cost(board: Board) -> None:
    def made(goal: Any, reason: str, ctx: Any) -> Any:
        ctx.usage("pretend", 100, 20, 0.01)
        return {f"{goal['kind']}{n}": "work" for n in range(3)} if not reason else {}

    await board.put("goal/1", {"kind": "step"})
    end = await run(board, *team(by=made))
    assert end.status == "finished"
    assert set(await values(board, "result/1/*")) == {"result/1/step0", "result/1/step1", "result/1/step2"}
    assert (await only(board, "planner"))["usage"][0]["input_tokens"] == 100


@pytest.mark.parametrize("seed", range(6))
async def test_a_plan_made_anew_at_a_random_moment_keeps_what_was_done(board: Board, seed: int) -> None:
    rng = random.Random(100 + seed)
    names = [f"s{n}" for n in range(10)]
    first, second = random_plan(rng, rng.sample(names, 7)), random_plan(rng, rng.sample(names, 7))
    turn = rng.choice(list(first))

    @knowledge_source("result/{case}/{step}", contributes="replan/{case}", unless="replan/{case}")
    async def whim(step: str) -> Any:
        return {"reason": "a whim"} if step == turn else None

    def planned(reason: str, done: dict[str, Any]) -> Any:
        return {name: step for name, step in second.items() if name not in done} if reason else first

    await board.put("goal/1", {})
    end = await run(board, *team(by=planned), whim)
    assert end.status == "finished"
    steps = {key.rpartition("/")[2]: value["status"] for key, value in (await values(board, "plan/1/*")).items()}
    results = {record.key.rpartition("/")[2]: record.version for record in await board.find("result/1/*")}
    assert set(results.values()) == {1}
    assert {name for name, status in steps.items() if status == "done"} == set(results)
    assert set(results) >= {turn, *second}
    assert set(steps) - set(results) == {name for name, status in steps.items() if status == "dropped"}
    head = (await values(board, "plan/1"))["plan/1"]
    assert (head["status"], head["times"]) == ("done", 2)
    assert (await values(board, "answer/*"))["answer/1"].keys() == set(results)
