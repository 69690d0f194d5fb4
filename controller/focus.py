"""The focus of a board: while there is one, only what it covers fires."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

from blackboard.control_records import FOCUS
from blackboard.errors import Corrupt, InvalidInput
from blackboard.keys import region_of
from blackboard.pattern import Pattern

if TYPE_CHECKING:
    from blackboard.control_records import Focus as FocusRecord
    from controller.entry import Entry


@dataclass(frozen=True, slots=True)
class Focus:
    """What is to fire; an empty set, or no patterns, is no condition.  ``lapses``: whether its record expires."""

    agents: frozenset[str]
    regions: frozenset[str]
    cases: frozenset[str]
    patterns: tuple[Pattern, ...]
    author: str
    reason: str
    lapses: bool

    @classmethod
    def of(cls, record: FocusRecord, *, lapses: bool = False) -> Self:
        """The focus that ``record`` sets; raises :class:`Corrupt` for a pattern that is none."""
        try:
            patterns = tuple(map(Pattern.parse, record["patterns"]))
        except InvalidInput as error:
            raise Corrupt(f"the record {FOCUS!r} is not what the runtime writes there: patterns: {error}") from error
        return cls(
            frozenset(record["agents"]),
            frozenset(record["regions"]),
            frozenset(record["cases"]),
            patterns,
            record["author"],
            record["reason"],
            lapses,
        )

    def covers(self, entry: Entry) -> bool:
        """Whether ``entry`` may fire: it meets each of the conditions that there are."""
        triggers = entry.triggers.values()
        return (
            (not self.agents or entry.agent in self.agents)
            and (not self.cases or entry.case in self.cases)
            and (not self.regions or any(region_of(record.key) in self.regions for record in triggers))
            and (
                not self.patterns
                or any(pattern.match(record) is not None for pattern in self.patterns for record in triggers)
            )
        )

    def describe(self) -> str:
        """What it covers, and who said so, for a person: ``agents refund (ann: the refunds first)``."""
        parts = [
            f"{name} {', '.join(sorted(map(str, items)))}"
            for name, items in (
                ("agents", self.agents),
                ("regions", self.regions),
                ("cases", self.cases),
                ("patterns", [pattern.text for pattern in self.patterns]),
            )
            if items
        ]
        because = f": {self.reason}" if self.reason else ""
        return f"{'; '.join(parts)} ({self.author}{because})"
