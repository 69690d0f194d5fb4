"""What agents collect: whether enough is there, from when on they may fire, and what they are given.

A match with collects goes by how many members there are, not by which: so its id names its other records alone, and
a member more costs no look at those that are there.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple, TypeAlias

from blackboard.wording import seconds
from controller.activation import own_triggers
from controller.entry import FOREVER
from knowledge_sources.collect import Members

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from blackboard.control_records import Activation, Collected
    from blackboard.record import Record
    from knowledge_sources.collect import Collecting
    from knowledge_sources.source import KnowledgeSource

SHORT: Final = 0
"""fewer than ``at_least`` are there"""
ENOUGH: Final = 1
"""``at_least`` are there, but not all"""
COMPLETE: Final = 2
"""all ``of`` are there, or more"""

Gathered: TypeAlias = "dict[str, Members[Record[Any]]]"
"""alias → its members"""


class Readiness(NamedTuple):
    """When a match may fire that has to wait for members or for a time to pass."""

    eligible_ms: int
    """from when on its waiting counts"""
    not_before_ms: int
    """:data:`FOREVER` while it lacks members"""
    overdue_ms: int | None
    """when somebody is to be asked what becomes of it though it lacks members; ``None``: nobody"""
    standings: tuple[int, ...]
    """of each collect, :data:`SHORT`, :data:`ENOUGH` or :data:`COMPLETE`"""

    @property
    def rests(self) -> bool:
        """Whether only more members can help it: no time ends its waiting."""
        return self.not_before_ms == FOREVER and self.overdue_ms is None


def standing(collecting: Collecting, count: int) -> int:
    """What ``count`` members come to."""
    if count < collecting.at_least:
        return SHORT
    # Without a time to wait, enough is all that is waited for.
    if collecting.within_ms is None or (collecting.of is not None and count >= collecting.of):
        return COMPLETE
    return ENOUGH


def readiness(
    source: KnowledgeSource, records: Iterable[Record[Any]], members: Mapping[str, Sequence[Record[Any]]]
) -> Readiness:
    """When the match of ``records``, those of the plain watches, may fire with ``members`` in the order of commits."""
    since_ms = max((record.time_ms for record in records), default=None)
    if since_ms is None:
        since_ms = min((each[0].time_ms for each in members.values() if each), default=None)
    standings = tuple([standing(one, len(members[one.alias])) for one in source.collects])
    if since_ms is None or lacking(source, standings):
        return Readiness(since_ms or 0, FOREVER, None, standings)
    ready_ms = since_ms + (source.after_ms or 0)
    deadlines = []
    for collecting, stands in zip(source.collects, standings, strict=True):
        deadline_ms = None if collecting.within_ms is None else since_ms + collecting.within_ms
        if stands != SHORT:
            ready_ms = max(ready_ms, _ready_ms(collecting, deadline_ms, members[collecting.alias]))
        elif deadline_ms is not None:
            deadlines.append(deadline_ms)
    if deadlines:
        return Readiness(since_ms, FOREVER, max(ready_ms, *deadlines), standings)
    return Readiness(ready_ms, ready_ms, None, standings)


def lacking(source: KnowledgeSource, standings: Iterable[int]) -> bool:
    """Whether it lacks members that it waits for without a time, so that it counts as no match yet."""
    return any(
        stands == SHORT and one.within_ms is None for one, stands in zip(source.collects, standings, strict=True)
    )


def _ready_ms(collecting: Collecting, deadline_ms: int | None, present: Sequence[Record[Any]]) -> int:
    """When a collect that has enough was, or will be, ready."""
    enough_ms = _latest_ms(present[: collecting.at_least])
    if deadline_ms is None:
        return enough_ms
    at_deadline_ms = max(deadline_ms, enough_ms)
    if collecting.of is not None and len(present) >= collecting.of:
        return min(at_deadline_ms, _latest_ms(present[: collecting.of]))
    return at_deadline_ms


def _latest_ms(records: Iterable[Record[Any]]) -> int:
    return max((record.time_ms for record in records), default=0)


def taken(source: KnowledgeSource, members: Mapping[str, Sequence[Record[Any]]]) -> Gathered | None:
    """What the agent is given of ``members``, the earliest first; ``None`` where it is not enough."""
    gathered: Gathered = {}
    for collecting in source.collects:
        present = members[collecting.alias]
        if len(present) < collecting.at_least:
            return None
        gathered[collecting.alias] = Members(present[: collecting.most], at_least=collecting.at_least, of=collecting.of)
    return gathered


def renewed(source: KnowledgeSource, gathered: Gathered, get: Callable[[str], Record[Any] | None]) -> Gathered | None:
    """The same members as they are now, those that no longer match left out; ``None`` where too few are left."""
    now: dict[str, list[Record[Any]]] = {}
    for collecting in source.collects:
        present = (get(record.key) for record in gathered[collecting.alias])
        now[collecting.alias] = [r for r in present if r is not None and collecting.pattern.match(r) is not None]
    return taken(source, now)


def shortfall(source: KnowledgeSource, members: Mapping[str, Sequence[Record[Any]]]) -> str:
    """What is missing, as the beginning of a sentence; ``""`` where nothing is."""
    for collecting in source.collects:
        count = len(members[collecting.alias])
        if count < collecting.at_least:
            within = f" within {seconds(collecting.within_ms)}" if collecting.within_ms is not None else ""
            return f"{source.name} has {count} of at least {collecting.at_least} {collecting.alias}{within}"
    return ""


def with_members(record: Activation, gathered: Gathered) -> Activation:
    """``record`` with ``gathered`` in the place of members that it had."""
    triggers = [*own_triggers(record)]
    collected: dict[str, Collected] = {}
    for alias, members in gathered.items():
        triggers += [[alias, member.key, member.commit] for member in members]
        collected[alias] = {"taken": len(members), "at_least": members.at_least, "of": members.of}
    return {**record, "triggers": triggers, "collected": collected}
