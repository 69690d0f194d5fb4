"""How an agent has done so far: derived from the activations that the board holds, stored nowhere."""

from __future__ import annotations

import statistics
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable

    from blackboard.control_records import Activation


class Performance(NamedTuple):
    """Counts over the activations of one agent; ``cost`` is in the currency of the scenario's limits."""

    activations: int
    running: int
    """its load"""
    waiting: int
    """activations that wait: for another try, for a hold to end or for a person"""
    executed: int
    """activations that ended with the agent's own contribution"""
    failed_calls: int
    overruled: int
    """activations that a supervisor's order ended in its place"""
    success: float | None
    """the share of its finished calls that executed; ``None`` before the first"""
    median_ms: float | None
    """time inside the agent, of the calls that executed"""
    input_tokens: int
    output_tokens: int
    cost: float


def performance_of(activations: Iterable[Activation]) -> Performance:
    """The performance that ``activations``, all of one agent, add up to."""
    found = list(activations)
    executed = [a for a in found if a["state"] == "executed" and not a.get("decided_by")]
    failed_calls = sum(len(a.get("attempts", ())) for a in found)
    usage = [call for a in found for call in a.get("usage", ())]
    earlier = sum(attempt["cost"] for a in found for attempt in a.get("attempts", ()))
    times = [a["run_us"] / 1000 for a in executed if "run_us" in a]
    finished = len(executed) + failed_calls
    return Performance(
        activations=len(found),
        running=sum(a["state"] == "running" for a in found),
        waiting=sum(a["state"] in ("pending", "held", "proposed", "failed", "escalated") for a in found),
        executed=len(executed),
        failed_calls=failed_calls,
        overruled=sum(bool(a.get("decided_by")) for a in found),
        success=len(executed) / finished if finished else None,
        median_ms=statistics.median(times) if times else None,
        input_tokens=sum(call["input_tokens"] for call in usage),
        output_tokens=sum(call["output_tokens"] for call in usage),
        cost=sum(call["cost"] for call in usage) + earlier,
    )
