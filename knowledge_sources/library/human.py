"""The agent that asks a person: a question of the records' values, whom to ask in turn, and what happens without an answer."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from pydantic import Field

from knowledge_sources.declaration import captures_of, parse_watches
from knowledge_sources.nearest import did_you_mean
from knowledge_sources.outcome import Escalate
from knowledge_sources.parameters import KeyText, Parameters, Texts, WatchTexts
from knowledge_sources.template import InvalidParameters, Misuse, Recipe, template

if TYPE_CHECKING:
    from collections.abc import Mapping

    from knowledge_sources.context import Context
    from knowledge_sources.template import Records

_PLACE: Final = re.compile(r"\{([\w.]+)\}")
_ABSENT: Final = "–"


class HumanParameters(Parameters):
    """``question`` may hold ``{capture}`` and ``{alias.field}``; ``default`` is the answer after the last deadline."""

    watches: WatchTexts
    contributes: KeyText
    question: str
    choices: Texts = []  # noqa: RUF012 - pydantic copies it
    schema_: dict[str, Any] | None = Field(alias="schema", default=None)
    assignees: Texts = []  # noqa: RUF012 - as above
    deadline: str = ""
    default: Any = None


@template(HumanParameters)
def human(given: HumanParameters) -> Recipe:
    """Ask a person; who is asked after that, and what counts as the answer of nobody, is said with the question."""
    _check_places(given)
    try:
        _question(given, given.question)
    except ValueError as error:
        raise InvalidParameters("human", [Misuse((), str(error).removeprefix("Escalate: "))]) from error

    async def ask(ctx: Context, records: Records) -> Escalate:
        values = {alias: record.value for alias, record in records.items()}
        return _question(given, filled(given.question, ctx.captures, values))

    return Recipe(ask, given.watches, {"contributes": given.contributes.text})


def _check_places(given: HumanParameters) -> None:
    """Refuse a place in the question that no record that is watched, and no capture, could ever fill."""
    watched = parse_watches(given.watches)
    known = [*(watch.alias for watch in watched), *captures_of(watched)]
    for place in _PLACE.findall(given.question):
        name = place.partition(".")[0]
        if name not in known:
            hint = did_you_mean(name, known) or f"; there is {', '.join(known)}"
            raise InvalidParameters("human", [Misuse(("question",), f"nothing fills {{{place}}}{hint}")])


def _question(given: HumanParameters, text: str) -> Escalate:
    return Escalate(
        text,
        choices=given.choices,
        schema=given.schema_,
        assignees=given.assignees,
        deadline=given.deadline,
        default=given.default,
    )


def filled(text: str, captures: Mapping[str, str], values: Mapping[str, Any]) -> str:
    """``text`` with captures and fields of the values in the place of ``{…}``; what is not there is a dash."""

    def found(place: re.Match[str]) -> str:
        name, *below = place[1].split(".")
        if name in captures and not below:
            return captures[name]
        value: Any = values.get(name)
        for field in below:
            value = value.get(field) if isinstance(value, dict) else None
        return _ABSENT if value is None else str(value)

    return _PLACE.sub(found, text)
