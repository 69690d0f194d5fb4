"""What a controller goes by, settled when it starts."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from controller.approval import Review
from controller.budgets import Limits
from controller.grouping import RunningLimits
from controller.stalling import StallLimits
from controller.strategy import DEFAULT_LEVELS, Policy

if TYPE_CHECKING:
    from blackboard.control_records import Run
    from blackboard.pattern import Pattern
    from blackboard.schemas import Schema
    from knowledge_sources.breaker_terms import Breaker
    from knowledge_sources.tokens import Counter


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """How a controller chooses, and what it allows; a scenario file says the same in its own words."""

    levels: tuple[str, ...] = DEFAULT_LEVELS
    """the priority levels, the most urgent first"""
    policy: Policy = field(default_factory=Policy)
    limits: Limits = field(default_factory=Limits)
    review: Review = field(default_factory=Review)
    max_running: int = 16
    """activations of ordinary agents side by side"""
    running: RunningLimits = field(default_factory=RunningLimits)
    """activations side by side of one capability, or for one value of a capture"""
    case: Pattern | None = None
    """the key of the fed records: its captures count for all that descends from one"""
    guarded: bool = True
    """false drops the guards of contributions, to show what happens without them"""
    breaker: Breaker | None = None
    """that of each agent that has none of its own"""
    reroute_off: frozenset[str] = frozenset()
    """capabilities whose agents in reserve are never called, to show what happens without them"""
    token_counter: Counter | None = None
    """the tokens of a value, for agents with a token budget; by default a quarter of its stored bytes"""
    schemas: tuple[Schema, ...] = ()
    """what records at certain keys must be, whoever writes them"""
    validate: tuple[Pattern, ...] = ()
    """what is contributed to these keys waits for a validator, whoever contributes it"""
    stall: StallLimits = field(default_factory=StallLimits)
    """when work counts as stalled"""

    def level_of(self, level: str) -> int:
        """The index of an agent's level; one that no level list names is the least urgent."""
        return self.levels.index(level) if level in self.levels else len(self.levels) - 1


def levels_of_run(run: Run | None) -> tuple[str, ...] | None:
    """The priority levels by what ``control/run`` keeps of its scenario; ``None`` where it keeps nothing of one."""
    document = run["settings"].get("document") if run is not None else None
    if document is None:
        return None
    listed = document.get("levels")
    if isinstance(listed, list) and listed and all(isinstance(one, str) and one for one in listed):
        return tuple(listed)
    return DEFAULT_LEVELS
