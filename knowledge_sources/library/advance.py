"""The agent that takes a plan further: whatever has all that it needs is ready, side by side where it can be."""

from __future__ import annotations

from typing import TYPE_CHECKING

from knowledge_sources.library.plan import advanced, finished
from knowledge_sources.library.plan_board import PLAN, PlanBoard
from knowledge_sources.parameters import KeyText, Parameters
from knowledge_sources.template import Recipe, template

if TYPE_CHECKING:
    from knowledge_sources.context import Context
    from knowledge_sources.template import Records


class AdvanceParameters(Parameters):
    """Where plans, results and requests for another plan stand."""

    plan: KeyText = PLAN
    results: KeyText | None = None
    replan: KeyText | None = None


@template(AdvanceParameters)
def advance(given: AdvanceParameters) -> Recipe:
    """Mark a step done when its result is there, and ready each that waited for the last of what it needs.

    While another plan is asked for nothing is taken further: what is done by then goes into that plan.
    """
    board = PlanBoard.at("advance", given.plan, given.results, given.replan)

    async def take_further(ctx: Context, _: Records) -> None:
        head = board.head(ctx)
        if head is None or board.asked(ctx, head):
            return
        # What it read of the steps guards what it writes, so of two that end at once the later one sees the other.
        steps = board.steps_of(ctx)
        changed = advanced(steps, board.results_of(ctx, steps, absent=False))
        for name, step in changed.items():
            ctx.post(f"{board.plan.text}/{name}", step)
        if finished({**steps, **changed}):
            ctx.post(board.plan.text, {**head, "status": "done"})

    return Recipe(
        take_further,
        {"step": f'{board.steps} where status == "ready"', "result": f"{board.results.text}/{{step}}"},
        {"contributes": board.written},
    )
