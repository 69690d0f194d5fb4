"""How many activations run side by side of an agent, a capability, or one value of a capture, and which may be no more."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from controller.grouping import keys_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from controller.entry import Entry
    from controller.grouping import Key, RunningLimits


class Full(NamedTuple):
    """What runs as often as it may, and the sentence that says so."""

    key: Key
    reason: str


class Occupancy:
    """Counts of what runs, by agent and group; what has no limit is not counted."""

    def __init__(self, limits: RunningLimits) -> None:
        self._limits = limits
        self._running: dict[Key, int] = {}

    def begin(self, entry: Entry, max_running: int | None) -> list[Full]:
        """``entry`` runs, whose agent may run ``max_running`` times at once; returns what is full by that."""
        full = []
        for key, limit in self._limited(entry, max_running):
            running = self._running[key] = self._running.get(key, 0) + 1
            if running == limit:
                full.append(Full(key, _reason(key, limit)))
        return full

    def end(self, entry: Entry, max_running: int | None) -> list[Full]:
        """``entry`` runs no longer; returns what was full and no longer is."""
        free = []
        for key, limit in self._limited(entry, max_running):
            running = self._running.pop(key) - 1
            if running:
                self._running[key] = running
            if running == limit - 1:
                free.append(Full(key, _reason(key, limit)))
        return free

    def _limited(self, entry: Entry, max_running: int | None) -> Iterator[tuple[Key, int]]:
        for key in keys_of(entry.lane):
            limit = max_running if isinstance(key, str) else self._limits.of(key)
            if limit is not None:
                yield key, limit


def _reason(key: Key, limit: int) -> str:
    return f"{key} is at its limit of {limit} running"
