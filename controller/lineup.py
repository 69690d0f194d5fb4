"""Who is pending with one controller: supervisors apart from those whom they supervise, and those without a budget."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from controller.agenda import Agenda

if TYPE_CHECKING:
    from collections.abc import Iterable

    from blackboard.control_records import Activation, Decision
    from controller.desk import Desk
    from controller.entry import Entry
    from controller.strategy import Policy


class Lineup:
    """The two agendas and what belongs to them.  An entry is in one place at a time."""

    def __init__(self, desk: Desk, policy: Policy) -> None:
        self._desk = desk
        self.agents = Agenda(policy)
        self.supervisors = Agenda(replace(policy, fair=""))
        """these do not wait behind those whom they supervise"""
        self.stored: dict[str, tuple[Activation, str]] = {}
        """pending activations that have a record, with its commit: to be tried again"""
        self._parked: dict[str, Entry] = {}
        """entries that wait for a budget which running calls hold"""

    def __len__(self) -> int:
        return len(self.agents) + len(self.supervisors) + len(self._parked)

    def of(self, agent: str) -> Agenda:
        """The agenda that ``agent`` is on."""
        return self.supervisors if self._desk.sources[agent].kind == "supervisor" else self.agents

    def recall(self, decisions: Iterable[Decision]) -> None:
        """Go on sharing as the ``decisions`` of earlier controllers of the board tell."""
        shares, levels = self.agents.shares, self._desk.settings.levels
        if shares is None:
            return
        shares.rebuild(
            (levels.index(one["level"]), one["flow"], one["share"], one["override"] is None)
            for one in sorted(decisions, key=lambda one: one["revision"])
            if "share" in one and "flow" in one and one["level"] in levels
        )

    def add(self, entry: Entry) -> None:
        """Make ``entry`` pending; nothing happens if it is."""
        if entry.activation not in self._parked:
            self.of(entry.agent).add(entry)

    def get(self, activation: str) -> Entry | None:
        """The pending entry of that id, if there is one."""
        return self.agents.get(activation) or self.supervisors.get(activation) or self._parked.get(activation)

    def granted(self, activation: str) -> bool:
        """Whether a person has said that it is to be tried again: budgets were known to whoever said so."""
        stored = self.stored.get(activation)
        return stored is not None and "decided_by" in stored[0]

    def remove(self, activation: str) -> None:
        """Take the entry of that id out; nothing happens if there is none."""
        if self.agents.remove(activation) is None and self.supervisors.remove(activation) is None:
            self._parked.pop(activation, None)

    def park(self, entry: Entry) -> None:
        """Let ``entry``, which is on no agenda, wait until a running call ends."""
        self._parked[entry.activation] = entry

    def unpark(self) -> None:
        """A call has ended: those that waited for that are pending as before."""
        if self._parked:
            parked, self._parked = self._parked, {}
            for entry in parked.values():
                self.add(entry)

    def first(self, limit: int, now_ms: int) -> list[Entry]:
        """The first ``limit`` entries in the order in which they would fire."""
        supervisors = self.supervisors.first(limit, now_ms)
        return supervisors + self.agents.first(limit - len(supervisors), now_ms)

    def next_ms(self) -> int | None:
        """When the next of the delayed entries becomes eligible; ``None`` if none is delayed."""
        times = [t for t in (self.agents.next_ms(), self.supervisors.next_ms()) if t is not None]
        return min(times, default=None)
