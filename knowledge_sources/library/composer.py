"""The agent that composes one answer when all parts of a plan are there."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

from pydantic import PlainValidator

from knowledge_sources.calling import Code
from knowledge_sources.errors import InvalidContribution
from knowledge_sources.library.plan_board import PLAN, PlanBoard
from knowledge_sources.parameters import KeyText, Parameters, taking
from knowledge_sources.template import InvalidParameters, Misuse, Recipe, template

if TYPE_CHECKING:
    from collections.abc import Mapping

    from knowledge_sources.context import Context
    from knowledge_sources.template import Records


class ComposerParameters(Parameters):
    """``fields`` says which part each field of the answer is, ``by`` is a function of the parts."""

    contributes: KeyText
    plan: KeyText = PLAN
    results: KeyText | None = None
    fields: dict[str, str] | None = None
    by: Annotated[Code, PlainValidator(taking("parts", "captures", "ctx"))] | None = None


@template(ComposerParameters)
def composer(given: ComposerParameters) -> Recipe:
    """Write one record from the results of a plan that is done; without ``fields`` and ``by``, each under its step."""
    if given.fields is not None and given.by is not None:
        raise InvalidParameters("composer", [Misuse(("by",), "fields and by are two ways: leave one out")])
    board = PlanBoard.at("composer", given.plan, given.results, None)

    async def compose(ctx: Context, _: Records) -> Any:
        parts = board.values_of(ctx, board.steps_of(ctx))
        if given.by is not None:
            return await given.by.call(ctx, parts=parts, captures=dict(ctx.captures))
        if given.fields is not None:
            return {name: _part(ctx, parts, path) for name, path in given.fields.items()}
        return parts

    watch = f'{given.plan.text} where status == "done"'
    return Recipe(compose, {"plan": watch}, {"contributes": given.contributes.text})


def _part(ctx: Context, parts: Mapping[str, Any], path: str) -> Any:
    """What is at ``step.field.field`` of the parts; of a step that the plan does without, nothing."""
    step, *below = path.split(".")
    if step not in parts:
        return None
    found = parts[step]
    for name in below:
        if not isinstance(found, dict) or name not in found:
            raise InvalidContribution(ctx.agent, f"the part {path} is not there: {step} has no {name!r}")
        found = found[name]
    return found
