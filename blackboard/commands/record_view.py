"""How records and changes look: as JSON documents, and as the cells of a table."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any

from blackboard.keys import CONTROL_REGION, region_of
from blackboard.terminal import json_pieces

if TYPE_CHECKING:
    from collections.abc import Sequence

    from blackboard.console import SafeConsole
    from blackboard.log import Change
    from blackboard.pattern import Pattern
    from blackboard.record import Record
    from blackboard.replica import Replica
    from blackboard.state import State

SHORT = 100
"""characters of a value in a table"""


def record_document(record: Record[Any]) -> dict[str, Any]:
    """Everything of ``record`` that has a meaning outside, under stable names."""
    return {
        "key": record.key,
        "value": record.value,
        "commit": record.commit,
        "version": record.version,
        "time_ms": record.time_ms,
        "author": record.author,
        "activation": record.activation,
        "case": record.case,
        "causes": list(record.causes),
        "depth": record.depth,
        "trust": record.trust,
        "status": record.status,
        "expires_ms": record.expires_ms,
    }


def change_document(change: Change) -> dict[str, Any]:
    """One version of a record as the log tells it; ``value`` is null after a removal.

    ``author`` is who wrote the record, ``committed_by`` whose commit that was: the controller's, for an agent.
    """
    return {
        "key": change.key,
        "operation": change.operation,
        "commit": change.commit,
        "previous_commit": change.previous_commit,
        "time_ms": change.time_ms,
        "author": author_of(change),
        "committed_by": change.author,
        "value": change.record.value if change.record is not None else None,
    }


def chosen(state: State | Replica, wanted: Pattern | None) -> list[Record[Any]]:
    """The records that ``wanted`` matches, else all but those under ``control/``, sorted by key."""
    if wanted is not None:
        return state.find(wanted)
    return [record for record in state.records() if region_of(record.key) != CONTROL_REGION]


def record_table(console: SafeConsole, records: Sequence[Record[Any]], limit: int, none: str) -> None:
    """The first ``limit`` (0: all) records as a table; ``none`` where there are none."""
    from blackboard.console import shown, table

    if not records:
        console.print(shown(none))
        return
    listed = records[:limit] if limit else records
    rows = [(r.key, short_value(r.value), f"v{r.version}", r.commit, r.author) for r in listed]
    console.print(table(("key", "value", "version", "commit", "author"), rows, right=("version",)))
    if len(listed) < len(records):
        console.print(f"… and {len(records) - len(listed):,} more: --limit 0 shows all")


def author_of(change: Change) -> str:
    """Who wrote the record, else who removed it."""
    return change.record.author if change.record is not None else change.author


def short_value(value: object) -> str:
    """``value`` as JSON on one line, cut after 100 characters."""
    text = ""
    for piece in json_pieces(value):
        text += piece
        if len(text) > SHORT:
            break
    return text if len(text) <= SHORT else text[: SHORT - 1] + "…"


def instant(time_ms: int) -> str:
    """A moment as local time with its offset, to the millisecond."""
    moment = dt.datetime.fromtimestamp(time_ms / 1000, tz=dt.UTC)
    return moment.astimezone().isoformat(sep=" ", timespec="milliseconds")
