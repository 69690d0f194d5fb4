"""How a match comes to be an entry of the agenda."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from controller.entry import Entry

if TYPE_CHECKING:
    from collections.abc import Sequence

    from blackboard.record import Record
    from controller.grouping import Group, Grouping
    from controller.matching import Match


def entry_for(
    match: Match,
    triggers: Sequence[Record[Any]],
    *,
    level: int,
    rating: float,
    grouping: Grouping | None,
    attempt: int,
    not_before_ms: int,
    since_ms: int,
) -> Entry:
    """``match`` as an entry; it waits from ``since_ms`` on where that is later than what set it off.

    ``triggers`` are its records, or the first member where it has collected ones alone.
    """
    source, ready = match.source, match.ready
    case = triggers[0].case or triggers[0].key
    groups: tuple[Group, ...] = ()
    flow = ""
    if grouping is not None and source.kind == "agent":
        groups, flow = grouping.of(source.provides, match.captures, case)
    latest_ms = ready.eligible_ms if ready is not None else max(record.time_ms for record in triggers)
    return Entry(
        match.activation,
        source.name,
        source.provides,
        case,
        level=level,
        rating=rating,
        eligible_ms=max(since_ms, latest_ms),
        sequence=max(record.revision for record in triggers),
        captures=match.captures,
        triggers=match.records,
        attempt=attempt,
        not_before_ms=not_before_ms if ready is None else max(not_before_ms, ready.not_before_ms),
        groups=groups,
        flow=flow,
        collects=bool(source.collects),
    )
