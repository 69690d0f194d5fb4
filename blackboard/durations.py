"""Spans of time as people write them: ``30s``, ``500ms``, ``2m``, ``1.5h``.

A bare number is refused, because nobody can see whether it means seconds or milliseconds.
"""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Final

from blackboard.errors import InvalidInput

MAX_DURATION_MS: Final = 365 * 24 * 3600 * 1000

_DURATION = re.compile(r"([0-9]{1,12}(?:\.[0-9]{1,6})?)(ms|s|m|h|d)\Z")
_UNIT_MS: Final = {"ms": 1, "s": 1000, "m": 60_000, "h": 3_600_000, "d": 86_400_000}


def parse_duration(text: str) -> int:
    """The milliseconds in ``text``: one number with ``ms``, ``s``, ``m``, ``h`` or ``d``, at most 365 days.

    Raises :class:`InvalidInput`, also where the number is not a whole count of milliseconds.
    """
    match = _DURATION.match(text)
    if match is None:
        raise InvalidInput(f"{text[:40]!r} is not a duration: write a number and a unit, like 500ms, 30s, 2m, 1h")
    milliseconds = Decimal(match[1]) * _UNIT_MS[match[2]]
    if milliseconds != int(milliseconds):
        raise InvalidInput(f"{text!r} is not a whole number of milliseconds")
    if milliseconds > MAX_DURATION_MS:
        raise InvalidInput(f"{text!r} is longer than 365 days")
    return int(milliseconds)


def format_duration(duration_ms: int) -> str:
    """The shortest text that :func:`parse_duration` reads as ``duration_ms``."""
    for unit in ("d", "h", "m", "s"):
        if duration_ms and duration_ms % _UNIT_MS[unit] == 0:
            return f"{duration_ms // _UNIT_MS[unit]}{unit}"
    return f"{duration_ms}ms"
