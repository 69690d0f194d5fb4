"""A question to a person as fields, and what stands in them as an answer.

Choices are chosen; a free answer is typed as its schema says: each property of a flat object is a field of its own,
a text, a number or a truth value is one, and anything else is JSON.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

from blackboard.errors import UsageError
from blackboard.terminal import format_json
from blackboard.wording import counted, first_line
from controller.given_answer import DECIDE, decides
from controller.viewer.forms import Choice, Field, Needed, integer, json_value, number

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from blackboard.control_records import Escalation
    from controller.viewer.forms import Kind

CHOICE: Final = "choice"
VALUE: Final = "value"
ANSWER: Final = "answer"
MOST_PROPERTIES: Final = 20
"""an object with more of them is typed as JSON"""
MOST_SHOWN: Final = 400
"""characters of a value, or of a schema, that are shown beside a question"""
_KINDS: Final[Mapping[str, Kind]] = {"string": "text", "number": "number", "integer": "integer"}


def answer_fields(question: Escalation) -> tuple[Field, ...]:
    """What is filled in to answer ``question``, beside the reason."""
    if question["choices"]:
        return tuple(_choosing(question))
    schema = question["schema"]
    properties = flat_properties(schema)
    if properties is not None:
        needed = set(_texts(schema.get("required") if schema else None))
        fields = [
            _scalar(f"{ANSWER}.{number}", name, each, required=name in needed)
            for number, (name, each) in enumerate(properties.items())
        ]
        return tuple(field for field in fields if field is not None)
    one = _scalar(ANSWER, "answer", schema if schema is not None else {"type": "string"}, required=True)
    if one is not None:
        return (one,)
    return (Field(ANSWER, "answer", "json", required=True, hint=f"JSON that fits {_short(schema)}"),)


def answer_of(question: Escalation, values: Mapping[str, str]) -> tuple[str, Any]:
    """The choice, ``""`` for none, and the value, ``None`` for none, that ``values`` are.

    Raises :class:`InvalidInput` and :class:`UsageError` where they are no answer.
    """
    if question["choices"]:
        choice = values.get(CHOICE, "")
        return choice, _there(json_value(values.get(VALUE, ""))) if decides(question, choice) else None
    properties = flat_properties(question["schema"])
    if properties is not None:
        answer: dict[str, Any] = {}
        for place, (name, each) in enumerate(properties.items()):
            text = values.get(f"{ANSWER}.{place}", "")
            if text.strip():
                answer[name] = _parsed(_scalar(ANSWER, name, each, required=False), text)
        return "", answer
    text, schema = values.get(ANSWER, ""), question["schema"]
    if schema is None:
        return text, None
    parsed = _parsed(_scalar(ANSWER, "", schema, required=True), text)
    return (parsed, None) if isinstance(parsed, str) else ("", _there(parsed))


def background(question: Escalation) -> Iterator[str]:
    """What one should know to answer, a paragraph each: what is asked, by whom, and what would be written."""
    yield question["question"]
    yield f"asked by {question['agent']} for {question['case']}"
    proposal = question.get("proposal")
    if proposal is not None:
        writes = proposal["writes"]
        for one in writes[:5]:
            yield (
                f"would write {one['key']} = {_short(one['value'])}" if "value" in one else f"would remove {one['key']}"
            )
        if len(writes) > 5:
            yield f"and {counted(len(writes) - 5, 'more write')}"
        if "omitted" in proposal:
            yield proposal["omitted"]
    elif question["answer_to"]:
        yield f"the answer is written to {question['answer_to']}"


def flat_properties(schema: Mapping[str, Any] | None) -> dict[str, dict[str, Any]] | None:
    """The properties of a JSON Schema, where it is that of an object of texts, numbers and truth values; else ``None``."""
    if schema is None or schema.get("type") != "object":
        return None
    properties = schema.get("properties")
    if not isinstance(properties, dict) or not 0 < len(properties) <= MOST_PROPERTIES:
        return None
    if not set(_texts(schema.get("required"))) <= properties.keys():
        return None
    if any(_scalar("", str(name), each, required=False) is None for name, each in properties.items()):
        return None
    return properties


def _choosing(question: Escalation) -> Iterator[Field]:
    choices = tuple(Choice(each, each) for each in question["choices"])
    yield Field(CHOICE, "answer", choices=choices, required=True)
    if DECIDE in question["choices"] and decides(question, DECIDE):
        where = f"JSON; it is written to {question['answer_to']}"
        yield Field(VALUE, "value", "json", required=True, hint=where, only_with=Needed(CHOICE, DECIDE))


def _scalar(name: str, label: str, schema: object, *, required: bool) -> Field | None:
    """The field for a value of ``schema``; ``None`` where that is more than a text, a number or a truth value."""
    if not isinstance(schema, dict):
        return None
    told = schema.get("description")
    hint = first_line(told, 200) if isinstance(told, str) else ""
    kind, listed = schema.get("type"), schema.get("enum")
    if isinstance(listed, list) and listed and all(isinstance(one, str | int | float | bool) for one in listed):
        choices = [Choice(json.dumps(one), one if isinstance(one, str) else json.dumps(one)) for one in listed]
        return _chosen(name, label, choices, hint, required=required)
    if kind == "boolean":
        choices = [Choice("true", "true"), Choice("false", "false")]
        return _chosen(name, label, choices, hint, required=required)
    if isinstance(kind, str) and kind in _KINDS:
        said = {"text": "", "number": "a number", "integer": "a whole number"}[_KINDS[kind]]
        return Field(name, label, _KINDS[kind], required=required, hint=hint or said)
    return None


def _chosen(name: str, label: str, choices: Sequence[Choice], hint: str, *, required: bool) -> Field:
    none = () if required else (Choice("", "leave it out"),)
    return Field(name, label, choices=(*none, *choices), required=required, hint=hint)


def _parsed(field: Field | None, text: str) -> Any:
    """What ``text`` says in ``field``; JSON where it is none that a scalar is typed into."""
    if field is None or field.choices:
        return json_value(text)
    if field.kind == "text":
        return text
    return integer(text) if field.kind == "integer" else number(text)


def _there(value: Any) -> Any:
    if value is None:
        raise UsageError("null is no answer: write a value")
    return value


def _texts(found: object) -> list[str]:
    return [one for one in found if isinstance(one, str)] if isinstance(found, list) else []


def _short(value: object) -> str:
    text = format_json(value)
    return text if len(text) <= MOST_SHOWN else text[: MOST_SHOWN - 1] + "…"
