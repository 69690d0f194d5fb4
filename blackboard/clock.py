"""Time as something that is passed in, so that a test or a simulation can hold it still."""

from __future__ import annotations

import asyncio
import time
from typing import Protocol


class Clock(Protocol):
    """Where an object takes its time from.

    ``server_time_ms`` is what a commit sends as its time: ``None`` lets the server's clock decide,
    which is right wherever several machines share a board.
    """

    def now_ms(self) -> int:
        """Wall-clock milliseconds since 1970, for display and expiry only."""

    def monotonic(self) -> float:
        """Seconds that never step back, for deadlines and leases."""

    def server_time_ms(self) -> int | None:
        """The time that a commit carries, or ``None`` for the server's own."""

    async def sleep(self, seconds: float) -> None:
        """Return after ``seconds`` of this clock."""


class SystemClock:
    """The machine's clocks."""

    def now_ms(self) -> int:
        return time.time_ns() // 1_000_000

    def monotonic(self) -> float:
        return time.monotonic()

    def server_time_ms(self) -> int | None:
        return None

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)
