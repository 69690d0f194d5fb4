"""The parameters of a template: a pydantic model, and the kinds of values that its fields have."""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, Annotated, Any, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, PlainValidator, ValidationError, ValidationInfo
from pydantic_core import PydanticCustomError

from blackboard.errors import InvalidInput
from blackboard.pattern import Pattern
from knowledge_sources.calling import Code
from knowledge_sources.declaration import duration_ms, parse_watches
from knowledge_sources.nearest import did_you_mean
from knowledge_sources.template import InvalidParameters, Misuse

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path


class Parameters(BaseModel):
    """What a template is given; frozen, and an unknown name is an error."""

    model_config = ConfigDict(
        extra="forbid", frozen=True, strict=True, arbitrary_types_allowed=True, allow_inf_nan=False
    )

    @classmethod
    def names(cls) -> tuple[str, ...]:
        """What the parameters are called."""
        return tuple(field.alias or name for name, field in cls.model_fields.items())

    @classmethod
    def checked(cls, template: str, given: Mapping[str, Any], base: Path | None) -> Self:
        """The parameters in ``given``; raises :class:`InvalidParameters` with the path of each that is wrong."""
        try:
            return cls.model_validate(dict(given), context={"base": base})
        except ValidationError as error:
            misuses = [_misuse(cls, detail) for detail in error.errors(include_url=False)]
            raise InvalidParameters(template, misuses) from error


def _misuse(model: type[Parameters], detail: Any) -> Misuse:
    path = tuple(part for part in detail["loc"] if isinstance(part, int) or not part.startswith("function-"))
    match detail["type"]:
        case "refused":
            below = detail["ctx"]["below"]
            return Misuse((*path, *below), str(detail["ctx"]["reason"]))
        case "missing":
            return Misuse(path, "is missing")
        case "extra_forbidden":
            hint = did_you_mean(str(path[-1]), model.names()) if len(path) == 1 else ""
            return Misuse(path, f"unknown parameter{hint}")
        case _:
            found = repr(detail["input"])
            message = detail["msg"].removeprefix("Input ")
            return Misuse(path, f"{message}, not {found if len(found) < 60 else found[:59] + '…'}")


def refuse(error: InvalidInput | str, *below: str | int) -> PydanticCustomError:
    """The error of a validator: what is shown, and the path below the parameter at which it is wrong."""
    reason = error if isinstance(error, str) else error.reason
    return PydanticCustomError("refused", "refused", {"reason": reason, "below": below})


def _pattern(value: object) -> Pattern:
    if isinstance(value, Pattern):
        return value
    if not isinstance(value, str):
        raise refuse(f"{value!r} is not a pattern")
    try:
        return Pattern.parse(value)
    except InvalidInput as error:
        raise refuse(str(error)) from error


def _key(value: object) -> Pattern:
    pattern = _pattern(value)
    if pattern.predicate is not None:
        raise refuse("a key has no condition: leave out 'where …'")
    if any(each.kind in ("any", "rest") for each in pattern.segments):
        raise refuse("a key has no wildcards: write captures in braces, as in plan/{case}")
    return pattern


def _watches(value: object) -> Any:
    try:
        parse_watches(value)  # type: ignore[arg-type]  # what it is not, it says
    except InvalidInput as error:
        raise refuse(str(error)) from error
    return value


def _duration(value: object) -> int:
    try:
        return duration_ms(value, "it")
    except InvalidInput as error:
        raise refuse(error.reason.removeprefix("it: ").removeprefix("it=")) from error


def _switch(value: object) -> bool:
    if isinstance(value, bool):
        return value
    if value in ("on", "off"):
        return value == "on"
    raise refuse(f"{value!r} is neither on nor off")


def taking(*offered: str) -> Callable[[object, ValidationInfo], Code]:
    """The validator of a parameter that is a function with some of the parameters ``offered``, ``ctx`` being one."""

    def code(value: object, info: ValidationInfo) -> Code:
        from knowledge_sources.loading import load_function  # noqa: PLC0415 - it knows templates, and so this module

        try:
            found = value if not isinstance(value, str) else load_function(value, (info.context or {}).get("base"))
            if not inspect.isroutine(found):
                raise refuse(f"{value!r} is no function: write ./file.py:name or module:name")
            return Code.of(found, offered)
        except InvalidInput as error:
            raise refuse(str(error)) from error

    return code


def _as_list(value: object) -> object:
    return [value] if isinstance(value, str) else list(value) if isinstance(value, tuple) else value


PatternText = Annotated[Pattern, PlainValidator(_pattern)]
KeyText = Annotated[Pattern, PlainValidator(_key)]
"""A key with captures in braces, without wildcards or a condition."""
WatchTexts = Annotated[Any, PlainValidator(_watches)]
"""A pattern, a list of them, or ``{alias: pattern}``, as the decorators take them."""
Switch = Annotated[bool, PlainValidator(_switch)]
"""``on`` or ``off``; ``true`` and ``false`` too."""
DurationMs = Annotated[int, PlainValidator(_duration)]
Texts = Annotated[list[str], BeforeValidator(_as_list)]
"""One text or a list of them."""
