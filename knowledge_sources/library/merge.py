"""The agent that merges several records into one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, cast

from pydantic import BeforeValidator, ValidationInfo

from blackboard.errors import InvalidInput
from knowledge_sources.calling import Code
from knowledge_sources.errors import InvalidContribution
from knowledge_sources.library.merging import RULES
from knowledge_sources.nearest import did_you_mean
from knowledge_sources.parameters import KeyText, Parameters, PatternText, WatchTexts, refuse, taking
from knowledge_sources.template import Recipe, template

if TYPE_CHECKING:
    from collections.abc import Iterator

    from blackboard.record import Record
    from knowledge_sources.context import Context
    from knowledge_sources.template import Records

_function = taking("values", "captures", "ctx")


def _how(value: object, info: ValidationInfo) -> object:
    if not isinstance(value, str):
        return _function(value, info)
    if ":" not in value and value not in RULES:
        hint = did_you_mean(value, RULES) or f"; there is {', '.join(RULES)}"
        raise refuse(f"{value!r} is no way of merging{hint}; a function is written ./file.py:name")
    return value if value in RULES else _function(value, info)


class MergeParameters(Parameters):
    """``how`` is ``first``, ``union``, ``deep`` or a function of the values; ``also`` is merged in where it is there."""

    watches: WatchTexts
    contributes: KeyText
    how: Annotated[str | Code, BeforeValidator(_how)] = "union"
    also: list[PatternText] = []  # noqa: RUF012 - pydantic copies it


@template(MergeParameters)
def merge(given: MergeParameters) -> Recipe:
    """Merge what it watches into one record, and again whenever a part changes; what comes first counts most."""

    async def merged(ctx: Context, records: Records) -> Any:
        values = {key: record.value for key, record in _each(records)}
        for pattern in given.also:
            for record in sorted(ctx.search(pattern), key=lambda found: found.key):
                values.setdefault(record.key, record.value)
        if isinstance(given.how, Code):
            return await given.how.call(ctx, values=values, captures=dict(ctx.captures))
        try:
            return RULES[given.how](list(values.values()))
        except InvalidInput as error:
            raise InvalidContribution(ctx.agent, f"cannot merge {', '.join(values)}: {error.reason}") from error

    return Recipe(merged, given.watches, {"contributes": given.contributes.text})


def _each(records: Records) -> Iterator[tuple[str, Record[Any]]]:
    """Each record by its alias; the members of a collect by their keys."""
    for alias, given in records.items():
        found = cast("Record[Any] | list[Record[Any]]", given)
        if isinstance(found, list):
            yield from ((member.key, member) for member in found)
        else:
            yield alias, found
