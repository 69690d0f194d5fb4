"""Which of the pending ones fires next: a pure function of a snapshot.

The order is: overrides, then priority level, then who of a shared capture has had least, then rating plus bounded
ageing, then first come (or last come) first, then the id.  Equal snapshots give equal picks, whatever their order in
memory.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from heapq import nsmallest
from typing import TYPE_CHECKING, Final, Literal, NamedTuple, TypeAlias

from blackboard.errors import UsageError
from controller.entry import POINT, as_units
from controller.grouping import keys_of

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence

    from blackboard.control_records import Decision
    from controller.entry import Entry
    from controller.grouping import Key
    from controller.shares import Shares

DEFAULT_LEVELS: Final = ("critical", "high", "normal", "low")
"""the priority levels, the most urgent first, where nobody says others"""
FRONT: Final = 1 << 40
"""The boost of one that a person picks by hand: no order goes before that."""
SHOWN: Final = 4
"""The chosen one and three runners-up."""

Rank: TypeAlias = tuple[int, int, int, int, int, str]
"""Sorts as entries fire: override, level, share, score, arrival, id; the least is first."""


@dataclass(frozen=True, slots=True)
class Policy:
    """How entries of one level are ordered, and whether waiting can lift one to a higher level.

    Each second of waiting adds ``ageing_rate_per_s`` points to the rating, ``ageing_cap`` at most
    (``math.inf``: no bound).  Rates are kept to a millionth of a point per second.  ``tie`` says who is
    first among equals.  Levels are strict, unless ``promote_after_ms`` is set: then each such time of
    waiting lifts an entry by one level.  ``fair`` is the capture among whose values the firings of each level are
    shared (:mod:`controller.shares`), ``""`` for none.
    """

    ageing_rate_per_s: float = 1.0
    ageing_cap: float = 60.0
    tie: Literal["fifo", "recency"] = "fifo"
    promote_after_ms: int | None = None
    fair: str = ""
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
        among the young stays that of their commits.  What is told of a choice counts from 0.
        """
        aged = self.rate_units_per_ms * (now_ms - entry.eligible_ms)
        cap = self.cap_units
        return entry.rating_units + (aged if cap is None or aged < cap else cap)

    def aged_units(self, waited_ms: int) -> int:
        """What waiting so long adds to a rating, in billionths of a point; :meth:`score_units` has it in line, for speed."""
        aged = self.rate_units_per_ms * max(0, waited_ms)
        return aged if self.cap_units is None else min(aged, self.cap_units)

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
    """How one entry stands at the moment of a pick; ``share`` is what its flow does, ``None`` where nothing is shared."""

    entry: Entry
    level: int
    score: float
    share: int | None = None


class Choice(NamedTuple):
    """The one that fires next and what made it so.

    ``level`` is the index at which it competed.  ``eligible`` counts those that could have been chosen.
    ``rank`` is the place that it would have had without overrides, from 1; ``override`` is the key of the
    one that moved it.  ``share`` is what its flow stood at, ``None`` where nothing is shared.
    """

    entry: Entry
    level: int
    waited_ms: int
    score: float
    eligible: int
    rank: int
    override: str | None
    runners_up: tuple[Standing, ...]
    share: int | None = None

    def decision(self, revision: int, levels: Sequence[str]) -> Decision:
        """What the activation keeps of this choice, made at ``revision`` of the board; ``levels`` names them."""
        decision = self._decision(revision, levels)
        if self.level < self.entry.level and self.override is None:
            decision["promoted_from"] = levels[self.entry.level]
        if self.share is not None:
            decision["share"], decision["flow"] = self.share, self.entry.flow
        return decision

    def _decision(self, revision: int, levels: Sequence[str]) -> Decision:
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


def rank_of(entry: Entry, policy: Policy, now_ms: int, lift: Lift = _UNLIFTED, shares: Shares | None = None) -> Rank:
    """The sort key of ``entry`` at ``now_ms``; ids are unique, so no two entries share one."""
    level, score = policy.level_of(entry, now_ms, lift), policy.score_units(entry, now_ms) + lift.units
    share = 0 if shares is None else shares.tag(level, entry.flow)
    return (-lift.boost, level, share, -score, policy.arrival(entry), entry.activation)


