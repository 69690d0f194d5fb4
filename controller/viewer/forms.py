"""What a person fills in before something is written: fields, what may stand in them, and what is wrong with what does."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, Literal, NamedTuple, TypeAlias

from blackboard.durations import parse_duration
from blackboard.errors import BlackboardError, InvalidInput
from blackboard.keys import check_key
from blackboard.pattern import Pattern
from blackboard.strict_json import parse_json
from blackboard.typed_value import MEANT_AS_JSON
from blackboard.wording import first_line
from knowledge_sources.orders import MAX_REASON

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from controller.viewer.target import Target

Kind: TypeAlias = Literal["text", "json", "number", "integer", "duration", "key", "pattern"]
"""what is typed into a field"""
REASON: Final = "reason"
"""the field that every form has, the last of them"""


class Choice(NamedTuple):
    """One of those that can be chosen: what is handed on, and what a person reads."""

    value: str
    label: str


class Needed(NamedTuple):
    """A field is there only while another one, of which something is chosen, has this value."""

    field: str
    value: str


class Field(NamedTuple):
    """One thing to fill in: chosen where there are ``choices``, else typed."""

    name: str
    label: str
    kind: Kind = "text"
    choices: tuple[Choice, ...] = ()
    initial: str = ""
    required: bool = False
    hint: str = ""
    only_with: Needed | None = None

    def is_shown(self, values: Mapping[str, str]) -> bool:
        """Whether it is to be filled in, the others being ``values``."""
        return self.only_with is None or values.get(self.only_with.field) == self.only_with.value


class Form(NamedTuple):
    """What is asked before a deed: ``told`` is what one should know, in paragraphs."""

    title: str
    fields: tuple[Field, ...]
    about: Target | None = None
    told: tuple[str, ...] = ()

    @property
    def initial(self) -> dict[str, str]:
        """What stands in the fields before anything is typed."""
        return {field.name: field.initial for field in self.fields}


def reason_field(hint: str = "kept with it, under your name") -> Field:
    """The field that every form ends with."""
    return Field(REASON, "reason", required=True, hint=hint)


def faults(form: Form, values: Mapping[str, str]) -> dict[str, str]:
    """What is wrong with ``values``, in a sentence each, by the name of the field; fields that are not shown have none."""
    found = {field.name: _fault(field, values.get(field.name, "")) for field in form.fields if field.is_shown(values)}
    return {name: fault for name, fault in found.items() if fault}


def _fault(field: Field, text: str) -> str:
    if not text.strip():
        return "this is needed" if field.required else ""
    if field.choices:
        return "" if any(choice.value == text for choice in field.choices) else "choose one of those that are there"
    if field.name == REASON and len(text) > MAX_REASON:
        return f"a reason has at most {MAX_REASON:,} characters; this has {len(text):,}"
    try:
        _PARSERS[field.kind](text)
    except InvalidInput as error:
        return first_line(error.reason, 200)
    except BlackboardError as error:
        return first_line(str(error), 200)
    return ""


def json_value(text: str) -> Any:
    """The value that ``text`` says as JSON; raises :class:`InvalidInput`, for a bare word with its quoted form."""
    bare = text.strip()
    try:
        return parse_json(text)
    except InvalidInput as error:
        if MEANT_AS_JSON.match(bare):
            raise
        quoted = bare.replace("\\", "\\\\").replace('"', '\\"')
        shown = f'"{quoted}"' if len(quoted) <= 60 else f'"{quoted[:59]}…"'
        raise InvalidInput(f"not JSON: a text stands in quotes, as in {shown}") from error


def number(text: str) -> int | float:
    """The number that ``text`` is; raises :class:`InvalidInput`."""
    found = parse_json(text.strip()) if MEANT_AS_JSON.match(text.strip()) else None
    if isinstance(found, bool) or not isinstance(found, int | float):
        raise InvalidInput(f"{text.strip()[:40]!r} is no number")
    return found


def integer(text: str) -> int:
    """The whole number that ``text`` is; raises :class:`InvalidInput`."""
    found = number(text)
    if isinstance(found, float) and not found.is_integer():
        raise InvalidInput(f"{text.strip()[:40]!r} is no whole number")
    return int(found)


def duration_ms(text: str) -> int:
    """The milliseconds that ``text`` says, at least one; raises :class:`InvalidInput`."""
    found = parse_duration(text.strip())
    if found <= 0:
        raise InvalidInput("must be longer than nothing")
    return found


_PARSERS: Final[Mapping[Kind, Callable[[str], object]]] = {
    "text": str,
    "json": json_value,
    "number": number,
    "integer": integer,
    "duration": duration_ms,
    "key": lambda text: check_key(text.strip()),
    "pattern": Pattern.parse,
}
