"""When to look again though nothing has changed: for a retry, a deadline, an expiry, the end of the run's time."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable

    from controller.desk import Desk

SWEEP_EVERY_S: Final = 0.05


class Alarm:
    """One timer, set anew in each turn of the cycle."""

    def __init__(self, desk: Desk, wake: Callable[[], None], sweep: Callable[[], None]) -> None:
        self._desk = desk
        self._wake = wake
        self._sweep = sweep
        self._timer: asyncio.TimerHandle | None = None
        self._loop = asyncio.get_running_loop()

    def set(self, now_ms: int, *due_ms: int | None) -> None:
        """Call ``wake`` at the first of ``due_ms`` and the end of the run's time, or ``sweep`` if a record expires first."""
        limit_ms = self._desk.settings.limits.run.time_ms
        left_ms = None if limit_ms is None else self._desk.ledger.started_ms + limit_ms - self._desk.steady_ms()
        end_ms = None if left_ms is None else now_ms + left_ms
        due = min((t for t in (*due_ms, end_ms) if t is not None), default=None)
        expiry_ms = self._desk.replica.next_expiry_ms()
        self.cancel()
        if expiry_ms is not None and (due is None or expiry_ms <= due):
            # The server removes a few at a time, and its clock is only known about.
            self._timer = self._loop.call_later(max(SWEEP_EVERY_S, (expiry_ms - now_ms) / 1000), self._sweep)
        elif due is not None:
            self._timer = self._loop.call_later(max(0.001, (due - now_ms) / 1000), self._wake)

    def cancel(self) -> None:
        """Call nothing."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
