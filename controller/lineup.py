"""Who is pending with one controller: supervisors apart from those whom they supervise, and those without a budget."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from controller.agenda import Agenda
from controller.outlook import Outlook
from controller.rulings import Rulings
from controller.undigested import Undigested

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from blackboard.control_records import Activation, Decision
    from controller.entry import Entry
    from controller.focus import Focus
    from controller.ground import Ground
    from controller.rulings import Ruled
    from controller.strategy import Policy


class Lineup:
    """The two agendas and what belongs to them.  An entry is in one place at a time."""

    def __init__(self, ground: Ground, policy: Policy) -> None:
        self._ground = ground
        self.agents = Agenda(policy)
        self.supervisors = Agenda(replace(policy, fair=""))
        """these do not wait behind those whom they supervise"""
        self.stored: dict[str, tuple[Activation, str]] = {}
        """pending activations that have a record, with its commit: to be tried again"""
        self._parked: dict[str, tuple[Entry, str]] = {}
        """entries that wait for a budget which running calls hold, each with why"""
        self.rulings = Rulings()
        """the orders that stand, and the entries that they keep off the agendas"""
        self.undigested = Undigested(ground)
        """entries over their agent's token budget"""
        self._focus: Focus | None = None
        self.outside: dict[str, Entry] = {}
        """entries of agents that are out of focus"""

    def __len__(self) -> int:
        """How many are pending that need no person's doing: a focus that lapses, and a hold that ends, are waited for."""
        lapsing = len(self.outside) if self._focus is not None and self._focus.lapses else 0
        return len(self.agents) + len(self.supervisors) + len(self._parked) + self.rulings.waiting + lapsing

    @property
    def pending(self) -> int:
        """How many are pending, those that are held or out of focus among them."""
        off = len(self.rulings.held) + len(self.rulings.condemned) + len(self.outside) + len(self.undigested.waiting)
        return len(self.agents) + len(self.supervisors) + len(self._parked) + off

    @property
    def held(self) -> Mapping[str, Ruled]:
        """By activation, those that a standing order holds, each with the key of the order."""
        return self.rulings.held

    def of(self, agent: str) -> Agenda:
        """The agenda that ``agent`` is on."""
        return self.supervisors if self._ground.sources[agent].kind == "supervisor" else self.agents

    def recall(self, decisions: Iterable[Decision]) -> None:
        """Go on sharing as the ``decisions`` of earlier controllers of the board tell."""
        shares, levels = self.agents.shares, self._ground.settings.levels
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
        if self._focus is not None and agenda is self.agents and not self._focus.covers(entry):
            self.outside[entry.activation] = entry
        elif not self.rulings.orders or self.rulings.admit(entry, agenda):
            agenda.add(entry)

    def refocus(self, focus: Focus | None) -> None:
        """From now on only what ``focus`` covers is to fire, supervisors apart."""
        self._focus = focus
        outside, self.outside = self.outside, {}
        leaving = [entry for entry in self.agents if focus is not None and not focus.covers(entry)]
        for entry in leaving:
            self.agents.remove(entry.activation)
        for entry in (*outside.values(), *leaving):
            self.add(entry)

    def get(self, activation: str) -> Entry | None:
        """The pending entry of that id, if there is one."""
        if activation in self._parked:
            return self._parked[activation][0]
        return (
            self.agents.get(activation)
            or self.supervisors.get(activation)
            or self.outside.get(activation)
            or self.rulings.get(activation)
            or (self.undigested.waiting[activation][0] if activation in self.undigested.waiting else None)
        )

    def entries(self) -> Iterator[Entry]:
        """Every entry, wherever it waits."""
        yield from self.agents
        yield from self.supervisors
        for entry, _ in self._parked.values():
            yield entry
        yield from self.outside.values()
        for ruled in (*self.rulings.held.values(), *self.rulings.condemned.values()):
            yield ruled.entry

    def revise(self, concerned: Callable[[Entry], bool]) -> None:
        """The orders that stand are others now: give the entries that are ``concerned`` their places anew."""
        for entry in [entry for entry in self.entries() if concerned(entry)]:
            if entry.activation not in self._parked:
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
            self.outside.pop(activation, None)
            self.rulings.remove(activation)
            self.undigested.remove(activation)

    def park(self, entry: Entry, why: str) -> None:
        """Let ``entry``, which is on no agenda, wait until a running call ends; ``why`` is a sentence."""
        self._parked[entry.activation] = (entry, why)

    def unpark(self) -> None:
        """A call has ended: those that waited for that are pending as before."""
        if self._parked:
            parked, self._parked = self._parked, {}
            for entry, _ in parked.values():
                self.add(entry)

    def aside(self, limit: int) -> list[Outlook]:
        """``limit`` of those that are on no agenda, each with why."""
        found = [Outlook(entry, self.agents, "waiting", (why,)) for entry, why in self._parked.values()]
        if self._focus is not None:
            outside = (f"it is out of the focus on {self._focus.describe()}",)
            found += [Outlook(entry, self.agents, "outside", outside) for entry in self.outside.values()]
        found += [Outlook(one.entry, self.agents, "held", (self._hold(one.key),)) for one in self.held.values()]
        return found[: max(0, limit)]

    def _hold(self, key: str) -> str:
        order = self.rulings.orders.get(key)
        return f"held by {order.authority.author}: {order.reason} ({key})" if order is not None else f"held by {key}"

    def first(self, limit: int, now_ms: int) -> list[Entry]:
        """The first ``limit`` entries in the order in which they would fire."""
        supervisors = self.supervisors.first(limit, now_ms)
        return supervisors + self.agents.first(limit - len(supervisors), now_ms)

    def next_ms(self) -> int | None:
        """When the next of the delayed entries becomes eligible; ``None`` if none is delayed."""
        times = [t for t in (self.agents.next_ms(), self.supervisors.next_ms()) if t is not None]
        return min(times, default=None)
