"""The agent that passes or rejects what others propose: by a schema, by a function, by a score."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import Field, PlainValidator

from knowledge_sources.answer_schema import answer_fault, schema_fault
from knowledge_sources.calling import Code
from knowledge_sources.declaration import proposal_watch
from knowledge_sources.errors import InvalidContribution
from knowledge_sources.parameters import Parameters, PatternText, WatchTexts, refuse, taking
from knowledge_sources.template import InvalidParameters, Misuse, Recipe, template
from knowledge_sources.verdict import Pass, Reject

if TYPE_CHECKING:
    from knowledge_sources.context import Context
    from knowledge_sources.template import Records


def _schema(value: object) -> dict[str, Any]:
    describe = getattr(value, "model_json_schema", None)
    found = describe() if describe is not None else value
    fault = schema_fault(found)
    if fault or not isinstance(found, dict):
        raise refuse(f"no JSON Schema: {fault}")
    return found


class ValidatorParameters(Parameters):
    """``schema`` is a JSON Schema or a pydantic model, ``check`` a function; ``at_least`` the score that passes.

    ``watches`` are other records that ``check`` is given as ``others``.
    """

    validates: PatternText
    schema_: Annotated[dict[str, Any] | None, PlainValidator(_schema)] = Field(alias="schema", default=None)
    check: Annotated[Code, PlainValidator(taking("value", "key", "captures", "others", "ctx"))] | None = None
    at_least: Annotated[float, Field(strict=False)] | None = None
    watches: WatchTexts | None = None


@template(ValidatorParameters)
def validator(given: ValidatorParameters) -> Recipe:
    """Pass a proposed record that fits its schema and its check; the reason of a rejection goes to its author."""
    if given.schema_ is None and given.check is None:
        raise InvalidParameters("validator", [Misuse((), "has neither a schema nor a check: it would pass everything")])
    if given.at_least is not None and given.check is None:
        raise InvalidParameters("validator", [Misuse(("at_least",), "needs a check that gives a score")])
    alias = proposal_watch(given.validates.text).alias

    async def validate(ctx: Context, records: Records) -> Pass | Reject:
        proposed = records[alias]
        fault = answer_fault(given.schema_, proposed.value) if given.schema_ is not None else ""
        if fault:
            return Reject(f"does not fit the schema: {fault}")
        if given.check is None:
            return Pass()
        others = {name: record.value for name, record in records.items() if name != alias}
        said = await given.check.call(
            ctx, value=proposed.value, key=proposed.key, captures=dict(ctx.captures), others=others
        )
        return _verdict(ctx.agent, said, given.at_least)

    return Recipe(validate, given.watches, {"validates": given.validates.text})


def _verdict(agent: str, said: object, at_least: float | None) -> Pass | Reject:
    """What a check's answer means: a verdict as it is, a reason rejects, a score passes from ``at_least`` on."""
    if isinstance(said, str) and said.strip():
        return Reject(said)
    if isinstance(said, bool) or said is None:
        return Pass() if said in (True, None) else Reject("its check says no")
    if isinstance(said, int | float) and math.isfinite(said):
        said = Pass(float(said))
    if not isinstance(said, Pass | Reject):
        reason = f"its check gave {type(said).__name__}, neither a verdict, nor a reason, a score or true or false"
        raise InvalidContribution(agent, reason)
    if isinstance(said, Pass) and at_least is not None:
        if said.score is None:
            raise InvalidContribution(agent, f"its check gave no score, and one of at least {at_least:g} is asked for")
        if said.score < at_least:
            return Reject(said.reason or f"its score is under {at_least:g}", score=said.score)
    return said
