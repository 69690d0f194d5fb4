"""Work that goes round without getting on: noticed without a model, from what stands in the activations' records.

Four signs: a record whose value goes back and forth between agents, an agent that says only what has been said, a
lineage that never ends, and an agent that fires on the same keys for ever.  Whoever shows one is held back for that
case, and its supervisor is asked.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, NamedTuple, Protocol, Self, TypeAlias

from blackboard.wording import seconds
from controller.idling import Idling
from controller.repetition import Repetition
from controller.toggling import Toggling

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from blackboard.control_records import Activation
    from blackboard.record import Record, Stamp
    from controller.entry import Entry

Sign: TypeAlias = Literal["toggles", "firings", "depth", "repeats", "steps"]
Stall: TypeAlias = tuple[str, ...]
"""The sign and where it shows: a record, an agent and its case, or an agent and the keys that it fires on."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StallLimits:
    """When work counts as stalled; ``None`` switches a sign off.  No work that gets on comes near the defaults."""

    toggles: int | None = 6
    """times in a row that agents may put back, one after another, what had stood at a key"""
    firings: int | None = 20
    """contributions in a row of one agent to one case that say only what had been said"""
    depth: int | None = 250
    """contributions from a fed record to what an agent fires on"""
    repeats: int | None = 100
    """firings of one agent on the same keys"""


class Bounded(Protocol):
    """An agent, as far as it matters here."""

    @property
    def steps(self) -> int | None:
        """How often it may fire for one case."""


class Writing(Protocol):
    """A write as a commit holds it."""

    @property
    def key(self) -> str: ...

    @property
    def digest(self) -> str:
        """That of the value; ``""`` removes the record."""


class Refusal(NamedTuple):
    """Why an entry is not to fire; ``settled_by`` has decided the matter already, ``""``: nobody has."""

    stall: Stall
    why: str
    settled_by: str


