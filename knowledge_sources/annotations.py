"""What the annotations of an agent's function mean, read once, when the agent is declared."""

from __future__ import annotations

import dataclasses
import inspect
import types
import typing
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple, TypeAlias

from blackboard.errors import InvalidInput

Validator: TypeAlias = Callable[[Any], Any]


class Namespace(NamedTuple):
    """Where the names in an annotation are looked up: the function's module, then what is local to it."""

    module: Mapping[str, Any]
    local: Mapping[str, Any]


def namespace_of(fn: Callable[..., Any], frame: types.FrameType | None) -> Namespace:
    """The names that ``fn``'s annotations may use: its module's, its closure's, and those of ``frame``.

    ``frame`` is where it is declared: an annotation is text, so a class of an enclosing function is in no closure.
    """
    code = getattr(fn, "__code__", None)
    cells = getattr(fn, "__closure__", None) or ()
    local: dict[str, Any] = dict(frame.f_locals) if frame is not None else {}
    for name, cell in zip(code.co_freevars if code else (), cells, strict=True):
        try:
            local[name] = cell.cell_contents
        except ValueError:  # a name that is bound later, such as the function's own
            continue
    return Namespace(getattr(fn, "__globals__", {}), local)


def declaring_frame(depth: int) -> types.FrameType | None:
    """The frame that is ``depth`` calls above the caller's."""
    frame = inspect.currentframe()
    for _ in range(depth + 1):
        frame = frame.f_back if frame is not None else None
    return frame


def resolve(name: str, annotation: Any, namespace: Namespace) -> Any:
    """The type that ``annotation`` names, or ``None`` where there is none; raises :class:`InvalidInput`."""
    if annotation is inspect.Parameter.empty or annotation is None:
        return None
    holder = types.SimpleNamespace(__annotations__={name: annotation})
    try:
        hints = typing.get_type_hints(holder, dict(namespace.module), dict(namespace.local), include_extras=True)
    except Exception as error:
        what = "the return annotation" if name == "return" else f"the annotation of parameter {name!r}"
        hint = "; a name imported under TYPE_CHECKING is not there at run time" if isinstance(error, NameError) else ""
        raise InvalidInput(f"{what}, {describe(annotation)}, cannot be read: {error}{hint}") from error
    return hints[name]


def validator_of(annotation: Any) -> Validator | None:
    """What turns a record's value into ``annotation``, or ``None`` where the raw value is meant.

    Validated are pydantic models, dataclasses and what is made of them: ``list[Item]``, ``Item | None``.  Raises
    :class:`InvalidInput` where pydantic has no validation for it.
    """
    if not _is_structured(annotation):
        return None
    validate = getattr(annotation, "model_validate", None)
    if validate is not None:
        return typing.cast("Validator", validate)
    from pydantic import TypeAdapter, errors  # noqa: PLC0415 - 0.1 s that an agent without models does not pay

    try:
        return TypeAdapter(annotation).validate_python
    except (errors.PydanticUserError, errors.PydanticUndefinedAnnotation) as error:
        raise InvalidInput(f"no record can be validated as {describe(annotation)}: {error.message}") from error


def is_model(annotation: Any) -> bool:
    """Whether ``annotation`` is a pydantic model."""
    return isinstance(annotation, type) and hasattr(annotation, "model_validate")


def schema_of(annotation: Any) -> dict[str, Any]:
    """The JSON Schema of ``annotation``; ``{}``, which is anything, where the raw value is meant."""
    if not _is_structured(annotation):
        return {}
    from pydantic import TypeAdapter  # noqa: PLC0415 - as above

    return TypeAdapter(annotation).json_schema()


def _is_structured(annotation: Any) -> bool:
    if hasattr(annotation, "__pydantic_validator__"):
        return True
    if isinstance(annotation, type) and dataclasses.is_dataclass(annotation):
        return True
    if typing.get_origin(annotation) is typing.Annotated:
        return True
    return any(_is_structured(part) for part in typing.get_args(annotation))


def describe(annotation: Any) -> str:
    """``annotation`` as the program wrote it, about."""
    if isinstance(annotation, str):
        return repr(annotation)
    return annotation.__name__ if isinstance(annotation, type) else str(annotation)


def sentence(error: ValueError) -> str:
    """What a validation found, without the values: the first three places and what each should have been."""
    errors = getattr(error, "errors", None)
    if errors is None:
        return str(error)
    found = errors(include_url=False, include_input=False, include_context=False)
    shown = [f"{'.'.join(str(p) for p in one['loc']) or 'value'}: {one['msg']}" for one in found[:3]]
    return "; ".join(shown) + (f"; and {len(found) - 3} more" if len(found) > 3 else "")
