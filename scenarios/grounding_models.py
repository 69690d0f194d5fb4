"""What a scenario file says of what may be believed: which keys wait for a validator, and what records must be."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, BeforeValidator, Field
from pydantic_core import PydanticCustomError

from blackboard.errors import InvalidInput
from blackboard.keys import CONTROL_REGION
from blackboard.pattern import Pattern
from scenarios.fields import FileName, PatternField


def _one_or_more(value: object) -> object:
    return (value,) if isinstance(value, str) else value


def _keys_alone(pattern: Pattern) -> Pattern:
    reason = ""
    if pattern.predicate is not None:
        reason = "says which keys, without a condition: leave out 'where …'"
    elif pattern.region == CONTROL_REGION:
        reason = "control/ is written by the runtime alone"
    if reason:
        raise PydanticCustomError("refused", "refused", {"reason": reason, "column": 0})
    return pattern


def _key_text(text: str) -> str:
    try:
        return _keys_alone(Pattern.parse(text)).text
    except InvalidInput as error:
        raise PydanticCustomError("refused", "refused", {"reason": error.reason, "column": 0}) from error


ValidatedKeys = Annotated[
    tuple[Annotated[PatternField, AfterValidator(_keys_alone)], ...],
    BeforeValidator(_one_or_more),
    Field(strict=False),
]
"""One key pattern or a list of them."""

SchemaNames = dict[Annotated[str, AfterValidator(_key_text)], FileName]
"""Key pattern → ``./file.py:Model``."""
