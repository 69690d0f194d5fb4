"""What a viewer shows of a board, gathered from its records: pure, and printable as JSON."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any, NamedTuple

from blackboard.commands.record_view import change_document, short_value
from blackboard.control_records import (
    ACTIVATIONS,
    AGENTS,
    ATTENTION,
    CONTROL,
    ESCALATIONS,
    LEADER,
    OVERRIDES,
    PROGRESS,
    RUN,
)
from blackboard.control_shapes import checked
from blackboard.errors import Corrupt
from blackboard.terminal import format_json, sanitize
from blackboard.wording import first_line
from knowledge_sources.performance import performance_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from blackboard.log import Change
    from blackboard.record import Record


class Snapshot(NamedTuple):
    """A board as it stands: who leads (``""``: nobody), records by region, open questions, and the leader's agenda."""

    board: str
    revision: int
    run: dict[str, Any] | None
    leader: str
    regions: Mapping[str, int]
    agents: list[dict[str, Any]]
    questions: list[dict[str, Any]]
    agenda: dict[str, Any] | None


def take(board: str, revision: int, records: Iterable[Record[Any]], agenda: dict[str, Any] | None) -> Snapshot:
    """The snapshot in ``records``, sound ones sorted by key; an agenda that not the leader published is left out."""
    regions: dict[str, int] = {}
    control: dict[str, Any] = {}
    for record in records:
        if record.key.startswith(CONTROL):
            control[record.key] = record.value
        else:
            region = record.key.partition("/")[0]
            regions[region] = regions.get(region, 0) + 1
    by_agent: dict[str, list[Any]] = {}
    for value in (value for key, value in control.items() if key.startswith(ACTIVATIONS)):
        by_agent.setdefault(value["agent"], []).append(value)
    agents = [
        {"name": value["name"], "status": value["status"], **performance_of(by_agent.get(value["name"], []))._asdict()}
        for value in (value for key, value in control.items() if key.startswith(AGENTS))
    ]
    asked = [{"id": k.removeprefix(ESCALATIONS), **v} for k, v in control.items() if k.startswith(ESCALATIONS)]
    questions = sorted((one for one in asked if one["status"] == "open"), key=lambda one: int(one["asked_ms"]))
    leader = str(control[LEADER]["member"]) if LEADER in control else ""
    shown = agenda if agenda is not None and agenda["member"] == leader else None
    return Snapshot(board, revision, control.get(RUN), leader, regions, agents, questions, shown)


def told(change: Change) -> str:
    """What a change says, in a few words: the runtime's own records are summed up, others show their value."""
    if change.record is None:
        return "its time was over" if change.operation == "expire" else "removed"
    try:
        value: Any = checked(change.record).value
    except Corrupt as error:
        return str(error)
    if change.key.startswith(ACTIVATIONS):
        return f"{value['agent']} for {value['case']} {value['state']}: {first_line(value.get('reason', ''))}".rstrip(
            ": "
        )
    if change.key.startswith(ATTENTION):
        return f"{value['addressed']} is asked: {first_line(value['reason'])}"
    if change.key.startswith(OVERRIDES):
        return f"{value['author']} orders {value['verb']}, {value['status']}: {first_line(value['reason'])}"
    if change.key.startswith(ESCALATIONS):
        return f"{value['agent']} for {value['case']} asks, {value['status']}: {first_line(value['question'])}"
    if change.key.startswith(PROGRESS):
        return f"{value['agent']}: {first_line(value['text'])}"
    return f"{value['kind']} is {value['status']}" if change.key.startswith(AGENTS) else short_value(value)


def author_of(change: Change) -> str:
    """Who wrote it, ``-`` for nobody named; the runtime commits some records for others, who are their authors."""
    return (change.record.author if change.record is not None else change.author) or "-"


def line_of(change: Change, *, as_json: bool) -> str:
    """The change as JSON, or as tab-separated fields: commit, time in UTC, operation, key, author, what it says."""
    if as_json:
        return format_json(change_document(change))
    moment = dt.datetime.fromtimestamp(change.time_ms / 1000, tz=dt.UTC).isoformat(timespec="milliseconds")
    fields = (change.commit, moment, change.operation, change.key, author_of(change), told(change))
    return "\t".join(sanitize(field) for field in fields)
