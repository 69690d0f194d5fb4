"""How often an agent has fired on the same keys: one that sets itself off for ever is noticed by that alone.

What counts follows from the activations' records, so it survives a restart.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

from blackboard.control_records import TIMERS
from controller.activation import own_triggers

if TYPE_CHECKING:
    from collections.abc import Mapping

    from blackboard.control_records import Activation
    from controller.entry import Entry

Place: TypeAlias = tuple[str, ...]
"""An agent and the keys of its triggers, which say the captures too and tell apart what wildcards match."""


class Repetition:
    """Counts of firings by agent and keys; ``limit`` is how many there may be, ``None`` for any number."""

    def __init__(self, limit: int | None) -> None:
        self.limit = limit
        self._fired: dict[Place, int] = {}

    def note_record(self, record: Activation) -> None:
        """Count an activation by its record, as it stands after a restart."""
        if record["attempt"]:
            place = (record["agent"], *(key for _, key, _ in own_triggers(record)))
            if "collected" in record:
                place += _texts(record["captures"])
            self._fired[place] = self._fired.get(place, 0) + 1

    def note(self, entry: Entry, times: int) -> None:
        """``entry`` fires (1), or was not dispatched after all (-1); that it is tried again counts for nothing."""
        if self.limit is not None and entry.attempt == 1:
            place = _place(entry)
            self._fired[place] = self._fired.get(place, 0) + times

    def holds(self, entry: Entry) -> Place | None:
        """The place at which ``entry`` would fire once too often, ``None`` where it may."""
        if self.limit is None or self._fired.get(place := _place(entry), 0) < self.limit:
            return None
        # What a timer sets off comes back for as long as time goes on.
        return None if any(record.key.startswith(TIMERS) for record in entry.triggers.values()) else place


def _place(entry: Entry) -> Place:
    place = (entry.agent, *[record.key for record in entry.triggers.values()])
    return place + _texts(entry.captures) if entry.collects else place


def _texts(captures: Mapping[str, str]) -> Place:
    """What captures stand for that need be in no trigger's key."""
    return tuple(text for _, text in sorted(captures.items()))
