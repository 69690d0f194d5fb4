"""How often an agent has fired on the same keys: one that sets itself off for ever is noticed without a model.

What counts follows from the activations' records, so it survives a restart.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Iterable

    from blackboard.control_records import Activation
    from controller.entry import Entry

FIRINGS_PER_KEYS: Final = 100

Place: TypeAlias = tuple[str, ...]
"""An agent and the keys of its triggers, which say the captures too and tell apart what wildcards match."""


class Repetition:
    """Counts of firings by agent and keys; ``limit`` is how many there may be, ``None`` for any number."""

    def __init__(self, limit: int | None = FIRINGS_PER_KEYS) -> None:
        self.limit = limit
        self._fired: dict[Place, int] = {}
        self._asked: dict[Place, str] = {}
        """the activation that a person was asked about last"""

    def rebuild(self, activations: Iterable[tuple[str, Activation]]) -> None:
        """Count what the records tell: ``(activation id, record)`` in the order of their last writing."""
        self._fired, self._asked = {}, {}
        for activation, record in activations:
            place = (record["agent"], *(key for _, key, _ in record["triggers"]))
            if record["attempt"]:
                self._fired[place] = self._fired.get(place, 0) + 1
            if record["state"] == "escalated" and record.get("failure") == "stalled":
                self._asked[place] = activation

    def note(self, entry: Entry, times: int) -> None:
        """``entry`` fires (1), or was not dispatched after all (-1); that it is tried again counts for nothing."""
        if self.limit is not None and entry.attempt == 1:
            place = _place(entry)
            self._fired[place] = self._fired.get(place, 0) + times

    def refusal(self, entry: Entry) -> str:
        """Why ``entry`` is not to fire, as a sentence; ``""`` where it may."""
        if self.limit is None or self._fired.get(_place(entry), 0) < self.limit:
            return ""
        keys = " and ".join(record.key for record in entry.triggers.values())
        return f"it has fired {self.limit} times on {keys} and does not come to rest"

    def asked(self, entry: Entry) -> str:
        """A person is asked about ``entry``; returns the activation whose question that replaces, or ``""``."""
        place = _place(entry)
        before = self._asked.get(place, "")
        self._asked[place] = entry.activation
        return before


def _place(entry: Entry) -> Place:
    return (entry.agent, *(record.key for record in entry.triggers.values()))
