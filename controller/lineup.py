"""Who is pending with one controller: supervisors apart from those whom they supervise, and those without a budget."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from controller.agenda import Agenda
from controller.rulings import Rulings

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from blackboard.control_records import Activation, Decision
    from controller.desk import Desk
    from controller.entry import Entry
    from controller.rulings import Ruled
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
        self.rulings = Rulings()
        """the orders that stand, and the entries that they keep off the agendas"""

    def __len__(self) -> int:
        return len(self.agents) + len(self.supervisors) + len(self._parked) + self.rulings.waiting

    @property
    def held(self) -> Mapping[str, Ruled]:
        """By activation, those that a standing order holds, each with the key of the order."""
        return self.rulings.held

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
        if entry.activation in self._parked:
            return
        agenda = self.of(entry.agent)
        if not self.rulings.orders or self.rulings.admit(entry, agenda):
            agenda.add(entry)

    def get(self, activation: str) -> Entry | None:
        """The pending entry of that id, if there is one."""
        return (
            self.agents.get(activation)
            or self.supervisors.get(activation)
            or self._parked.get(activation)
            or self.rulings.get(activation)
        )

    def entries(self) -> Iterator[Entry]:
        """Every entry, wherever it waits."""
        yield from self.agents
        yield from self.supervisors
        yield from self._parked.values()
        for ruled in (*self.rulings.held.values(), *self.rulings.condemned.values()):
            yield ruled.entry

    def revise(self, concerned: Callable[[Entry], bool]) -> None:
        """The orders that stand are others now: give the entries that are ``concerned`` their places anew."""
        for entry in [entry for entry in self.entries() if concerned(entry)]:
            if self._parked.get(entry.activation) is not entry:
                self.remove(entry.activation)
                self.of(entry.agent).drop_lift(entry.activation)
                self.add(entry)

    def granted(self, activation: str) -> bool:
        """Whether a person has said that it is to be tried again: budgets were known to whoever said so."""
        stored = self.stored.get(activation)
        return stored is not None and "decided_by" in stored[0]

    def remove(self, activation: str) -> None:
        """Take the entry of that id out; nothing happens if there is none."""
        on_agenda = self.agents.remove(activation) or self.supervisors.remove(activation)
        if on_agenda is None and self._parked.pop(activation, None) is None:
            self.rulings.remove(activation)

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
