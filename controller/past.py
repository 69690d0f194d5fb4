"""What a board remembers of how its records came about, at rest, so that it can be explained at leisure.

Pure: :mod:`controller.recollection` reads it.
"""

from __future__ import annotations

import contextlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

from blackboard.errors import InvalidInput
from blackboard.pattern import Pattern

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from blackboard.control_records import Agent
    from blackboard.log import Change
    from blackboard.record import Record
    from controller.candidates import Records


@dataclass(frozen=True, slots=True)
class Past:
    """Records by reference (``key@commit``), what stands now, and the control records by activation."""

    versions: Mapping[str, Record]
    """every version that was asked for and found"""
    present: Mapping[str, Record | None]
    """key → what stands there now, of the keys that were asked for"""
    removals: Mapping[str, Change] = field(default_factory=dict)
    """key → how the record that is not there any more was removed"""
    activations: Mapping[str, Record] = field(default_factory=dict)
    """by id"""
    overrides: Mapping[str, Record] = field(default_factory=dict)
    """by id, which for a supervisor's is that of its activation"""
    questions: Mapping[str, tuple[Record, ...]] = field(default_factory=dict)
    """activation → its question each time it was put or answered, the oldest first"""
    agents: Mapping[str, Record] = field(default_factory=dict)
    """by name"""
    late: Mapping[str, tuple[Record, ...]] = field(default_factory=dict)
    """activation → records that match what it collected and are no part of it, the earliest first"""
    aimed: tuple[str, ...] = ()
    """activations that would write, or would have written, the record that was asked for and is not there"""
    by_case: Mapping[str, Mapping[str, Record]] = field(default_factory=dict)
    """case → its activations by id, of the cases that are told of"""


class Standing(NamedTuple):
    """What stands on a board at the moment that is told of; activations, orders and questions by id, agents by name.

    The records of ``control/`` are sound ones.
    """

    records: Records
    activations: Mapping[str, Record]
    overrides: Mapping[str, Record]
    questions: Mapping[str, Record]
    agents: Mapping[str, Record]
    cases: Mapping[str, Mapping[str, Record]]
    """case → its activations"""
    revision: int | None = None
    """the moment, where it is not now"""


def parsed(texts: Iterable[str]) -> list[Pattern]:
    """The patterns among ``texts``: what an agent's entry holds is what somebody wrote."""
    found = []
    for text in texts:
        with contextlib.suppress(InvalidInput):
            found.append(Pattern.parse(text))
    return found


def writers_of(agent: Agent, key: str) -> list[Pattern]:
    """The patterns by which ``agent`` may write ``key``."""
    return [pattern for pattern in parsed(agent["contributes"]) if pattern.match_key(key) is not None]


def causes_of(record: Record, activations: Mapping[str, Record]) -> tuple[str, ...]:
    """What ``record`` came from, as ``key@commit``: what its stamp says, else what triggered its activation."""
    if record.causes or record.activation not in activations:
        return tuple(dict.fromkeys(record.causes))
    return tuple(f"{key}@{commit}" for _, key, commit in activations[record.activation].value["triggers"])
