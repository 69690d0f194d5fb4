"""Schemas of regions from pydantic models and JSON Schemas, and from the records in which a board keeps them."""

from __future__ import annotations

import json
from itertools import count
from typing import TYPE_CHECKING, Any

from blackboard.control_records import SCHEMAS, RegionSchema
from blackboard.control_shapes import is_sound
from blackboard.errors import InvalidInput
from blackboard.keys import CONTROL_REGION
from blackboard.pattern import Pattern
from blackboard.schemas import Schema, Schemas
from knowledge_sources.annotations import sentence
from knowledge_sources.answer_schema import answer_fault, schema_fault

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from blackboard.board import Board


def schema_for(pattern: Pattern | str, shape: type | dict[str, Any], name: str = "") -> Schema:
    """What records at ``pattern`` must be: a pydantic model, what pydantic can validate, or a JSON Schema.

    A value is held to a model as its JSON is, strictly: ``"5"`` is no number.  Raises :class:`InvalidInput` for a
    shape that is none of these, and for a pattern with a condition or under ``control/``.
    """
    parsed = Pattern.parse(pattern) if isinstance(pattern, str) else pattern
    if parsed.predicate is not None:
        raise InvalidInput(f"a schema is bound to keys, without a condition: leave out 'where …' of {parsed.text!r}")
    if parsed.region == CONTROL_REGION:
        raise InvalidInput(f"{parsed.text!r}: control/ is written by the runtime alone")
    if isinstance(shape, dict):
        wrong = schema_fault(shape)
        if wrong:
            raise InvalidInput(f"the schema of {parsed.text} is no JSON Schema: {wrong}")
        called = name or str(shape.get("title", "")) or "schema"
        return Schema(parsed, called, lambda value: answer_fault(shape, value), shape)
    return _of_model(parsed, shape, name or getattr(shape, "__name__", "schema"))


def _of_model(pattern: Pattern, model: Any, name: str) -> Schema:
    from pydantic import TypeAdapter, errors  # noqa: PLC0415  # 0.1 s that a board without schemas does not pay

    try:
        adapter = TypeAdapter(model)
        document: dict[str, Any] = json.loads(json.dumps(adapter.json_schema(), default=str))
    except (errors.PydanticUserError, errors.PydanticUndefinedAnnotation, TypeError) as error:
        raise InvalidInput(f"the schema of {pattern.text}: {name} is no model: {error}") from error
    return Schema(pattern, name, _fault_of(adapter.validate_json), document)


def _fault_of(validate: Callable[..., object]) -> Callable[[Any], str]:
    def fault(value: Any) -> str:
        try:
            validate(json.dumps(value, allow_nan=False), strict=True)
        except ValueError as error:  # pydantic's is one
            return sentence(error)
        except TypeError as error:
            return f"value: {error}"
        except Exception as error:  # noqa: BLE001  # a validator of the user's own: what it cannot judge does not fit
            return f"value: its validation raised {type(error).__name__}: {error}"
        return ""

    return fault


def schema_records(schemas: Iterable[Schema]) -> dict[str, RegionSchema]:
    """The records in which a board keeps ``schemas``, by key."""
    return {
        f"{SCHEMAS}{number}": {"pattern": one.pattern.text, "name": one.name, "schema": one.document}
        for number, one in enumerate(schemas)
    }


async def hold_to_schemas(board: Board) -> None:
    """Hold what this process writes to ``board`` to the schemas that are kept there, unless it has been told of some.

    Raises :class:`InvalidInput` where one that is kept cannot be followed: nothing is written unchecked.
    """
    if board.schemas is not None:
        return
    kept: list[Schema] = []
    for number in count():  # they are numbered without a gap, and the region that they are in may be large
        record = await board.get(f"{SCHEMAS}{number}")
        if record is None:
            break
        if is_sound(record):
            kept.append(_of_record(record.value))
    board.schemas = Schemas(kept) if kept else None


def _of_record(kept: RegionSchema) -> Schema:
    try:
        return schema_for(kept["pattern"], kept["schema"], kept["name"])
    except InvalidInput as error:
        raise InvalidInput(f"a schema that the board keeps cannot be followed: {error}") from error
