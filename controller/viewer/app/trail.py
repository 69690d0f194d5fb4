"""What has been opened, one thing from another: enter goes on, esc goes back."""

from __future__ import annotations

from time import perf_counter
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from controller.viewer.details.detail import Detail

REST_S: Final = 0.5
"""at least so long between two readings of the same detail"""
SHARE: Final = 20
"""reading a detail again takes at most one part in so many of the time"""


class Trail:
    """Details, the last one on top; the one on top is read again when what it shows has changed."""

    def __init__(self) -> None:
        self._details: list[Detail] = []
        self._stale = False
        self._not_before = 0.0

    def __len__(self) -> int:
        return len(self._details)

    @property
    def top(self) -> Detail | None:
        """The one that is shown."""
        return self._details[-1] if self._details else None

    async def open(self, detail: Detail, width: int) -> None:
        """Read ``detail`` and put it on top; raises what reading raises, and then nothing is opened."""
        await self._load(detail, width)
        self._details.append(detail)

    def back(self) -> None:
        """Close the one on top; the one below may have become stale meanwhile."""
        del self._details[-1:]
        self._stale = bool(self._details)
        self._not_before = 0.0

    def close(self) -> None:
        """Close all."""
        self._details.clear()
        self._stale = False

    def fit(self, width: int) -> None:
        """Lay out what is open on ``width`` cells."""
        for detail in self._details:
            detail.fit(width)

    def note(self, key: str) -> None:
        """The record at ``key`` has changed; ``""`` is the published agenda."""
        if not self._stale and self._details:
            self._stale = self._details[-1].concerns(key)

    async def freshen(self, width: int) -> bool:
        """Read the one on top again where it is stale, at most so often; whether that was done."""
        if not self._stale or not self._details or perf_counter() < self._not_before:
            return False
        self._stale = False
        await self._load(self._details[-1], width)
        return True

    async def _load(self, detail: Detail, width: int) -> None:
        started = perf_counter()
        await detail.load()
        now = perf_counter()
        self._not_before = now + max(REST_S, SHARE * (now - started))
        detail.fit(width)
