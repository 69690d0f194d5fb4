"""The kinds of values in a scenario file: durations, patterns, key templates, names, shares."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Annotated, Any, Final

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, PlainValidator
from pydantic_core import PydanticCustomError

from blackboard.durations import parse_duration
from blackboard.errors import InvalidInput, PatternError
from blackboard.keys import CONTROL_REGION, check_key
from blackboard.pattern import Pattern
from blackboard.retention import parse_size
from knowledge_sources.declaration import check_name
from knowledge_sources.nearest import nearest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

_PERCENT: Final = re.compile(r"[0-9]{1,5}(?:\.[0-9]{1,4})?%\Z")


class Model(BaseModel):
    """A part of a scenario: frozen, and an unknown key is an error."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False)


def kind_by_key(kinds: Mapping[str, str], beside: Iterable[str]) -> Callable[[Any], str | None]:
    """What tells the model of a part from its keys: ``kinds`` has it for the key that only that model has.

    A misspelt key counts as the nearest, but for those that are in ``beside``, which any of the models may have.
    """
    shared = frozenset(beside)

    def kind_of(value: Any) -> str | None:
        if not isinstance(value, dict):
            return None
        for key, model in kinds.items():
            if key in value:
                return model
        near = [found for name in value if name not in shared for found in nearest(str(name), kinds, 1)]
        return kinds[near[0]] if near else None

    return kind_of


def _refuse(reason: str, column: int = 0) -> PydanticCustomError:
    # What validation.py shows is ``reason``; a template would read braces in a pattern as its own.
    return PydanticCustomError("refused", "refused", {"reason": reason, "column": column})


def _duration_ms(value: object) -> int:
    if not isinstance(value, str):
        raise _refuse(f"{value!r} is not a duration: write a number and a unit, like 500ms, 30s, 2m, 1h")
    try:
        return parse_duration(value)
    except InvalidInput as error:
        raise _refuse(error.reason) from error


def positive_duration_ms(value: object) -> int:
    """The milliseconds of a duration that is longer than nothing, for a field of a scenario."""
    duration_ms = _duration_ms(value)
    if not duration_ms:
        raise _refuse("must be longer than nothing")
    return duration_ms


def _pattern(value: object) -> Pattern:
    if not isinstance(value, str):
        raise _refuse(f"{value!r} is not a pattern: write one like 'order/{{order}} where status == \"picked\"'")
    try:
        return Pattern.parse(value)
    except PatternError as error:
        raise _refuse(error.reason, error.column) from error
    except InvalidInput as error:
        raise _refuse(error.reason) from error


def _key_template(value: object) -> Pattern:
    pattern = _pattern(value)
    if pattern.predicate is not None:
        raise _refuse("a key has no condition: leave out 'where …'")
    try:
        check_key(pattern.fill(dict.fromkeys(pattern.captures, "x")))
    except (InvalidInput, KeyError) as error:
        raise _refuse("a key has no wildcards: write a field in braces, as in return/{rma}") from error
    if pattern.region == CONTROL_REGION:
        raise _refuse("control/ is written by the runtime alone")
    return pattern


def _name(value: object) -> str:
    try:
        return check_name(value, "the name")
    except InvalidInput as error:
        raise _refuse(error.reason) from error


def _size_bytes(value: object) -> int:
    if not isinstance(value, str):
        raise _refuse(f"{value!r} is not a size: write a whole number and KB, MB or GB, like 256MB")
    try:
        return parse_size(value)
    except InvalidInput as error:
        raise _refuse(error.reason) from error


def _names(value: object) -> tuple[str, ...]:
    if isinstance(value, str):
        return (_name(value),)
    if not isinstance(value, list | tuple):
        raise _refuse(f"{value!r} is neither a name nor a list of names")
    return tuple(_name(item) for item in value)


def _switch(value: object) -> bool:
    if isinstance(value, bool):
        return value
    if value in ("on", "off"):
        return value == "on"
    raise _refuse(f"{value!r} is neither on nor off")


def _token_budget(value: object) -> int:
    if value == "off":
        return 0
    if isinstance(value, int) and not isinstance(value, bool) and 1 <= value <= 1_000_000_000:
        return value
    raise _refuse(f"{value!r} is no token budget: write a whole number of at least 1, or off")


def _share(value: object) -> float:
    if isinstance(value, str) and _PERCENT.match(value):
        return float(value[:-1]) / 100
    raise _refuse(f"{value!r} is not a share: write a percentage, like 30%")


def _file_name(value: str) -> str:
    if "\0" in value:
        raise _refuse("no file's name has a NUL in it")
    return value


DurationMs = Annotated[int, PlainValidator(_duration_ms)]
"""``30s`` in the file, milliseconds here."""
PositiveDurationMs = Annotated[int, PlainValidator(positive_duration_ms)]
SizeBytes = Annotated[int, PlainValidator(_size_bytes)]
"""``256MB`` in the file, bytes here."""
PatternField = Annotated[Pattern, PlainValidator(_pattern)]
KeyTemplate = Annotated[Pattern, PlainValidator(_key_template)]
"""A key with fields in braces, in no ``control/`` region, without wildcards or a condition."""
Name = Annotated[str, PlainValidator(_name)]
Names = Annotated[tuple[str, ...], PlainValidator(_names)]
"""One name or a list of them."""
Switch = Annotated[bool, PlainValidator(_switch)]
"""``on`` or ``off``; ``true`` and ``false`` too."""
TokenBudget = Annotated[int, PlainValidator(_token_budget)]
"""A number of tokens, or ``off``, which is 0 here: no limit."""
Share = Annotated[float, PlainValidator(_share)]
"""``30%`` in the file, 0.3 here."""
Count = Annotated[int, Field(ge=0, le=1_000_000_000)]
Attempts = Annotated[int, Field(ge=1, le=1_000)]
Money = Annotated[float, Field(gt=0)]
FileName = Annotated[str, Field(min_length=1, max_length=1_000), AfterValidator(_file_name)]
