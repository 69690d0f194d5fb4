"""Which of the pending ones fires next: a pure function of a snapshot.

The order is: overrides, then priority level, then rating plus bounded ageing, then first come (or
last come) first, then the id.  Equal snapshots give equal picks, whatever their order in memory.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from heapq import nsmallest
from typing import TYPE_CHECKING, Final, Literal, NamedTuple, TypeAlias

from blackboard.errors import UsageError
from controller.entry import POINT, as_units

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence

    from blackboard.control_records import Decision
    from controller.entry import Entry

DEFAULT_LEVELS: Final = ("critical", "high", "normal", "low")
"""the priority levels, the most urgent first, where nobody says others"""
SHOWN: Final = 4
"""The chosen one and three runners-up."""

Rank: TypeAlias = tuple[int, int, int, int, str]
"""Sorts as entries fire: override, level, score, arrival, id; the least is first."""


@dataclass(frozen=True, slots=True)
class Policy:
    """How entries of one level are ordered, and whether waiting can lift one to a higher level.

    Each second of waiting adds ``ageing_rate_per_s`` points to the rating, ``ageing_cap`` at most
    (``math.inf``: no bound).  Rates are kept to a millionth of a point per second.  ``tie`` says who is
    first among equals.  Levels are strict, unless ``promote_after_ms`` is set: then each such time of
    waiting lifts an entry by one level.
    """

    ageing_rate_per_s: float = 1.0
    ageing_cap: float = 60.0
    tie: Literal["fifo", "recency"] = "fifo"
    promote_after_ms: int | None = None
    rate_units_per_ms: int = field(init=False, repr=False)
    cap_units: int | None = field(init=False, repr=False)
    ages_until_ms: int | None = field(init=False, repr=False)
    """the waiting time after which the score no longer grows"""

    def __post_init__(self) -> None:
        if not (self.ageing_rate_per_s >= 0 and self.ageing_cap >= 0):
            raise UsageError("ageing: neither the rate nor the cap can be negative")
        if self.promote_after_ms is not None and self.promote_after_ms <= 0:
            raise UsageError("promote_after: must be longer than nothing")
        rate = as_units(self.ageing_rate_per_s, "the ageing rate") // 1000
        cap = None if math.isinf(self.ageing_cap) else as_units(self.ageing_cap, "the ageing cap")
        object.__setattr__(self, "rate_units_per_ms", rate)
        object.__setattr__(self, "cap_units", cap)
        object.__setattr__(self, "ages_until_ms", None if cap is None or rate == 0 else -(-cap // rate))

    def score_units(self, entry: Entry, now_ms: int) -> int:
        """Rating + min(cap, rate x waited), in billionths of a point.

        A trigger that another clock dated into the future has waited a negative time: the order
        among the young stays that of their commits.
        """
        aged = self.rate_units_per_ms * (now_ms - entry.eligible_ms)
        if self.cap_units is not None and aged > self.cap_units:
            aged = self.cap_units
        return entry.rating_units + aged

    def level_of(self, entry: Entry, now_ms: int, lift: Lift | None = None) -> int:
        """The index of the level at which ``entry`` competes now, moved by ``lift`` where that names one."""
        level = entry.level if lift is None or lift.level is None else lift.level
        if self.promote_after_ms is None or now_ms <= entry.eligible_ms:
            return level
        return max(0, level - (now_ms - entry.eligible_ms) // self.promote_after_ms)

    def arrival(self, entry: Entry) -> int:
        """Its place among equals; the least is first."""
        return entry.sequence if self.tie == "fifo" else -entry.sequence


class Lift(NamedTuple):
    """An override of the order: ``boost`` above 0 goes before all without one, below 0 after all.

    The higher boost is first; equal ones keep the usual order, in which ``units`` (billionths of a point) are added
    to the score and ``level``, where it is given, takes the place of the entry's own.  ``key`` is the override's record.
    """

    boost: int
    key: str
    units: int = 0
    level: int | None = None


_UNLIFTED: Final = Lift(0, "")


class Standing(NamedTuple):
    """How one entry stands at the moment of a pick."""

    entry: Entry
    level: int
    score: float


class Choice(NamedTuple):
    """The one that fires next and what made it so.

    ``level`` is the index at which it competed.  ``eligible`` counts those that could have been chosen.
    ``rank`` is the place that it would have had without overrides, from 1; ``override`` is the key of the
    one that moved it.
    """

    entry: Entry
    level: int
    waited_ms: int
    score: float
    eligible: int
    rank: int
    override: str | None
    runners_up: tuple[Standing, ...]

    def decision(self, revision: int, levels: Sequence[str]) -> Decision:
        """What the activation keeps of this choice, made at ``revision`` of the board; ``levels`` names them."""
        return {
            "revision": revision,
            "eligible": self.eligible,
            "rank": self.rank,
            "level": levels[self.level],
            "rating": self.entry.rating,
            "waited_ms": self.waited_ms,
            "score": self.score,
            "override": self.override,
            "runners_up": [
                {
                    "activation": one.entry.activation,
                    "agent": one.entry.agent,
                    "level": levels[one.level],
                    "score": one.score,
                }
                for one in self.runners_up
            ],
        }


def rank_of(entry: Entry, policy: Policy, now_ms: int, lift: Lift = _UNLIFTED) -> Rank:
    """The sort key of ``entry`` at ``now_ms``; ids are unique, so no two entries share one."""
    score = policy.score_units(entry, now_ms) + lift.units
    return (-lift.boost, policy.level_of(entry, now_ms, lift), -score, policy.arrival(entry), entry.activation)


def order(
    entries: Iterable[Entry], policy: Policy, overrides: Mapping[str, Lift], now_ms: int, limit: int
) -> list[Entry]:
    """The first ``limit`` of ``entries`` in the order in which they would fire; ``overrides`` by activation id."""
    if not overrides:
        return nsmallest(limit, entries, key=lambda entry: rank_of(entry, policy, now_ms))
    return nsmallest(
        limit, entries, key=lambda entry: rank_of(entry, policy, now_ms, overrides.get(entry.activation, _UNLIFTED))
    )


def pick(
    entries: Collection[Entry],
    policy: Policy,
    overrides: Mapping[str, Lift],
    now_ms: int,
    *,
    blocked: Collection[str] = frozenset(),
) -> Choice | None:
    """The entry that fires next, or ``None`` if none may.

    Entries whose time has not come (``not_before_ms``) and those of agents in ``blocked`` are not eligible.
    """
    eligible = [e for e in entries if e.not_before_ms <= now_ms and e.agent not in blocked]
    first = order(eligible, policy, overrides, now_ms, SHOWN)
    if not first:
        return None
    rank = rank_without_overrides(first[0], eligible, policy, now_ms) if overrides else 1
    return choose(first, policy, overrides, now_ms, eligible=len(eligible), rank=rank)


def rank_without_overrides(chosen: Entry, eligible: Iterable[Entry], policy: Policy, now_ms: int) -> int:
    """The place, from 1, that ``chosen`` has among ``eligible`` where no override moves any."""
    own = rank_of(chosen, policy, now_ms)
    return 1 + sum(rank_of(entry, policy, now_ms) < own for entry in eligible)


def choose(
    first: Sequence[Entry], policy: Policy, overrides: Mapping[str, Lift], now_ms: int, *, eligible: int, rank: int
) -> Choice:
    """The choice of ``first[0]``, with the rest of ``first`` as its runners-up."""
    chosen = first[0]
    lift = overrides.get(chosen.activation) if overrides else None
    now = _standing(chosen, policy, lift, now_ms)
    return Choice(
        entry=chosen,
        level=now.level,
        waited_ms=now_ms - chosen.eligible_ms,
        score=now.score,
        eligible=eligible,
        rank=rank,
        override=lift.key if lift else None,
        runners_up=tuple(_standing(e, policy, overrides.get(e.activation), now_ms) for e in first[1:]),
    )


def _standing(entry: Entry, policy: Policy, lift: Lift | None, now_ms: int) -> Standing:
    units = policy.score_units(entry, now_ms) + (lift.units if lift is not None else 0)
    return Standing(entry, policy.level_of(entry, now_ms, lift), units / POINT)