def order(
    entries: Iterable[Entry],
    policy: Policy,
    overrides: Mapping[str, Lift],
    now_ms: int,
    limit: int,
    *,
    shares: Shares | None = None,
) -> list[Entry]:
    """The first ``limit`` of ``entries`` in the order in which they would fire; ``overrides`` by activation id."""
    if not overrides:
        return nsmallest(limit, entries, key=lambda entry: rank_of(entry, policy, now_ms, _UNLIFTED, shares))
    return nsmallest(
        limit,
        entries,
        key=lambda entry: rank_of(entry, policy, now_ms, overrides.get(entry.activation, _UNLIFTED), shares),
    )


def pick(
    entries: Collection[Entry],
    policy: Policy,
    overrides: Mapping[str, Lift],
    now_ms: int,
    *,
    blocked: Collection[Key] = frozenset(),
    shares: Shares | None = None,
) -> Choice | None:
    """The entry that fires next, or ``None`` if none may.

    Entries whose time has not come (``not_before_ms``) and those of agents or groups in ``blocked`` are not
    eligible.  ``shares`` is what each flow has had, where the policy shares.
    """
    eligible = [e for e in entries if e.not_before_ms <= now_ms and blocked_by(e, blocked) is None]
    first = order(eligible, policy, overrides, now_ms, SHOWN, shares=shares)
    if not first:
        return None
    rank = rank_without_overrides(first[0], eligible, policy, now_ms, shares) if overrides else 1
    stand = standings(first, policy, overrides, now_ms, shares)
    return choose(stand, overrides, now_ms, eligible=len(eligible), rank=rank)


def blocked_by(entry: Entry, blocked: Collection[Key]) -> Key | None:
    """What of ``blocked`` keeps ``entry`` from firing, the first there is."""
    return next((key for key in keys_of(entry.lane) if key in blocked), None) if blocked else None


def rank_without_overrides(
    chosen: Entry, eligible: Iterable[Entry], policy: Policy, now_ms: int, shares: Shares | None = None
) -> int:
    """The place, from 1, that ``chosen`` has among ``eligible`` where no override moves any."""
    own = rank_of(chosen, policy, now_ms, _UNLIFTED, shares)
    return 1 + sum(rank_of(entry, policy, now_ms, _UNLIFTED, shares) < own for entry in eligible)


def choose(
    first: Sequence[Standing], overrides: Mapping[str, Lift], now_ms: int, *, eligible: int, rank: int
) -> Choice:
    """The choice of ``first[0]``, with the rest of ``first`` as its runners-up."""
    chosen = first[0]
    entry = chosen.entry
    lift = overrides.get(entry.activation) if overrides else None
    return Choice(
        entry,
        chosen.level,
        max(0, now_ms - entry.eligible_ms),
        chosen.score,
        eligible,
        rank,
        None if lift is None else lift.key,
        tuple(first[1:]),
        chosen.share,
    )


def standings(
    entries: Iterable[Entry], policy: Policy, overrides: Mapping[str, Lift], now_ms: int, shares: Shares | None
) -> list[Standing]:
    """How each of ``entries`` stands at ``now_ms``."""
    if overrides or shares is not None:
        return [_standing(entry, policy, overrides.get(entry.activation), now_ms, shares) for entry in entries]
    level_of, score_units = policy.level_of, policy.score_units
    return [
        # Told, a wait that another clock makes negative is none.
        Standing(entry, level_of(entry, now_ms), score_units(entry, max(now_ms, entry.eligible_ms)) / POINT)
        for entry in entries
    ]


def _standing(entry: Entry, policy: Policy, lift: Lift | None, now_ms: int, shares: Shares | None) -> Standing:
    units = policy.score_units(entry, max(now_ms, entry.eligible_ms)) + (lift.units if lift is not None else 0)
    level = policy.level_of(entry, now_ms, lift or _UNLIFTED)
    share = None if shares is None else shares.tag(level, entry.flow)
    return Standing(entry, level, units / POINT, share)
