"""What is not the same in two values, field by field."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator


class _Absent:
    def __repr__(self) -> str:
        return "absent"


ABSENT: Final = _Absent()
"""stands for a field that is not there"""


class FieldChange(NamedTuple):
    """One field: its path (``""`` is the whole value) and what it was and is; :data:`ABSENT` where it is not there."""

    path: str
    before: Any
    after: Any


def field_changes(before: Any, after: Any) -> list[FieldChange]:
    """The smallest parts of two values that differ, in the order of the first and then of the second.

    Mappings are compared by field and lists of the same length by place; else the whole is one change.  ``1``,
    ``1.0`` and ``true`` are three values.
    """
    return list(_changes("", before, after))


def _changes(path: str, before: Any, after: Any) -> Iterator[FieldChange]:
    if isinstance(before, dict) and isinstance(after, dict):
        for name in [*before, *(name for name in after if name not in before)]:
            below = f"{path}.{name}" if path else str(name)
            yield from _changes(below, before.get(name, ABSENT), after.get(name, ABSENT))
    elif isinstance(before, list) and isinstance(after, list) and len(before) == len(after):
        for index, (old, new) in enumerate(zip(before, after, strict=True)):
            yield from _changes(f"{path}[{index}]", old, new)
    elif type(before) is not type(after) or before != after:
        yield FieldChange(path, before, after)
