"""The orders that stand: found by what they can be about, and what they make of an activation together.

Where they contradict each other, a person's goes before a supervisor's, that of a supervisor at a higher level
before one at a lower, and a later one before an earlier.  The first of the force, hold and veto among them
rules; where there is none of these, the first boost.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from controller.discrimination import PatternIndex
from controller.strategy import Lift

if TYPE_CHECKING:
    from collections.abc import Iterator

    from blackboard.control_records import Scope
    from blackboard.pattern import Pattern
    from blackboard.record import Record
    from controller.authority import Authority
    from controller.entry import Entry

FORCED: Final = 1
"""the boost of what is forced: before all that is not"""
_RULING: Final = frozenset({"force", "hold", "veto"})
_PARTS: Final = ("activation", "case", "agent", "capability")
"""the parts of a scope that are one name, the narrowest first"""


class Target(NamedTuple):
    """What an order can be about: an activation, in what scopes look at."""

    activation: str
    agent: str
    capability: str
    case: str
    records: tuple[Record, ...]
    """those that trigger it"""


def target_of(entry: Entry) -> Target:
    """``entry`` as orders see it."""
    return Target(entry.activation, entry.agent, entry.capability, entry.case, tuple(entry.triggers.values()))


class StandingOrder(NamedTuple):
    """One order that stands; ``revision`` is that of the commit since which it does."""

    key: str
    verb: str
    scope: Scope
    pattern: Pattern | None
    authority: Authority
    revision: int
    expires_ms: int | None
    units: int
    """of a boost: what is added to the score, in billionths of a point"""
    level: int | None
    """of a boost: the index of the level to compete at"""
    reason: str

    @property
    def is_narrow(self) -> bool:
        """Whether it is about one activation alone, and has done its work when that has ended."""
        return self.scope.keys() == {"activation"}

    @property
    def precedence(self) -> tuple[int, int, str]:
        """The greater goes first."""
        return self.authority.rank, self.revision, self.key

    @property
    def lift(self) -> Lift:
        """What it makes of the place of what it lets fire."""
        return Lift(0 if self.verb == "boost" else FORCED, self.key, self.units, self.level)

    def covers(self, target: Target) -> bool:
        """Whether ``target`` is within the scope, and one that the author may rule on."""
        scope = self.scope
        for part in _PARTS:
            if part in scope and scope[part] != getattr(target, part):
                return False
        if self.pattern is not None and not any(self.pattern.match(record) is not None for record in target.records):
            return False
        return self.authority.may_rule_on(target.agent, target.capability)


class StandingOrders:
    """What stands, filed by the narrowest part of its scope: a look-up costs what can be about its target."""

    def __init__(self) -> None:
        self._orders: dict[str, StandingOrder] = {}
        self._filed: dict[tuple[str, str], dict[str, StandingOrder]] = {}
        """part and name → orders by key"""
        self._patterns: PatternIndex[StandingOrder] = PatternIndex()

    def __len__(self) -> int:
        return len(self._orders)

    def __iter__(self) -> Iterator[StandingOrder]:
        return iter(self._orders.values())

    def get(self, key: str) -> StandingOrder | None:
        """The order at ``key``, if it stands."""
        return self._orders.get(key)

    def add(self, order: StandingOrder) -> None:
        """Let ``order`` stand, in the place of one at its key."""
        self.remove(order.key)
        self._orders[order.key] = order
        place = _place(order)
        if place is not None:
            self._filed.setdefault(place, {})[order.key] = order
        elif order.pattern is not None:
            self._patterns.add(order.pattern, order)

    def remove(self, key: str) -> StandingOrder | None:
        """Let the order at ``key`` stand no longer; returns it, ``None`` where there was none."""
        order = self._orders.pop(key, None)
        if order is None:
            return None
        place = _place(order)
        if place is not None:
            filed = self._filed[place]
            del filed[key]
            if not filed:
                del self._filed[place]
        elif order.pattern is not None:
            self._patterns.remove(order.pattern, order)
        return order

    def about(self, activation: str) -> list[StandingOrder]:
        """Those about this one activation alone."""
        found = self._filed.get(("activation", activation))
        return [order for order in found.values() if order.is_narrow] if found else []

    def covering(self, target: Target) -> list[StandingOrder]:
        """Those that are about ``target``, the first to be heeded first."""
        found: dict[str, StandingOrder] = {}
        for part in _PARTS:
            found |= self._filed.get((part, getattr(target, part)), {})
        for record in target.records:
            found |= {order.key: order for order, _ in self._patterns.matching(record)}
        covering = [order for order in found.values() if order.covers(target)]
        return sorted(covering, key=lambda order: order.precedence, reverse=True)

    def ruling(self, target: Target) -> StandingOrder | None:
        """The one that says what becomes of ``target``; ``None`` where none does."""
        boost = None
        for order in self.covering(target):
            if order.verb in _RULING or order.verb == "reassign":
                return order
            if boost is None and order.verb == "boost":
                boost = order
        return boost

    def late_not_before(self, target: Target) -> int:
        """Until when, in milliseconds since 1970, an ``extend`` lets ``target`` take its time; 0 where none does."""
        extends = (order.expires_ms or 0 for order in self.covering(target) if order.verb == "extend")
        return max(extends, default=0)


def _place(order: StandingOrder) -> tuple[str, str] | None:
    """Under what ``order`` is filed; ``None`` where that is its pattern, which fewer match than one agent has."""
    scope = order.scope
    for part in _PARTS[:2] if order.pattern is not None else _PARTS:
        if part in scope:
            return part, scope[part]
    return None
