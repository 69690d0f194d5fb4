"""A clock that a test moves; commits carry its time, and leases are measured on it."""

from __future__ import annotations

from blackboard.clock import SystemClock


class Hand(SystemClock):
    """Stands still until :attr:`ms` is raised: milliseconds since 1970, and of the monotonic clock as well."""

    def __init__(self, ms: int = 1_700_000_000_000) -> None:
        self.ms = ms

    def now_ms(self) -> int:
        return self.ms

    def monotonic(self) -> float:
        return self.ms / 1000

    def server_time_ms(self) -> int:
        return self.ms
