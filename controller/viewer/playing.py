"""Playing the log: going on through a board's past as it went, or faster, or so many commits a second."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from controller.viewer.journey import Journey

LONGEST_WAIT_MS: Final = 2_000
"""of watching: where nothing happened for longer the time is skipped"""
MOST_AT_ONCE: Final = 500
"""commits in one tick, so that keys are answered: what is beyond that is made up for later"""


class Pace(NamedTuple):
    """How fast: ``times`` as fast as it went or, where that is 0, ``per_s`` commits a second."""

    times: float
    per_s: float = 0.0

    def __str__(self) -> str:
        return f"×{self.times:g}" if self.times else f"{self.per_s:g}/s"


PACES: Final = (
    Pace(0, 2), Pace(0, 10), Pace(0, 50), Pace(0, 250), Pace(0.1), Pace(1), Pace(10), Pace(100),
)  # fmt: skip
"""to go through with keys: first commit by commit, the slowest first, then as it went"""
FIRST: Final = 1
"""of which of them one begins with"""


class Player:
    """Moves a journey forward while time passes for who watches; the pace may be changed at any moment."""

    def __init__(self, journey: Journey, pace: Pace = PACES[FIRST]) -> None:
        self.pace = pace
        self.at_end = False
        """whether the last tick came to the end of the log"""
        self._journey = journey
        self._revision = -1
        """where the journey stood after the last tick"""
        self._log_ms = 0.0
        """the time of the log that is shown"""
        self._owed = 0.0
        """commits, or parts of one, that are to be gone"""

    async def tick(self, elapsed_ms: float) -> int:
        """Go as far as ``elapsed_ms`` of watching lead; how many commits that were.  Raises as :meth:`Journey.step`."""
        journey = self._journey
        if journey.revision != self._revision:  # somebody else has moved it, or this is the beginning
            self._log_ms, self._owed = journey.time_ms or await journey.next_ms() or 0, 0.0
        self.at_end = False
        went = await (self._as_it_went(elapsed_ms) if self.pace.times else self._counting(elapsed_ms))
        self._revision = journey.revision
        return went

    async def _as_it_went(self, elapsed_ms: float) -> int:
        self._log_ms += elapsed_ms * self.pace.times
        went = 0
        while went < MOST_AT_ONCE:
            next_ms = await self._journey.next_ms()
            if next_ms is None:
                self.at_end = True
                self._log_ms = self._journey.time_ms
                break
            self._log_ms = max(self._log_ms, next_ms - LONGEST_WAIT_MS * self.pace.times)
            if next_ms > self._log_ms:
                break
            went += await self._journey.step()
        return went

    async def _counting(self, elapsed_ms: float) -> int:
        self._owed += elapsed_ms * self.pace.per_s / 1000
        count = min(int(self._owed), MOST_AT_ONCE)
        went = await self._journey.step(count) if count else 0
        self._owed = min(self._owed - count, float(MOST_AT_ONCE))
        self.at_end = went < count
        return went
