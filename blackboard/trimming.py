"""Keeping the log within its limits: what is past them moves into the base, a little with every thousand commits.

Who writes pays: whoever makes the board's 1,024th commit, and each 1,024th from there, trims what is past the limits,
in steps that hold the server for a millisecond or two; so a board that many short-lived processes write to is trimmed,
too.  Nothing that a live reader or a snapshot still needs is touched.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from typing import TYPE_CHECKING, Final, NamedTuple

from blackboard.commit import Committed
from blackboard.ending import end
from blackboard.errors import BlackboardError, Corrupt, ServerRefused
from blackboard.holds import Observer
from blackboard.log import last_before
from blackboard.retention import Retention, parse_stored
from blackboard.scripts import Script

if TYPE_CHECKING:
    from collections.abc import Iterable

    from blackboard.link import Answer, Argument
    from blackboard.store import Store

EVERY: Final = 1024
"""revisions of the board between two looks"""
EXPIRED_AT_ONCE: Final = 16
"""revisions that one call takes for records whose time is over, before those of its commits"""
FINISH_S: Final = 1.0
"""that a look may take when its process closes the board"""
STEP: Final = 256
"""entries that one call folds at most"""
STEP_BYTES: Final = 1 << 20
AT_ONE_LOOK: Final = 8 * EVERY
"""entries that go at most at one look"""

_log = logging.getLogger(__name__)


class Trimmed(NamedTuple):
    """How far the horizon went, and who kept it from going on (``""``: nobody)."""

    horizon: int
    holder: str
    held_at: int


class Trimmer:
    """One process's part in keeping the log of its board within its limits."""

    def __init__(self, store: Store) -> None:
        self.observer = Observer()
        self._store = store
        self._script = Script("trim.lua")
        self._looked_at = 0
        self._working: asyncio.Task[None] | None = None

    def note(self, outcomes: Iterable[Committed | Exception]) -> None:
        """This process has made these commits in one call, and looks if a 1,024th of the board is among them.

        What the call removed because its time was over came before them and counts as theirs.
        """
        made = [one.revision for one in outcomes if isinstance(one, Committed) and one.revision and not one.repeated]
        thousand = made[-1] // EVERY if made else 0
        if thousand > self._looked_at and thousand > (made[0] - 1 - EXPIRED_AT_ONCE) // EVERY:
            self._looked_at = thousand
            if self._working is None:
                self._working = asyncio.create_task(self._look(), name="blackboard-trimming")

    async def close(self) -> None:
        """Finish the look that is under way, unless it takes long; what was trimmed stays trimmed."""
        working, self._working = self._working, None
        if working is None:
            return
        try:
            await asyncio.wait([working], timeout=FINISH_S)
        finally:
            await end(working)

    async def _look(self) -> None:
        try:
            retention = await read_retention(self._store)
            if retention.limited:
                await self.trim(await wanted_horizon(self._store, retention), at_most=AT_ONE_LOOK)
        except BlackboardError as error:  # the next look tries again; writing goes on meanwhile
            _log.warning("the log of %s could not be trimmed: %s", self._store.keys.name, error)
        finally:
            self._working = None

    async def trim(self, upto: int, *, at_most: int | None = None) -> Trimmed:
        """Move the horizon up to revision ``upto``, as far as nobody holds it; at most so many entries of it.

        Raises :class:`Corrupt` where the log does not go on at its horizon, and what a read raises.
        """
        store = self._store
        await store.holds.refresh()
        dead = self.observer.dead(await store.fields_of(store.keys.holds), store.clock.monotonic())
        done = Trimmed(await read_horizon(store), "", 0)
        start = done.horizon
        while True:
            goal = upto if at_most is None else min(upto, start + at_most)
            before = done.horizon
            try:
                done = _trimmed(await self._run(goal, dead))
            except ServerRefused as error:
                if error.code != "GAP":
                    raise
                raise Corrupt(f"board {store.keys.name!r}: {error.answer.removeprefix('GAP ')}") from error
            if done.horizon >= goal or done.horizon == before:
                return done

    async def _run(self, upto: int, dead: list[bytes]) -> Answer:
        keys = self._store.keys
        names: list[Argument] = [keys.meta, keys.log, keys.base, keys.holds]
        command = [self._script.sha, len(names), *names, upto, STEP, STEP_BYTES, *dead]
        try:
            return await self._store.read("EVALSHA", *command)
        except ServerRefused as error:
            if error.code != "NOSCRIPT":
                raise
        await self._store.read("SCRIPT", "LOAD", self._script.text)
        return await self._store.read("EVALSHA", *command)


def _trimmed(answer: Answer) -> Trimmed:
    horizon, holder, held_at = answer
    return Trimmed(int(horizon), holder.decode(errors="replace"), int(held_at or 0))


async def read_horizon(store: Store) -> int:
    """The revision that the log begins after: what was before is known as one state only."""
    return await store.number_of("horizon")


async def read_retention(store: Store) -> Retention:
    """The limits in force on the board."""
    stored = await store.read("HGET", store.keys.meta, "retention")
    return parse_stored(stored.decode(errors="replace") if stored is not None else None)


async def wanted_horizon(store: Store, retention: Retention) -> int:
    """The revision that the horizon would have to be at for the log to be within ``retention``."""
    horizon = await read_horizon(store)
    head = await store.number_of("revision")
    wanted = horizon
    if retention.revisions:
        wanted = max(wanted, head - retention.revisions)
    if retention.size_bytes:
        used = await _memory_of_log(store)
        if used > retention.size_bytes:  # entries are taken to be about alike: the next look corrects it
            wanted = max(wanted, head - (head - horizon) * retention.size_bytes // used)
    if retention.age_ms:
        wanted = max(wanted, await last_before(store, horizon, head, store.server_now_ms() - retention.age_ms))
    return min(wanted, head)


async def _memory_of_log(store: Store) -> int:
    with contextlib.suppress(ServerRefused):
        used = await store.read("MEMORY", "USAGE", store.keys.log)
        return int(used or 0)
    # A server that does not tell, such as the one in this process: the bytes of what the log holds.
    total, start = 0, "-"
    while page := await store.read("XRANGE", store.keys.log, start, "+", "COUNT", STEP):
        total += sum(len(part) for _, fields in page for part in fields)
        epoch, _, revision = page[-1][0].decode().partition("-")
        start = f"{epoch}-{int(revision) + 1}"
    return total
