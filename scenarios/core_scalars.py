"""What a plain YAML scalar means: the core schema of YAML 1.2 and nothing else.

``no``, ``on``, ``off`` and ``yes`` are text, ``0o7`` is seven, ``010`` is ten, ``1:30`` and
``2024-01-01`` are text.  Numbers that a record cannot hold are refused, not rounded.
"""

from __future__ import annotations

import math
import re
from typing import Final, TypeAlias

from blackboard.errors import InvalidInput

Scalar: TypeAlias = str | int | float | bool | None

_NULLS: Final = frozenset({"", "~", "null", "Null", "NULL"})
_TRUE: Final = frozenset({"true", "True", "TRUE"})
_FALSE: Final = frozenset({"false", "False", "FALSE"})
_DECIMAL = re.compile(r"[-+]?[0-9]+\Z")
_BASED = re.compile(r"0o[0-7]+\Z|0x[0-9a-fA-F]+\Z")
_FLOAT = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?\Z")
_NOT_FINITE = re.compile(r"[-+]?\.(?:inf|Inf|INF)\Z|\.(?:nan|NaN|NAN)\Z")
_LONGEST_NUMBER: Final = 64
_TAG: Final = "tag:yaml.org,2002:"


def resolve_plain(text: str) -> Scalar:
    """The value of an unquoted, untagged scalar; raises :class:`InvalidInput` for a number no record holds."""
    if text in _NULLS:
        return None
    if text in _TRUE or text in _FALSE:
        return text in _TRUE
    if text[0] in "-+.0123456789":
        return _number(text)
    return text


def _number(text: str) -> Scalar:
    if _NOT_FINITE.match(text):
        raise InvalidInput(f"{text} is not a number that a record holds; quote it if it is text")
    decimal, based = _DECIMAL.match(text), _BASED.match(text)
    if not (decimal or based or _FLOAT.match(text)):
        return text
    if len(text) > _LONGEST_NUMBER:
        raise InvalidInput(f"a number of {len(text):,} characters; quote it if it is text")
    if decimal or based:
        number = int(text) if decimal else int(text, 0)
        if not -(1 << 63) <= number < 1 << 64:
            raise InvalidInput(f"{text} is an integer above 64 bits; quote it if it is text")
        return number
    value = float(text)
    if not math.isfinite(value):
        raise InvalidInput(f"{text} is too large for a number; quote it if it is text")
    return value


def resolve_tagged(text: str, tag: str) -> Scalar:
    """The value of a scalar with one of the core tags; raises :class:`InvalidInput` for any other tag."""
    if tag in ("!", _TAG + "str"):
        return text
    if not tag.startswith(_TAG) or tag.removeprefix(_TAG) not in ("null", "bool", "int", "float"):
        raise InvalidInput(f"tag {tag[:80]!r} is not allowed: only plain data is read")
    kind = tag.removeprefix(_TAG)
    value = resolve_plain(text)
    if kind == "float" and type(value) is int:
        value = float(value)
    if {"null": type(None), "bool": bool, "int": int, "float": float}[kind] is not type(value):
        raise InvalidInput(f"{text[:40]!r} is not a value of tag !!{kind}")
    return value


def check_collection_tag(tag: str | None, kind: str) -> None:
    """Raise :class:`InvalidInput` unless ``tag`` is absent or the core tag of ``kind`` (``map`` or ``seq``)."""
    if tag not in (None, "!", _TAG + kind):
        raise InvalidInput(f"tag {str(tag)[:80]!r} is not allowed: only plain data is read")
