"""The first record of an activation: what is known of a match before anything came of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from blackboard.control_records import Activation, Decision, State
    from controller.desk import Desk
    from controller.entry import Entry


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


def undispatched(entry: Entry, desk: Desk) -> Activation:
    """The record of one that never was picked, since an order or a limit settles it before that."""
    decision: Decision = {
        "revision": desk.replica.revision,
        "eligible": 0,
        "rank": 0,
        "level": desk.settings.levels[entry.level],
        "rating": entry.rating,
        "waited_ms": 0,
        "score": entry.rating,
        "override": None,
        "runners_up": [],
    }
    return opened(entry, "pending", worker="", now_ms=desk.now_ms(), decision=decision)