class Stalls:
    """What has stalled on one board."""

    def __init__(self, limits: StallLimits, sources: Mapping[str, Bounded] | None = None) -> None:
        """``sources`` are the agents by name, as they come and go: some have a bound of their own."""
        self.limits = limits
        self._sources = {} if sources is None else sources
        self._steps: dict[tuple[str, str], int] = {}
        """agent and case → firings, of agents with a bound"""
        self._repetition = Repetition(limits.repeats)
        self._toggling = Toggling(limits.toggles)
        self._idling = Idling(limits.firings)
        self._asked: dict[Stall, str] = {}
        """the activation that somebody was asked about last"""
        self._settled: dict[Stall, str] = {}
        """who has decided"""

    @classmethod
    def rebuild(
        cls,
        limits: StallLimits,
        activations: Iterable[tuple[str, Activation]],
        sources: Mapping[str, Bounded] | None = None,
    ) -> Self:
        """What the records tell: ``(activation id, record)`` in the order of their last writing."""
        stalls = cls(limits, sources)
        for activation, record in activations:
            stalls._repetition.note_record(record)
            if record["attempt"]:
                stalls._note_step(record["agent"], record["case"], 1)
            if record["state"] == "executed" and "decided_by" not in record:
                stalls.contributed(record)
            stall = record.get("stall")
            if stall is not None and record["state"] in ("held", "escalated"):
                stalls._asked[tuple(stall)] = activation
            stalls.settle(record)
        return stalls

    def note(self, entry: Entry, times: int) -> None:
        """``entry`` fires (1), or was not dispatched after all (-1)."""
        self._repetition.note(entry, times)
        if entry.attempt == 1:
            self._note_step(entry.agent, entry.case, times)

    def _note_step(self, agent: str, case: str, times: int) -> None:
        source = self._sources.get(agent)
        if source is None or source.steps is not None:  # who is not here yet may have a bound
            self._steps[agent, case] = self._steps.get((agent, case), 0) + times

    def rewritten(
        self, present: Callable[[str], Record | None], writes: Sequence[Writing], stamp: Stamp
    ) -> list[list[str]]:
        """Of ``writes`` those that answer what stands: ``[key, digest before, digest after]`` of each.

        One answers another where both are of one case and it is the later in the lineage: that sets apart who comes
        back to a matter from many that write one record side by side.
        """
        found = []
        for write in writes:
            record = present(write.key)
            if record is None:
                if write.digest and write.key in self._toggling:
                    found.append([write.key, "", write.digest])
                continue
            head = record.head
            if head.depth < stamp.depth and (head.case or write.key) == stamp.case:
                found.append([write.key, head.digest, write.digest])
        return found

    def contributed(self, record: Activation) -> None:
        """An activation was executed by its agent; ``record`` is how it ended."""
        agent, case, rewrote = record["agent"], record["case"], record.get("rewrote")
        if rewrote is None:
            if self._idling.in_vain and record.get("wrote"):
                self._idling.note(agent, case, new=True)
            return
        new = len(rewrote) < len(record.get("wrote", ()))
        at_ms = record.get("ended_ms", 0)
        for key, before, after in rewrote:
            if before != after:
                new = new or not self._toggling.has_stood(key, after)
            self._toggling.note(key, agent, case, before=before, after=after, at_ms=at_ms)
        self._idling.note(agent, case, new=new)

    def refusal(self, entry: Entry, now_ms: int) -> Refusal | None:
        """Why ``entry`` is not to fire now; ``None`` where it may."""
        place = self._repetition.holds(entry)
        if place is not None:
            keys = " and ".join(record.key for record in entry.triggers.values()) or "what it collects"
            why = f"it has fired {self.limits.repeats} times on {keys} and does not come to rest"
            return self._refusal(entry, "repeats", place, why)
        toggled = self._toggling.holds(entry.agent, entry.case) if self._toggling.held else None
        if toggled is not None:
            who, took = " and ".join(toggled.authors), seconds(now_ms - toggled.since_ms)
            why = f"{who} have put back what stood at {toggled.key} {toggled.times} times in {took}"
            return self._refusal(entry, "toggles", (toggled.key,), why)
        in_vain = self._idling.holds(entry.agent, entry.case) if self._idling.in_vain else 0
        if in_vain:
            why = f"it has said {in_vain} times in a row only what had been said"
            return self._refusal(entry, "firings", (entry.agent, entry.case), why)
        source = self._sources.get(entry.agent)
        if source is not None and source.steps is not None:
            taken = self._steps.get((entry.agent, entry.case), 0)
            if taken >= source.steps:
                why = f"it has fired {taken} times for this case, which is its bound"
                return self._refusal(entry, "steps", (entry.agent, entry.case), why)
        most = self.limits.depth
        if most is not None and (depth := _depth(entry)) >= most:
            why = f"what it would fire on is {depth} contributions away from what was fed"
            return self._refusal(entry, "depth", (entry.agent, entry.case), why)
        return None

    def _refusal(self, entry: Entry, sign: Sign, place: tuple[str, ...], why: str) -> Refusal:
        stall = (sign, *place)
        settled_by = self._settled.get(stall, "")
        if settled_by and not any(record.head.activation for record in entry.triggers.values()):
            settled_by = ""  # what comes from outside is a new matter
        return Refusal(stall, why, settled_by)

    def asked(self, stall: Stall, activation: str) -> str:
        """Somebody is asked about ``activation``; returns the one asked about before at the same place, or ``""``."""
        before = self._asked.get(stall, "")
        self._asked[stall] = activation
        return before if before != activation else ""

    def settle(self, record: Activation) -> None:
        """Take in an activation that somebody may have decided in the place of the agent that was held back."""
        stall = record.get("stall")
        if stall is not None and record["state"] == "executed" and "decided_by" in record:
            self._settled[tuple(stall)] = record["decided_by"]


def _depth(entry: Entry) -> int:
    """The lineage of what ``entry`` would fire on: contributions since something was fed."""
    depth = 0
    for record in entry.triggers.values():
        head = record.head
        depth = max(depth, head.depth)
    return depth
