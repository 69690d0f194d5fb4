"""An entry of the agenda: one eligible match that has not been chosen yet."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from blackboard.errors import InvalidValue
from controller.activation import work_item

if TYPE_CHECKING:
    from collections.abc import Mapping

    from blackboard.record import Record
    from controller.grouping import Group, Lane

POINT: Final = 1_000_000_000
"""Scores are compared in billionths of a point, as integers: sums of floats would depend on their order."""


FOREVER: Final = 1 << 52
"""``not_before_ms`` of one that waits for something else than a time to come"""


def as_units(points: float, what: str) -> int:
    """``points`` in billionths; raises :class:`InvalidValue` for what is not finite."""
    try:
        return round(points * POINT)
    except (ValueError, OverflowError) as error:
        raise InvalidValue(f"{points!r} is not a finite number", place=what) from error


class Entry:
    """What is known of a pending activation.  Nothing but ``ticket`` changes once it is on an agenda.

    ``activation`` is its id.  ``level`` is the priority level's index, 0 the most urgent.  ``eligible_ms`` is
    the time of the latest trigger's commit.  ``sequence`` is its place in the order of arrival: the revision of
    the latest trigger, so that the order is the same after a restart.  ``attempt`` is the number of the call that
    choosing it would make, from 1.  It is not eligible before ``not_before_ms``.  ``triggers`` are the matched
    records by alias.  ``groups`` are those that limits or shares count,
    and ``flow`` is its value of the shared
    capture (:class:`~controller.grouping.Grouping`); ``lane`` is what can be blocked as one.  ``collects`` is
    whether it will be given more than its triggers.
    """

    __slots__ = (
        "activation",
        "agent",
        "attempt",
        "capability",
        "captures",
        "case",
        "collects",
        "eligible_ms",
        "flow",
        "lane",
        "level",
        "not_before_ms",
        "rating",
        "rating_units",
        "sequence",
        "ticket",
        "triggers",
        "work_item",
    )

    def __init__(
        self,
        activation: str,
        agent: str,
        capability: str,
        case: str,
        *,
        level: int,
        rating: float,
        eligible_ms: int,
        sequence: int,
        captures: Mapping[str, str],
        triggers: Mapping[str, Record[Any]],
        attempt: int = 1,
        not_before_ms: int = 0,
        groups: tuple[Group, ...] = (),
        flow: str = "",
        collects: bool = False,
    ) -> None:
        self.activation = activation
        self.agent = agent
        self.capability = capability
        self.case = case
        self.work_item = work_item(capability, case)
        self.level = level
        self.rating = rating
        self.rating_units = as_units(rating, f"the rating of {agent}")
        self.eligible_ms = eligible_ms
        self.sequence = sequence
        self.captures = captures
        self.triggers = triggers
        self.attempt = attempt
        self.not_before_ms = not_before_ms
        self.lane: Lane = (agent, *groups) if groups else agent
        self.flow = flow
        self.collects = collects
        self.ticket = 0
        """The agenda's own mark; an entry is on one agenda at a time."""

    def __repr__(self) -> str:
        return f"Entry({self.activation!r}, {self.agent!r}, {self.case!r}, level={self.level}, rating={self.rating:g})"
