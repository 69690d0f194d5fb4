"""A path: where in a value, or in a record's metadata, a predicate looks."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any, Final, Literal, NamedTuple

from blackboard.predicate.spelling import constant
from blackboard.predicate.values import ERROR

if TYPE_CHECKING:
    from blackboard.record import Record

METADATA: Final = {
    "key": "key",
    "version": "version",
    "author": "author",
    "status": "status",
    "case": "case",
    "trust": "trust",
    "time": "time_ms",
}
"""The names after ``record.`` and the attributes of a record that they read; time is ms since 1970."""

RESERVED: Final = frozenset({"value", "record", "true", "false", "null", "in"})
"""Names that are no field at the root and no capture, because a predicate gives them a meaning."""

_PLAIN = re.compile(r"[A-Za-z_][A-Za-z0-9_]*\Z")


class Path(NamedTuple):
    """Steps into the value (a str into a map, an int into a list) or one name of the metadata."""

    root: Literal["value", "record"]
    steps: tuple[str | int, ...]

    def read(self, value: object, record: Record[Any] | None = None) -> object:
        """What is there, or ERROR when nothing is."""
        if self.root == "record":
            return ERROR if record is None else getattr(record, METADATA[str(self.steps[0])])
        return walk(value, self.steps)

    def __str__(self) -> str:
        first, *rest = self.steps or ("",)
        if self.root == "record":
            return f"record.{first}"
        bare = isinstance(first, str) and _PLAIN.match(first) and first not in RESERVED and constant(first) is None
        head = str(first) if bare else "value" + "".join(map(_step, self.steps[:1]))
        return head + "".join(map(_step, rest))


def _step(step: str | int) -> str:
    if isinstance(step, str) and _PLAIN.match(step):
        return "." + step
    return f"[{json.dumps(step, ensure_ascii=False)}]"


def walk(value: object, steps: tuple[str | int, ...]) -> object:
    """Follow ``steps`` from ``value``; ERROR where a step leads nowhere."""
    for step in steps:
        if type(step) is str:
            if not isinstance(value, dict) or step not in value:
                return ERROR
            value = value[step]
        else:
            if not isinstance(value, list | tuple) or not isinstance(step, int) or step >= len(value):
                return ERROR
            value = value[step]
    return value


def present(parent: object, step: str | int) -> object:
    """Whether ``parent`` has this field or element; ERROR when it is no map or no list at all."""
    if type(step) is str:
        return step in parent if isinstance(parent, dict) else ERROR
    return step < len(parent) if isinstance(parent, list | tuple) and isinstance(step, int) else ERROR
