"""A hundred agents at once, against every kind of budget: by the log, no limit is passed and nothing is forgotten."""

from __future__ import annotations

import asyncio
import random
from typing import TYPE_CHECKING, Any

import pytest

from controller.budgets import Limit, Limits, RunLimit
from knowledge_sources import Context, Decide, knowledge_source, supervisor
from tests.control.lives import moments_of, violations
from tests.control.spending import calls, most_failed, spent
from tests.leading import activations, run, values

if TYPE_CHECKING:
    from blackboard.board import Board

AGENTS = 100
QUICK = {"attempts": 3, "backoff": "1ms", "cap": "4ms"}


def clerks(dice: random.Random, *, failing: float = 0.0, **options: Any) -> list[object]:
    """A hundred agents that watch one and the same record; each call takes a moment and costs 2 cents."""

    def clerk(number: int) -> object:
        @knowledge_source(
            watches="case/{c}", contributes=f"out/{{c}}/{number}", name=f"clerk{number:02}", retry=QUICK, **options
        )
        async def work(ctx: Context) -> Any:
            ctx.usage("small", 10, 1, 0.02)
            await asyncio.sleep(dice.random() * 0.003)
            if dice.random() < failing:
                raise RuntimeError("bad luck")
            return number

        return work

    return [clerk(number) for number in range(AGENTS)]


@pytest.mark.parametrize("scope", ["case", "run"])
async def test_what_agents_declare_is_reserved_so_that_no_money_is_spent_beyond_the_limit(
    board: Board, scope: str
) -> None:
    """25 calls of 2 cents fit into 50; the other 75 go to a person or end the run, none is called."""
    await board.create("case/1", {})
    limits = Limits(case=Limit(cost=0.5)) if scope == "case" else Limits(run=RunLimit(cost=0.5))
    end = await run(board, *clerks(random.Random(1), max_cost=0.02), limits=limits, max_running=AGENTS)
    moments = await moments_of(board)
    assert violations(moments, max_running=AGENTS) == []
    assert spent(moments, lambda record: record["case"])["case/1"] == pytest.approx(0.5)
    assert calls(moments) == 25
    assert end.status == ("awaiting" if scope == "case" else "stalled")


async def test_agents_of_which_nobody_knows_the_cost_pass_a_limit_by_one_call_at_most(board: Board) -> None:
    """None has declared anything: the first call of each runs alone in the budget, however many are eligible."""
    await board.create("case/1", {})
    await run(board, *clerks(random.Random(2)), limits=Limits(case=Limit(cost=0.5)), max_running=AGENTS)
    moments = await moments_of(board)
    assert spent(moments, lambda record: record["case"])["case/1"] <= 0.5 + 0.02 + 1e-9


@pytest.mark.parametrize("seed", [1, 2, 3])
async def test_calls_that_fail_stay_within_the_attempts_of_their_work_whoever_makes_them(
    board: Board, seed: int
) -> None:
    """A hundred agents share one capability, so that each case is one work item: 5 failed calls, then a person."""
    for case in range(3):
        await board.create(f"case/{case}", {})
    clerks_of_one = clerks(random.Random(seed), failing=0.6, provides="clerk")
    await run(board, *clerks_of_one, limits=Limits(work_item=Limit(attempts=5)), max_running=AGENTS)
    moments = await moments_of(board)
    assert violations(moments, max_running=AGENTS) == []
    assert max(most_failed(moments).values()) <= 5


async def test_nothing_that_is_eligible_is_forgotten(board: Board) -> None:
    """Every agent has an activation for every case that came, before, during and after the others ran; each has ended."""
    for case in range(3):
        await board.create(f"case/{case}", {})

    @knowledge_source(watches="out/{c}/7 where value >= 0", contributes="case/*")
    async def more(c: str) -> Any:
        return {f"case/{c}-again": {}} if c.isdecimal() else None

    await run(board, *clerks(random.Random(4), failing=0.05, max_running=2), more, max_running=20)
    found = await activations(board)
    cases = {record.key for record in await board.find("case/*")}
    assert len(cases) == 6
    wanted = {(f"clerk{number:02}", case) for number in range(AGENTS) for case in cases}
    assert {(one["agent"], one["triggers"][0][1]) for one in found if one["agent"] != "more"} == wanted
    assert {one["state"] for one in found} <= {"executed", "escalated"}
    moments = await moments_of(board)
    assert violations(moments, max_running=20) == []


async def test_firings_of_a_run_stop_at_their_limit(board: Board) -> None:
    for case in range(3):
        await board.create(f"case/{case}", {})
    end = await run(board, *clerks(random.Random(5)), limits=Limits(run=RunLimit(firings=123)), max_running=AGENTS)
    assert end.status == "stalled"
    assert calls(await moments_of(board)) == 123


async def test_a_supervisor_does_not_wait_for_the_money_that_the_late_one_holds(board: Board) -> None:
    """Nobody knows what the stuck call costs, so it holds the whole budget of its case: its supervisor decides at once."""
    await board.create("case/1", {})

    @knowledge_source(watches="case/{c}", contributes="out/{c}", respond_within="20ms", escalate=["boss"])
    async def stuck() -> Any:
        await asyncio.Event().wait()

    @supervisor(over="stuck", respond_within="30s")
    def boss() -> Any:
        return Decide("enough", "too slow")

    end = await run(board, stuck, boss, limits=Limits(case=Limit(cost=0.5)))
    assert (end.status, await values(board, "out/*")) == ("finished", {"out/1": "enough"})
