"""Control records as others wrote them: checked against their shapes where they are read, in this one place.

The runtime's own writes need no check, but whoever has the server's credentials can write what he likes under
``control/``.  A reader takes records through :func:`sound`, which passes over those of a wrong shape and says so, or
through :func:`checked`, which raises.  Fields that a shape does not name are no fault.
"""

from __future__ import annotations

import logging
from functools import cache
from typing import (
    TYPE_CHECKING,
    Annotated,
    Any,
    Final,
    Literal,
    NotRequired,
    TypeVar,
    get_args,
    get_origin,
    get_type_hints,
    is_typeddict,
)

from blackboard.codec import check_time
from blackboard.control_records import CONTROL, SHAPES, Count
from blackboard.errors import Corrupt

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from blackboard.record import Record

    Check = Callable[[Any], str]
    """what is wrong with a value; ``""`` for nothing"""

_log = logging.getLogger(__name__)
_MOST: Final = 1 << 53
_SUMMED: Final = frozenset({"agents_seconds", "cost", "seconds", "share"})
_MOST_SUMMED: Final = 1e30
"""far beyond what the runtime writes in those fields, so that what readers add up stays finite"""
R = TypeVar("R", bound="Record[Any]")


def checked(record: R) -> R:
    """``record`` if its value has the shape that its key asks for; raises :class:`Corrupt` that names both."""
    if not record.key.startswith(CONTROL):
        return record
    shape = SHAPES.get(record.key) or SHAPES.get("/".join(record.key.split("/", 2)[:2]) + "/")
    wrong = wrong_in(record.value, shape) if shape is not None else ""
    if wrong:
        raise Corrupt(f"the record {record.key!r} is not what the runtime writes there: {wrong}")
    return record


def is_sound(record: Record[Any]) -> bool:
    """Whether :func:`checked` lets ``record`` through; one that it does not is named in a warning."""
    try:
        checked(record)
    except Corrupt as error:
        _log.warning("passed over: %s", error)
        return False
    return True


def sound(records: Iterable[R]) -> Iterator[R]:
    """Those of ``records`` that :func:`checked` lets through; the others are named in a warning."""
    return filter(is_sound, records)


class Sieve:
    """:func:`sound` for who looks at the same records again and again: each version is checked, and told of, once."""

    def __init__(self) -> None:
        self._known: dict[str, tuple[str, bool]] = {}

    def sound(self, records: Iterable[R]) -> list[R]:
        """Those of ``records`` that have the shape of their key."""
        return [record for record in records if not record.key.startswith(CONTROL) or self._fits(record)]

    def _fits(self, record: Record[Any]) -> bool:
        commit, fits = self._known.get(record.key, ("", False))
        if commit != record.commit:
            fits = is_sound(record)
            self._known[record.key] = (record.commit, fits)
        return fits


def wrong_in(value: Any, shape: Any) -> str:
    """What keeps ``value`` from being of ``shape``, a type as :mod:`blackboard.control_records` uses them; or ``""``."""
    return _check_of(shape)(value)


@cache
def _check_of(shape: Any) -> Check:
    """The check for a type as :mod:`blackboard.control_records` uses them."""
    origin, arguments = get_origin(shape), get_args(shape)
    if is_typeddict(shape):
        return _mapping_check(shape)
    if origin is Annotated:
        return _counted_check(arguments)
    if origin is Literal:
        allowed = frozenset(arguments)
        return lambda value: (
            "" if isinstance(value, str) and value in allowed else f"{_short(value)} is none of its values"
        )
    if origin is list:
        return _list_check(_check_of(arguments[0]))
    if origin is dict:
        return _dict_check(_check_of(arguments[1]))
    if arguments:  # a union
        checks = [_check_of(one) for one in arguments]
        return lambda value: min((check(value) for check in checks), key=len)
    return _plain_check(shape)


def _plain_check(kind: Any) -> Check:
    if kind is Any:
        return lambda _: ""
    if kind is float:
        return lambda value: "" if type(value) in (float, int) else f"{_short(value)} is no number"
    if kind is int:
        return lambda value: "" if type(value) is int and -_MOST < value < _MOST else f"{_short(value)} is no number"
    name = "null" if kind is type(None) else kind.__name__
    return lambda value: "" if type(value) is kind else f"{_short(value)} is no {name}"


def _mapping_check(shape: Any) -> Check:
    hints = get_type_hints(shape, include_extras=True)
    required: list[tuple[str, Check]] = []
    optional: list[tuple[str, Check]] = []
    for field, hint in hints.items():
        if get_origin(hint) is NotRequired:
            optional.append((field, _field_check(field, get_args(hint)[0])))
        elif not shape.__total__:
            optional.append((field, _field_check(field, hint)))
        else:
            required.append((field, _field_check(field, hint)))

    def check(value: Any) -> str:
        if type(value) is not dict:
            return f"{_short(value)} is no mapping"
        for field, look in required:
            wrong = look(value[field]) if field in value else "it is missing"
            if wrong:
                return f"{field}: {wrong}"
        for field, look in optional:
            wrong = look(value[field]) if field in value else ""
            if wrong:
                return f"{field}: {wrong}"
        return ""

    return check


def _field_check(field: str, hint: Any) -> Check:
    if field.endswith("_ms") and hint is int and field != "waited_ms":  # clocks differ, so that one may be below 0
        return _time_wrong
    return _summed_wrong if field in _SUMMED and hint is float else _check_of(hint)


def _summed_wrong(value: Any) -> str:
    if type(value) not in (float, int):
        return f"{_short(value)} is no number"
    return "" if -_MOST_SUMMED <= value <= _MOST_SUMMED else f"{_short(value)} is beyond what is written"


def _time_wrong(value: Any) -> str:
    if type(value) is not int:
        return f"{_short(value)} is no number"
    try:
        check_time(value)
    except ValueError as error:
        return str(error)
    return ""


def _list_check(check: Check) -> Check:
    def look(value: Any) -> str:
        if type(value) is not list:
            return f"{_short(value)} is no list"
        return next((wrong for item in value if (wrong := check(item))), "")

    return look


def _dict_check(check: Check) -> Check:
    def look(value: Any) -> str:
        if type(value) is not dict:
            return f"{_short(value)} is no mapping"
        return next((wrong for item in value.values() if (wrong := check(item))), "")

    return look


def _counted_check(arguments: tuple[Any, ...]) -> Check:
    check, (count,) = _check_of(arguments[0]), [one for one in arguments[1:] if isinstance(one, Count)]
    return lambda value: (
        check(value) or ("" if len(value) == count.items else f"{_short(value)} has not {count.items} items")
    )


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else text[:59] + "…"
