"""The closures of comparisons, apart from how their operands are found."""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping
from typing import Any, Final, TypeAlias

from blackboard.predicate.values import ERROR, Scalar, equal, ordered

Run: TypeAlias = Callable[[Any, Mapping[str, str] | None, Any], Any]
"""``run(value, captures, record)`` → a value, True, False or ERROR; never raises."""

ORDERS: Final[dict[str, Callable[[Any, Any], bool]]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}
MIRRORED: Final = {"==": "==", "!=": "!=", "<": ">", "<=": ">=", ">": "<", ">=": "<="}
"""The operator that says the same with its sides changed over."""


def compare_both(left: Run, right: Run, name: str) -> Run:
    """Two operands that may be anything."""
    if name in ORDERS:
        return _order_both(left, right, ORDERS[name])
    wanted = name == "=="

    def run(value: Any, captures: Mapping[str, str] | None, record: Any) -> Any:
        first, second = left(value, captures, record), right(value, captures, record)
        if first is ERROR or second is ERROR:
            return ERROR
        return equal(first, second) is wanted

    return run


def _order_both(left: Run, right: Run, compare: Callable[[Any, Any], bool]) -> Run:
    def run(value: Any, captures: Mapping[str, str] | None, record: Any) -> Any:
        first, second = left(value, captures, record), right(value, captures, record)
        return compare(first, second) if ordered(first, second) else ERROR

    return run


def against_literal(name: str, literal: Scalar) -> Callable[[Any], Any]:
    """The test of a found value against a literal on its right."""
    if name in ORDERS:
        compare = ORDERS[name]
        return lambda found: compare(found, literal) if ordered(found, literal) else ERROR
    wanted = name == "=="
    return lambda found: equal(found, literal) is wanted


def field_against_literal(field: str, name: str, literal: Any) -> Run:
    """One field of the value against a literal, looked up right here: the shape that fills scenario files."""
    if name in ORDERS:
        numbers = type(literal) is int or type(literal) is float
        return _field_order(field, ORDERS[name], literal, numbers=numbers)
    if type(literal) is str:
        return _field_is_text(field, literal, wanted=name == "==")
    compare = against_literal(name, literal)

    def run(value: Any, _captures: Mapping[str, str] | None, _record: Any) -> Any:
        try:
            return compare(value[field])
        except (KeyError, TypeError):
            return ERROR

    return run


def _field_is_text(field: str, literal: str, *, wanted: bool) -> Run:
    def run(value: Any, _captures: Mapping[str, str] | None, _record: Any) -> Any:
        try:
            return (value[field] == literal) is wanted
        except (KeyError, TypeError):
            return ERROR

    return run


def _field_order(field: str, compare: Callable[[Any, Any], bool], literal: Any, *, numbers: bool) -> Run:
    wanted, also = (int, float) if numbers else (type(literal), type(literal))

    def run(value: Any, _captures: Mapping[str, str] | None, _record: Any) -> Any:
        try:
            found = value[field]
        except (KeyError, TypeError):
            return ERROR
        kind = type(found)
        return compare(found, literal) if kind is wanted or kind is also else ERROR

    return run
