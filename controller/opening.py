"""The first record of an activation: what is known of a match before anything came of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from blackboard.control_records import Activation, Decision, State
    from controller.entry import Entry

UNDECIDED_RANK = 0


def opened(entry: Entry, state: State, *, worker: str, now_ms: int, decision: Decision) -> Activation:
    """The record of ``entry``'s activation in ``state``, called by ``worker``; ``""`` where nobody calls it."""
    return {
        "agent": entry.agent,
        "capability": entry.capability,
        "state": state,
        "case": entry.case,
        "work_item": entry.work_item,
        "captures": dict(entry.captures),
        "triggers": [[alias, record.key, record.commit] for alias, record in entry.triggers.items()],
        "worker": worker,
        "attempt": entry.attempt if worker else entry.attempt - 1,
        "eligible_ms": entry.eligible_ms,
        "dispatched_ms": now_ms,
        "decision": decision,
    }


def unchosen(entry: Entry, revision: int, level: str, override: str | None) -> Decision:
    """The decision of one that never was picked: an order or a limit settled it."""
    return {
        "revision": revision,
        "eligible": 0,
        "rank": UNDECIDED_RANK,
        "level": level,
        "rating": entry.rating,
        "waited_ms": 0,
        "score": entry.rating,
        "override": override,
        "runners_up": [],
    }
