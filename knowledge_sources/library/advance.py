"""The agent that takes a plan further: whatever has all that it needs is ready, side by side where it can be."""

from __future__ import annotations

from typing import TYPE_CHECKING

from blackboard.pattern import Pattern
from knowledge_sources.library.plan import advanced, finished
from knowledge_sources.library.plan_board import PLAN, RESULTS, PlanBoard
from knowledge_sources.parameters import KeyText, Parameters
from knowledge_sources.template import Recipe, template

if TYPE_CHECKING:
    from knowledge_sources.context import Context
    from knowledge_sources.template import Records


class AdvanceParameters(Parameters):
    """Where plans and results stand."""

    plan: KeyText = Pattern.parse(PLAN)
    results: KeyText = Pattern.parse(RESULTS)


@template(AdvanceParameters)
def advance(given: AdvanceParameters) -> Recipe:
    """Mark a step done when its result is there, and ready each that waited for the last of what it needs."""
    board = PlanBoard(given.plan, given.results)

    async def take_further(ctx: Context, _: Records) -> None:
        # What it read of the steps guards what it writes, so of two that end at once the later one sees the other.
        steps = board.steps_of(ctx)
        changed = advanced(steps, board.results_of(ctx, steps, absent=False))
        for name, step in changed.items():
            ctx.post(f"{given.plan.text}/{name}", step)
        head = board.head(ctx) if finished({**steps, **changed}) else None
        if head is not None:
            ctx.post(given.plan.text, {**head, "status": "done"})

    return Recipe(
        take_further,
        {"step": f'{board.steps} where status == "ready"', "result": f"{given.results.text}/{{step}}"},
        {"contributes": board.written},
    )
