"""Control records for tests that care about a few of their fields: the others are filled in."""

from __future__ import annotations

from typing import Any, Literal, NotRequired, get_args, get_origin, get_type_hints, is_typeddict

from blackboard.control_records import SHAPES


def completed(key: str, value: Any) -> Any:
    """``value`` with every field that a record at ``key`` must have, as empty as it may be; others as they are."""
    shape = SHAPES.get(key) or SHAPES.get("/".join(key.split("/", 2)[:2]) + "/")
    return {**_empty(shape), **value} if shape is not None and isinstance(value, dict) else value


def _empty(shape: Any) -> Any:
    if is_typeddict(shape):
        hints = get_type_hints(shape, include_extras=True).items()
        needed = [(field, hint) for field, hint in hints if shape.__total__ and get_origin(hint) is not NotRequired]
        return {field: _empty(hint) for field, hint in needed}
    if get_origin(shape) is Literal:
        return get_args(shape)[0]
    for kind in (get_origin(shape), shape):
        if kind in (str, int, float, bool, list, dict):
            return kind()
    return None
