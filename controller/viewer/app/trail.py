"""What has been opened, one thing from another: enter goes on, esc goes back."""

from __future__ import annotations

import asyncio
from time import perf_counter
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Coroutine

    from controller.viewer.details.detail import Detail
    from controller.viewer.sight import Sight

REST_S: Final = 0.5
"""at least so long between two readings of the same detail"""
SHARE: Final = 20
"""reading a detail again takes at most one part in so many of the time"""
PATIENCE_S: Final = 0.04
"""for so long a key waits for what it has read; what takes longer goes on beside the keys"""


class Trail:
    """Details, the last one on top; the one on top is read again when what it shows has changed."""

    def __init__(self) -> None:
        self._details: list[Detail] = []
        self._places: list[str] = []
        """where the cursor was in each but the last, when something else was opened from it"""
        self._reading: asyncio.Task[None] | None = None
        self._stale = False
        self._not_before = 0.0

    def __len__(self) -> int:
        return len(self._details)

    @property
    def top(self) -> Detail | None:
        """The one that is shown."""
        return self._details[-1] if self._details else None

    async def open(self, detail: Detail, width: int, place: str = "") -> None:
        """Put ``detail`` on top, and read it; ``place`` is where the cursor is in what it covers.

        Raises what reading raises, and then nothing is opened; where reading takes long, :meth:`freshen` raises it.
        """
        if self._details:
            self._places.append(place)
        self._details.append(detail)
        self._stale = False
        detail.fit(width)
        try:
            await self.read(self._load(detail))
        except BaseException:
            self.back()
            raise

    def back(self) -> str:
        """Close the one on top; where the cursor was in the one below, which may have become stale meanwhile."""
        del self._details[-1:]
        self._stale = bool(self._details)
        self._not_before = 0.0
        return self._places.pop() if self._places else ""

    def close(self) -> None:
        """Close all."""
        self._details.clear()
        self._places.clear()
        self._stale = False

    def fit(self, width: int) -> None:
        """Lay out what is open on ``width`` cells."""
        for detail in self._details:
            detail.fit(width)

    def note(self, key: str) -> None:
        """The record at ``key`` has changed; ``""`` is the published agenda."""
        if not self._stale and self._details:
            self._stale = self._details[-1].concerns(key)

    def see(self, sight: Sight) -> None:
        """Tell of that moment, or of what stands there now in another model, from now on."""
        for detail in self._details:
            detail.see(sight)
        self._not_before = 0.0
        self.moved()

    def moved(self) -> None:
        """Another moment is shown than that which was read about."""
        self._stale = bool(self._details)

    async def read(self, reading: Coroutine[None, None, None]) -> None:
        """Read something, and wait for it as long as a key may; raises what it raises until then."""
        if self._reading is not None:  # one after the other, so that what was asked for last is shown last
            await asyncio.wait([self._reading], timeout=PATIENCE_S)
        before = self._reading
        self._reading = None
        task = asyncio.create_task(_after(before, reading), name="blackboard-detail")
        await asyncio.wait([task], timeout=PATIENCE_S)
        if task.done():
            task.result()
        else:
            self._reading = task

    async def freshen(self) -> bool:
        """Read the one on top again where it is stale, at most so often; whether it may look otherwise now.

        Raises what reading raises, also what was begun before; what could not be read at all is closed.
        """
        if self._reading is not None:
            if not self._reading.done():
                return False
            task, self._reading = self._reading, None
            try:
                task.result()
            except BaseException:
                if self._details and not len(self._details[-1]):
                    self.back()
                raise
            return True
        if not self._stale or not self._details or perf_counter() < self._not_before:
            return False
        self._stale = False
        await self.read(self._load(self._details[-1]))
        return True

    async def _load(self, detail: Detail) -> None:
        started = perf_counter()
        await detail.load()
        now = perf_counter()
        self._not_before = now + max(REST_S, SHARE * (now - started))


async def _after(before: asyncio.Task[None] | None, reading: Coroutine[None, None, None]) -> None:
    if before is not None:
        await asyncio.wait([before])
    await reading
