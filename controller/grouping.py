"""What entries have in common besides their agent: a capability or the value of a capture that limits or shares count."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal, NamedTuple, Self, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Mapping

    from blackboard.pattern import Pattern


class Group(NamedTuple):
    """All entries of one capability (``name`` is ``""``), or all whose capture ``name`` is ``value``."""

    kind: Literal["capability", "capture"]
    name: str
    value: str

    def __str__(self) -> str:
        return f"{self.name}={self.value}" if self.kind == "capture" else f"capability {self.value}"


Key: TypeAlias = "str | Group"
"""What can be kept from firing as one: an agent by its name, or a group."""
Lane: TypeAlias = "str | tuple[Key, ...]"
"""Entries of one agent and the same groups: whatever blocks one of them blocks all. The agent's name where no group counts."""


def keys_of(lane: Lane) -> tuple[Key, ...]:
    """What can block ``lane``."""
    return (lane,) if isinstance(lane, str) else lane


@dataclass(frozen=True, slots=True)
class RunningLimits:
    """How many activations may run side by side: of one capability, and for one value of a capture."""

    capability: Mapping[str, int] = field(default_factory=dict)
    capture: Mapping[str, int] = field(default_factory=dict)

    def of(self, group: Group) -> int | None:
        """The limit of ``group``, ``None`` for none."""
        return self.capability.get(group.value) if group.kind == "capability" else self.capture.get(group.name)


@dataclass(frozen=True, slots=True)
class Grouping:
    """Which capabilities and captures count.

    ``fair`` is the capture across which firings are shared, ``""`` for none.  A capture that an agent's own keys
    do not name is that of ``case``, the key of the fed records, where the entry descends from one.
    """

    limits: RunningLimits
    fair: str
    case: Pattern | None

    @classmethod
    def needed(cls, limits: RunningLimits, fair: str, case: Pattern | None) -> Self | None:
        """The grouping, ``None`` where nothing counts."""
        return cls(limits, fair, case) if limits.capability or limits.capture or fair else None

    def of(self, capability: str, captures: Mapping[str, str], case: str) -> tuple[tuple[Group, ...], str]:
        """The groups of an entry, and its value of the shared capture; ``""`` where it has none."""
        found: list[Group] = []
        if capability in self.limits.capability:
            found.append(Group("capability", "", capability))
        of_case: Mapping[str, str] = {}
        if self.case is not None and not captures.keys() >= {*self.limits.capture, self.fair}:
            of_case = self.case.match_key(case) or {}
        for name in self.limits.capture:
            value = captures.get(name) or of_case.get(name)
            if value:
                found.append(Group("capture", name, value))
        flow = (captures.get(self.fair) or of_case.get(self.fair) or "") if self.fair else ""
        if flow and self.fair not in self.limits.capture:
            found.append(Group("capture", self.fair, flow))
        return tuple(found), flow
