"""When a timer ticks: at whole multiples of its time from its start, those that were missed taken as one."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from blackboard.control_records import Timer


def due_ms(last: Timer | None, every_ms: int) -> int:
    """When the tick after ``last`` is due; a timer that has not been started is due at once."""
    return 0 if last is None else last["due_ms"] + every_ms


def tick_at(agent: str, last: Timer | None, every_ms: int, now_ms: int) -> Timer:
    """The tick to be written at ``now_ms``, when one is due; without ``last`` the start, which is number 0.

    Of several that are due by now it is the latest; the others are missed.
    """
    if last is None:
        return {"agent": agent, "n": 0, "due_ms": now_ms, "at_ms": now_ms, "missed": 0}
    missed = (now_ms - due_ms(last, every_ms)) // every_ms
    due = due_ms(last, every_ms) + missed * every_ms
    return {"agent": agent, "n": last["n"] + 1, "due_ms": due, "at_ms": now_ms, "missed": missed}
