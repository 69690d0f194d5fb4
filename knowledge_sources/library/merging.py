"""Several values made one, by rules that need no model: where two differ, the one that comes first counts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from blackboard.codec import pack_value
from blackboard.errors import InvalidInput

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence


def first(values: Sequence[Any]) -> Any:
    """The first value."""
    return values[0]


def union(values: Sequence[Any]) -> Any:
    """Mappings: every key, with its first value.  Lists: every item once.  Raises :class:`InvalidInput` for others."""
    return _merged(values, lambda found: found[0])


def deep(values: Sequence[Any]) -> Any:
    """As :func:`union`, and again below every key whose values are all mappings or all lists."""
    return _merged(values, _deeper)


RULES: Final[Mapping[str, Callable[[Sequence[Any]], Any]]] = {"first": first, "union": union, "deep": deep}


def _merged(values: Sequence[Any], below: Callable[[list[Any]], Any]) -> Any:
    if all(isinstance(value, dict) for value in values):
        found: dict[str, list[Any]] = {}
        for value in values:
            for key, item in value.items():
                found.setdefault(key, []).append(item)
        return {key: below(items) for key, items in found.items()}
    if all(isinstance(value, list) for value in values):
        once: dict[bytes, Any] = {}
        for value in values:
            for item in value:
                once.setdefault(pack_value(item), item)  # 1, 1.0 and true are equal in Python and differ on a board
        return list(once.values())
    kinds = ", ".join(sorted({type(value).__name__ for value in values}))
    raise InvalidInput(f"neither all mappings nor all lists, which alone can be merged: {kinds}")


def _deeper(values: list[Any]) -> Any:
    alike = all(isinstance(value, dict) for value in values) or all(isinstance(value, list) for value in values)
    return _merged(values, _deeper) if alike else values[0]
