"""What equality, order, membership and size mean between values, and the third truth value.

Values are what a record holds: None, bool, int, float, str, bytes, and lists and string-keyed
dicts of these, at most 64 levels deep.
"""

from __future__ import annotations

import enum
from typing import Final, TypeAlias

Scalar: TypeAlias = str | int | float | bool | None
"""What a literal can be, lists apart."""


class Error(enum.Enum):
    """The type of :data:`ERROR`, so that a type checker can tell it from True and False."""

    ERROR = "error"

    def __bool__(self) -> bool:
        return False

    def __repr__(self) -> str:
        return "ERROR"


ERROR: Final = Error.ERROR
"""The value of what has none: a missing field, an order between types.  It is no match, and falsy."""


def equal(left: object, right: object) -> bool:
    """Whether two values are the same; across types they never are.

    int and float are one type here and compare exactly, also above 2**53; bool is not a number.
    """
    kind = type(left)
    if kind is int or kind is float:
        return (type(right) is int or type(right) is float) and left == right
    if kind is list or kind is tuple:
        return (
            isinstance(left, list | tuple)
            and isinstance(right, list | tuple)
            and len(left) == len(right)
            and all(map(equal, left, right))
        )
    if isinstance(left, dict):
        return (
            isinstance(right, dict)
            and len(left) == len(right)
            and all(key in right and equal(item, right[key]) for key, item in left.items())
        )
    return type(right) is kind and left == right


def ordered(left: object, right: object) -> bool:
    """Whether two values have an order: two numbers, two strings, two bytes or two bools."""
    kind = type(left)
    if kind is int or kind is float:
        return type(right) is int or type(right) is float
    return type(right) is kind and (kind is str or kind is bytes or kind is bool)


def contained(item: object, container: object) -> bool | Error:
    """Whether ``item`` is an element of a list or a key of a map; ERROR for anything else."""
    if isinstance(container, list | tuple):
        return any(equal(item, element) for element in container)
    if isinstance(container, dict):
        return type(item) is str and item in container
    return ERROR


def size(value: object) -> int | Error:
    """Code points of a string, elements of a list, entries of a map, bytes of bytes."""
    return len(value) if isinstance(value, str | list | tuple | dict | bytes) else ERROR


def negative(value: object) -> int | float | Error:
    """``-value``; ERROR for what is no number and where a signed 64-bit integer would overflow."""
    if type(value) is float:
        return -value
    if type(value) is int and -(1 << 63) < value <= 1 << 63:
        return -value
    return ERROR


def term(value: object) -> tuple[str, Scalar | bytes] | None:
    """A hashable stand-in for a scalar: two scalars are :func:`equal` if and only if their terms are ``==``.

    ``None`` for lists and maps.  Python itself would put ``1`` and ``True`` in one bucket.
    """
    if type(value) is str:
        return ("string", value)
    if type(value) is bool:
        return ("bool", value)
    if type(value) is int or type(value) is float:
        return ("number", value)
    if value is None:
        return ("null", None)
    if type(value) is bytes:
        return ("bytes", value)
    return None
