"""JSON from outside, read without the liberties that Python's reader takes."""

from __future__ import annotations

import json
import math
from typing import Any, Final, NoReturn

from blackboard.errors import InvalidInput

MAX_TEXT: Final = 2 << 20
"""characters; what a value of 1 MiB needs, and too few to fill the memory with empty arrays"""


def parse_json(text: str, *, place: str = "") -> Any:
    """The value of ``text``: None, bool, int, finite float, str, and lists and dicts of these.

    Refused with :class:`InvalidInput`, after ``place``: NaN and infinities, a field named twice in one object,
    nesting deeper than the reader can follow, texts above 2 MiB, and everything else that is not JSON.
    """
    if len(text) > MAX_TEXT:
        raise InvalidInput(f"{len(text):,} characters of JSON, more than {MAX_TEXT:,}", place=place)
    try:
        return json.loads(
            text, object_pairs_hook=_unique_fields, parse_constant=_refuse_constant, parse_float=_finite_float
        )
    except json.JSONDecodeError as error:
        reason = f"not JSON: {error.msg} (line {error.lineno}, column {error.colno})"
        raise InvalidInput(reason, place=place) from error
    except RecursionError as error:
        raise InvalidInput("nested too deeply", place=place) from error
    except ValueError as error:
        raise InvalidInput(str(error), place=place) from error


def _unique_fields(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    fields: dict[str, Any] = {}
    for name, value in pairs:
        if name in fields:
            raise ValueError(f"the field {name[:80]!r} is there twice")
        fields[name] = value
    return fields


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


def _finite_float(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError(f"{text[:40]} is too large for a number")
    return number
