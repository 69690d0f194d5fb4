"""What has been opened, one thing from another: enter goes on, esc goes back."""

from __future__ import annotations

import asyncio
from time import perf_counter
from typing import TYPE_CHECKING, Final

from blackboard.ending import end
from blackboard.errors import BlackboardError

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
        self._readings: list[asyncio.Task[None]] = []
        """what has been begun, each after the one before; one leaves when somebody has been told how it ended"""
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

        Raises what reading raises, and then it is not open any more; where reading takes long, :meth:`freshen` does.
        """
        if self._details:
            self._places.append(place)
        self._details.append(detail)
        self._stale = False
        detail.fit(width)
        await self.read(self._load(detail))

    def back(self) -> str:
        """Close the one on top; where the cursor was in the one below, which may have become stale meanwhile."""
        del self._details[-1:]
        self._stale = bool(self._details)
        self._not_before = 0.0
        return self._places.pop() if self._places else ""

    def close(self) -> None:
        """Close all; what is being read is read to its end."""
        self._details.clear()
        self._places.clear()
        self._stale = False

    async def aclose(self) -> None:
        """Close all, and end what is being read."""
        self.close()
        readings, self._readings = self._readings, []
        for reading in reversed(readings):
            await end(reading)
        await asyncio.gather(*readings, return_exceptions=True)  # what had failed is told to nobody any more

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
        """Read something, and wait for it as long as a key may; raises what it raises until then.

        One after the other, whoever asks, so that what was asked for last is shown last.
        """
        before = self._readings[-1] if self._readings else None
        task = asyncio.create_task(_after(before, reading), name="blackboard-detail")
        self._readings.append(task)
        await asyncio.wait([task], timeout=PATIENCE_S)
        if task.done() and task in self._readings:
            self._readings.remove(task)
            task.result()

    async def freshen(self) -> bool:
        """Read the one on top again where it is stale, at most so often; whether it may look otherwise now.

        Raises what reading raises, also what was begun before; what could not be read at all is closed.
        """
        if self._readings:
            if not self._readings[0].done():
                return False
            self._readings.pop(0).result()
            return True
        if not self._stale or not self._details or perf_counter() < self._not_before:
            return False
        self._stale = False
        await self.read(self._load(self._details[-1]))
        return True

    async def _load(self, detail: Detail) -> None:
        started = perf_counter()
        try:
            await detail.load()
        except BlackboardError:
            if not len(detail):
                self._drop(detail)
            raise
        now = perf_counter()
        self._not_before = now + max(REST_S, SHARE * (now - started))

    def _drop(self, detail: Detail) -> None:
        """Close ``detail``, wherever it is by now."""
        at = next((at for at, one in enumerate(self._details) if one is detail), None)
        if at is None:
            return
        if at == len(self._details) - 1:
            self.back()
        else:
            del self._details[at], self._places[at]


async def _after(before: asyncio.Task[None] | None, reading: Coroutine[None, None, None]) -> None:
    try:
        if before is not None:
            await asyncio.wait([before])
        await reading
    finally:
        reading.close()  # where it was not begun
