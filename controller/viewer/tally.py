"""What an agent's activations add up to, kept up as they change: the figures of :mod:`knowledge_sources.performance`."""

from __future__ import annotations

from bisect import bisect_left, insort
from fractions import Fraction
from itertools import count
from typing import TYPE_CHECKING, Final

from knowledge_sources.performance import Performance

if TYPE_CHECKING:
    from collections.abc import Iterable

    from blackboard.control_records import Activation, Usage

WAITING: Final = ("pending", "held", "proposed", "failed", "escalated")
IN_VAIN: Final = ("abandoned", "cancelled", "obviated", "vetoed")
"""states that say that what the last call cost bought nothing"""
_STATES: Final = count(1)


class Tally:
    """Counts of one agent; an activation is taken out as it was put in."""

    def __init__(self) -> None:
        self.changes = next(_STATES)
        """another number whenever the counts may be others, and for each tally"""
        self.calls = self.tokens = self.conflicts = 0
        """all calls, those under way and those that failed included, what they used, and what was refused of them"""
        self._activations = self._running = self._waiting = self._executed = 0
        self._failed_calls = self._overruled = self._input_tokens = self._output_tokens = 0
        self._cost, self._failed_cost = Fraction(), Fraction()
        """exact: a huge one that was here for a moment would else take the small ones with it"""
        self._times_us: list[int] = []

    def add(self, activation: Activation, sign: int) -> None:
        """Put ``activation`` in (``sign`` 1), or take it out as it was put in (-1)."""
        self.changes = next(_STATES)
        state, overruled = activation["state"], bool(activation.get("decided_by"))
        executed = state == "executed" and not overruled
        attempts, usage = activation.get("attempts", ()), activation.get("usage", ())
        self._activations += sign
        self._running += sign * (state == "running")
        self._waiting += sign * (state in WAITING)
        self._executed += sign * executed
        self._failed_calls += sign * len(attempts)
        self._overruled += sign * overruled
        self._input_tokens += sign * sum(call["input_tokens"] for call in usage)
        self._output_tokens += sign * sum(call["output_tokens"] for call in usage)
        for calls, in_vain in ((usage, state in IN_VAIN), (attempts, True)):
            for call in calls:
                if call["cost"]:
                    cost = sign * Fraction(call["cost"])
                    self._cost += cost
                    self._failed_cost += cost if in_vain else 0
        self.calls += sign * max(0, activation["attempt"])
        self.conflicts += sign * activation.get("conflicts", 0)
        self.tokens += sign * (_tokens(usage) + sum(_tokens(one.get("usage", ())) for one in attempts))
        if executed and "run_us" in activation:
            self._note_time(activation["run_us"], sign)

    def _note_time(self, run_us: int, sign: int) -> None:
        if sign > 0:
            insort(self._times_us, run_us)
        else:
            del self._times_us[bisect_left(self._times_us, run_us)]

    @property
    def failed_cost(self) -> float:
        """The part of the cost that bought nothing: failed attempts, and last calls that came to nothing."""
        return float(self._failed_cost)

    @property
    def empty(self) -> bool:
        """Whether there is no activation in it."""
        return not self._activations

    @property
    def performance(self) -> Performance:
        """The figures as they are now."""
        finished = self._executed + self._failed_calls
        times, middle = self._times_us, len(self._times_us) // 2
        median_us = (times[middle] + times[~middle]) / 2 if times else None
        return Performance(
            activations=self._activations,
            running=self._running,
            waiting=self._waiting,
            executed=self._executed,
            failed_calls=self._failed_calls,
            overruled=self._overruled,
            success=self._executed / finished if finished else None,
            median_ms=median_us / 1000 if median_us is not None else None,
            input_tokens=self._input_tokens,
            output_tokens=self._output_tokens,
            cost=float(self._cost),
        )


def _tokens(usage: Iterable[Usage]) -> int:
    return sum(call["input_tokens"] + call["output_tokens"] for call in usage)
