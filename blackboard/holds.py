"""Who still reads the log, and from where: what keeps it from being trimmed under a reader's feet.

Each process says in one field of a hash which revision the slowest of its readers has reached, and counts up in
it while it lives.  Whoever trims looks at all of them in the same step.  A process that died holds the log until
its counter has not moved for :data:`LEASE_S` on the clock of who trims: no wall clock decides, and nothing is
held for ever.  A snapshot is a field that does not age: it holds the log from its revision until it is dropped.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import secrets
from typing import TYPE_CHECKING, Final

from blackboard.ending import end
from blackboard.errors import BlackboardError, ServerRefused

if TYPE_CHECKING:
    from collections.abc import Callable

    from blackboard.keys import BoardKeys
    from blackboard.reader import Reader

BEAT_S: Final = 5.0
LEASE_S: Final = 30.0
SNAPSHOT: Final = "snapshot:"
"""how the field of a snapshot begins"""
TAKES_NO_WRITES: Final = frozenset({"OOM", "READONLY", "NOREPLICAS", "MISCONF"})
"""what a server says that trims nothing either, so that its readers need no hold"""
GOODBYE_S: Final = 1.0

_log = logging.getLogger(__name__)


class Hold:
    """One reader's hold on the log; ``position`` tells the revision that it has reached."""

    def __init__(self, holds: Holds, position: Callable[[], int]) -> None:
        self._holds = holds
        self.position = position

    def release(self) -> None:
        """Need the log no more."""
        self._holds.drop(self)


class Holds:
    """The holds of one process on one board."""

    def __init__(self, reader: Reader, keys: BoardKeys) -> None:
        self._reader = reader
        self._key = keys.holds
        self._meta = keys.meta
        self._member = secrets.token_hex(8)
        self._count = 0
        self._held: set[Hold] = set()
        self._told: int | None = None
        """the highest revision that the server may go by, ``None`` where it may have been told none"""
        self._telling = asyncio.Lock()
        self._let_go = asyncio.Event()
        self._beating: asyncio.Task[None] | None = None

    async def take(self, position: Callable[[], int]) -> Hold:
        """Hold the log from ``position()`` on; once this returns, nothing after that revision is trimmed.

        What was trimmed before is gone: look at the horizon afterwards.  Raises what a read raises, but not that
        the server takes no writes: reading goes on there, and once it takes writes again it is told.
        """
        hold = Hold(self, position)
        self._held.add(hold)
        if self._beating is None:  # before it is told: what is cancelled meanwhile is taken back, too
            self._beating = asyncio.create_task(self._beat(), name="blackboard-holds")
        try:
            if self._told is None or position() < self._told:
                await self._tell()
        except ServerRefused as error:
            if error.code not in TAKES_NO_WRITES:
                self.drop(hold)
                raise
        except BaseException:
            self.drop(hold)
            raise
        return hold

    def drop(self, hold: Hold) -> None:
        """Let go of ``hold``; the server is told soon."""
        self._held.discard(hold)
        self._let_go.set()

    async def refresh(self) -> None:
        """Tell the server how far this process's readers have come, where it was told otherwise."""
        if self._told is not None and self._told != self._lowest():
            await self._tell()

    def _lowest(self) -> int | None:
        return min((hold.position() for hold in self._held), default=None)

    async def close(self) -> None:
        """Let go of everything, as far as the server can still be told."""
        self._held.clear()
        beating, self._beating = self._beating, None
        if beating is not None:
            await end(beating)
        if self._told is not None and self._reader.connected:
            with contextlib.suppress(BlackboardError, TimeoutError):  # else it ages
                async with asyncio.timeout(GOODBYE_S):
                    await self._tell()

    async def _tell(self) -> None:
        async with self._telling:
            revision = self._lowest()
            if revision is None:
                self._told = None
                await self._reader.read("HDEL", self._key, self._member)
                return
            self._count += 1
            if self._told is not None and revision > self._told:
                self._told = revision  # before the answer: who begins to read meanwhile must not rely on the lower one
            await self._reader.read("HSET", self._key, self._member, f"{revision} {self._count}")
            self._told = revision

    async def _beat(self) -> None:
        while True:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(BEAT_S):
                    await self._let_go.wait()
            self._let_go.clear()
            try:
                if await self._reader.read("EXISTS", self._meta):
                    await self._tell()
                else:  # the board was removed, and its holds with it
                    self._told = None
            except BlackboardError as error:  # a reader whose hold was lost meanwhile sees a gap, and says so
                _log.debug("the holds on %s could not be told: %s", self._key, error)
            if not self._held and self._told is None:
                self._beating = None
                return


class Observer:
    """Who trims, looking at the holds of all: which of them are dead."""

    def __init__(self, lease_s: float = LEASE_S) -> None:
        self.lease_s = lease_s
        self._seen: dict[bytes, tuple[bytes, float]] = {}
        """member → what it said, and for how many seconds it has said so"""
        self._looked_s = 0.0

    def dead(self, holds: dict[bytes, bytes], now_s: float) -> list[bytes]:
        """Members and values, one after the other, of those that have not moved for a lease.

        ``now_s`` is of a monotonic clock; call it again and again with what the server holds.  The time between two
        looks counts for half a lease at most: the server may have been away, and nobody could tell it anything.
        """
        passed_s = min(now_s - self._looked_s, self.lease_s / 2)
        self._looked_s = now_s
        seen = {}
        dead: list[bytes] = []
        for member, value in holds.items():
            if member.startswith(SNAPSHOT.encode()):
                continue
            before, still_s = self._seen.get(member, (b"", 0.0))
            seen[member] = (value, still_s + passed_s if before == value else 0.0)
            if seen[member][1] >= self.lease_s:
                dead += [member, value]
        self._seen = seen
        return dead
