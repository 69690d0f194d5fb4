"""The records of a board that a pattern matches under captures, and what those that an ``unless`` names exclude.

Nothing is remembered: whoever asks once needs no matcher.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

from blackboard.commit import Absent, At, Unchanged

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from blackboard.commit import Guard
    from blackboard.pattern import Pattern
    from blackboard.record import Record


class Records(Protocol):
    """What is asked for records: a replica, or a board as it was."""

    def get(self, key: str) -> Record[Any] | None: ...

    def find(self, pattern: Pattern) -> list[Record[Any]]: ...


class Board(Records, Protocol):
    """What the matcher reads: a replica is one."""

    @property
    def commit(self) -> str: ...


def candidates(
    board: Records, pattern: Pattern, captures: Mapping[str, str]
) -> Iterator[tuple[Record[Any], dict[str, str]]]:
    """The records that ``pattern`` matches without contradicting ``captures``, each with what it binds."""
    key = pattern.bind(captures)
    if key is not None:
        record = board.get(key)
        found = [record] if record is not None else []
    else:
        found = board.find(pattern)
    for record in found:
        bound = pattern.match(record)
        if bound is not None and all(captures.get(name, text) == text for name, text in bound.items()):
            yield record, bound


def exclusions(board: Board, unless: Iterable[Pattern], captures: Mapping[str, str]) -> list[Guard]:
    """What ``unless`` excludes, as guards: one key is to be absent, or as it is, a region of several unchanged."""
    guards: list[Guard] = []
    for pattern in unless:
        key = pattern.bind(captures)
        if key is not None and pattern.predicate is None:
            guards.append(Absent(key))
        elif key is not None:
            present = board.get(key)
            guards.append(At(key, present.commit) if present is not None else Absent(key))
        else:
            guards.append(Unchanged(pattern.region, board.commit))
    return guards


def excluded_by(board: Records, unless: Iterable[Pattern], captures: Mapping[str, str]) -> Record[Any] | None:
    """The first record that an ``unless`` forbids under ``captures``, ``None`` where none is there."""
    for pattern in unless:
        for record, _ in candidates(board, pattern, captures):
            return record
    return None
