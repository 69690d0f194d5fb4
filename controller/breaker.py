"""The circuit breaker of one agent: closed, open, half-open with one probe; a machine without clock or network.

After M. Nygard, *Release It!* (2007): calls go through while it is closed; it opens where too many of the latest
failed, too much was spent or nothing comes of them; when its time is over one call is let through, the probe, and what
that comes to closes it or opens it for twice as long.
"""

from __future__ import annotations

import math
from collections import deque
from typing import TYPE_CHECKING, Final, NamedTuple

from blackboard.wording import first_line, seconds

if TYPE_CHECKING:
    from blackboard.control_records import BreakerState, FailureClass
    from knowledge_sources.breaker_terms import Breaker

FAULTY: Final[frozenset[FailureClass]] = frozenset({"error", "dead", "slow", "invalid", "ungrounded"})
"""The classes that speak against an agent; one that is unsure or out of money does what it should."""
MOST_DOUBLINGS: Final = 5


class Call(NamedTuple):
    """One call that has ended."""

    ended_ms: int
    failure: FailureClass | None = None
    error: str = ""
    wrote: bool = False
    cost: float = 0.0


class BreakerMachine:
    """The state of one breaker.  Each method that may change it says whether it did."""

    __slots__ = ("_calls", "_costs", "opened_ms", "probe", "reason", "state", "terms", "times", "until_ms")

    def __init__(self, terms: Breaker) -> None:
        self.terms = terms
        self.state: BreakerState = "closed"
        self.reason = ""
        self.opened_ms = 0
        self.until_ms = 0
        """while it is open: when the probe may go"""
        self.times = 0
        """how often it has opened since it was last closed"""
        self.probe = ""
        """the activation that is let through while it is half open"""
        self._calls: deque[Call] = deque(maxlen=max(terms.of, terms.idle or 1))
        self._costs: deque[Call] = deque()

    @property
    def blocks(self) -> bool:
        """Whether no call may start now."""
        return self.state == "open" or (self.state == "half_open" and bool(self.probe))

    def ended(self, activation: str, call: Call, now_ms: int) -> bool:
        """A call has ended.  While it is not closed only the probe counts: others had begun before it opened."""
        if self.state == "half_open" and activation == self.probe:
            self.probe = ""
            if call.failure in FAULTY:
                self._open(f"the call that it let through failed: {first_line(call.error)}", now_ms)
            else:
                self._close()
            return True
        if self.state != "closed":
            return False
        self._calls.append(call)
        if self.terms.spend is not None and call.cost:
            self._costs.append(call)
        reason = self._fault(now_ms)
        if reason:
            self._open(reason, now_ms)
        return bool(reason)

    def begins(self, activation: str) -> None:
        """While it is half open: ``activation`` is the call that is let through."""
        self.probe = activation

    def came_to_nothing(self, activation: str) -> bool:
        """The probe ended without a result, as by a stop: another one may be let through."""
        if not self.probe or activation != self.probe:
            return False
        self.probe = ""
        return True

    def tick(self, now_ms: int) -> bool:
        """Let time pass: an open one whose time is over becomes half open."""
        if self.state != "open" or now_ms < self.until_ms:
            return False
        self.state, self.probe = "half_open", ""
        return True

    def resume(self, state: BreakerState, *, reason: str, opened_ms: int, until_ms: int, times: int) -> None:
        """Go on as another controller left it; a half open one waits for a probe, whatever became of the last."""
        self.state, self.reason, self.opened_ms, self.until_ms, self.times = state, reason, opened_ms, until_ms, times
        self.probe = ""

    def _open(self, reason: str, now_ms: int) -> None:
        self.times += 1
        self.state, self.reason, self.opened_ms, self.probe = "open", reason, now_ms, ""
        self.until_ms = now_ms + (self.terms.cooldown_ms << min(self.times - 1, MOST_DOUBLINGS))
        self._calls.clear()
        self._costs.clear()

    def _close(self) -> None:
        self.state, self.reason, self.times, self.until_ms = "closed", "the call that it let through was good", 0, 0

    def _fault(self, now_ms: int) -> str:
        """Why it is to open, as a sentence; ``""`` where it is not."""
        terms = self.terms
        if terms.errors is not None and len(self._calls) >= terms.of:
            latest = list(self._calls)[-terms.of :]
            failed = [call for call in latest if call.failure in FAULTY]
            if len(failed) >= terms.errors * terms.of:
                return (
                    f"{len(failed)} of its last {terms.of} calls failed, the last with: {first_line(failed[-1].error)}"
                )
        idle = terms.idle
        if idle is not None and len(self._calls) >= idle and not any(c.wrote for c in list(self._calls)[-idle:]):
            return f"its last {idle} calls contributed nothing"
        if terms.spend is not None:
            while self._costs and self._costs[0].ended_ms <= now_ms - terms.spend_within_ms:
                self._costs.popleft()
            spent = math.fsum(call.cost for call in self._costs)
            if spent > terms.spend:
                within = seconds(terms.spend_within_ms)
                return f"it spent {spent:.4g} in {within}, more than the {terms.spend:g} that it may"
        return ""
