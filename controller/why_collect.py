"""What agents collect, as ``why-not`` tells it: from the records of a board and the agent's entry in the registry."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from blackboard.pattern import Pattern
from blackboard.wording import seconds
from controller.candidates import candidates

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from blackboard.control_records import Agent, CollectClause
    from blackboard.record import Record
    from controller.candidates import Records


class Gathering(NamedTuple):
    """What there is of one collect under some captures."""

    alias: str
    pattern: str
    present: int
    at_least: int
    of: int | None
    members: tuple[Record[Any], ...]
    """the earliest first, at most as many as are taken"""
    deadline_ms: int | None
    """until when it waits for more; ``None``: for no time"""

    @property
    def lacks(self) -> int:
        """How many are missing before the agent may fire at all."""
        return max(0, self.at_least - self.present)


def gatherings(
    board: Records, agent: Agent, captures: Mapping[str, str], records: Mapping[str, Record[Any]]
) -> tuple[Gathering, ...]:
    """What ``agent`` finds of each of its collects under ``captures``, beside ``records``."""
    found = {
        alias: sorted(
            (record for record, _ in candidates(board, Pattern.parse(clause["pattern"]), captures)),
            key=lambda record: (record.revision, record.key),
        )
        for alias, clause in agent.get("collects", {}).items()
    }
    since_ms = max((record.time_ms for record in records.values()), default=None)
    if since_ms is None:
        since_ms = min((each[0].time_ms for each in found.values() if each), default=None)
    return tuple(
        _gathering(alias, clause, found[alias], since_ms) for alias, clause in agent.get("collects", {}).items()
    )


def _gathering(alias: str, clause: CollectClause, found: Sequence[Record[Any]], since_ms: int | None) -> Gathering:
    of, within_ms = clause["of"], clause["within_ms"]
    waits = within_ms is not None and since_ms is not None and (of is None or len(found) < of)
    deadline_ms = since_ms + within_ms if waits and since_ms is not None and within_ms is not None else None
    return Gathering(
        alias, clause["pattern"], len(found), clause["at_least"], of, tuple(found if of is None else found[:of]), deadline_ms
    )  # fmt: skip


def groups(board: Records, agent: Agent, captures: dict[str, str]) -> Iterator[dict[str, str]]:
    """``captures`` with every way to bind what the collects alone capture, each once; as they are where nothing is."""
    patterns = [Pattern.parse(clause["pattern"]) for clause in agent.get("collects", {}).values()]
    free = [pattern for pattern in patterns if any(name not in captures for name in pattern.captures)]
    if not free:
        yield captures
        return
    seen: set[tuple[tuple[str, str], ...]] = set()
    for _, bound in candidates(board, free[0], captures):
        wider = {**captures, **bound}
        place = tuple(sorted(wider.items()))
        if place not in seen:
            seen.add(place)
            yield from groups(board, agent, wider)


def told(gathering: Gathering, now_ms: int | None = None) -> str:
    """``gathering`` as a sentence; ``now_ms`` is the server's time, where that is known."""
    of = f", {gathering.of} wanted" if gathering.of is not None else ""
    there = ", ".join(record.reference for record in gathering.members[:5])
    more = f" and {len(gathering.members) - 5} more" if len(gathering.members) > 5 else ""
    text = f"{gathering.alias}: {gathering.present} of at least {gathering.at_least}{of}: {there or 'none'}{more}"
    if gathering.deadline_ms is None:
        return text
    left_ms = None if now_ms is None else gathering.deadline_ms - now_ms
    if left_ms is not None and left_ms <= 0:
        return f"{text}; its time is over"
    return text + (f"; waits for {seconds(left_ms)} more" if left_ms is not None else "; waits for its time")
