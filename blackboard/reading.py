"""What can be asked of a board without changing it: records, changes, waiting, history."""

from __future__ import annotations

import asyncio
import re
from typing import TYPE_CHECKING, Final

from blackboard.errors import HistoryLost, NothingSelected, WaitTimeout
from blackboard.history import change_at, changes_back, differences_between, state_at, versions_of
from blackboard.keys import check_key, region_of
from blackboard.log import Change, Tail, entries_after, last_before, position_after
from blackboard.moments import parse_instant
from blackboard.pattern import Pattern
from blackboard.record import Record, parse_stored
from blackboard.replica import Replica
from blackboard.scanning import scan_region
from blackboard.snapshots import snapshots_in
from blackboard.trimming import read_horizon, read_retention

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from blackboard.history import Difference
    from blackboard.retention import Retention
    from blackboard.snapshots import Snapshot
    from blackboard.state import State
    from blackboard.store import Store

_NUMBER: Final = re.compile(r"[0-9]{1,18}")


class Reading:
    """The half of a board that reads.  All instants are milliseconds since 1970."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self._replica: Replica | None = None
        self._replica_start = asyncio.Lock()

    async def get(self, key: str) -> Record | None:
        """The record at ``key`` as the server has it now, ``None`` where there is none."""
        name = self.store.keys.records(region_of(check_key(key)))
        with self.store.telling():
            stored = await self.store.read("HGET", name, key)
        if stored is None:
            return None
        record = parse_stored(key, stored)
        self.store.saw(record.commit)
        return None if self._expired(record) else record

    async def find(self, pattern: str | Pattern) -> list[Record]:
        """The records that match, sorted by key.  Reads the region, or the replica where one is running."""
        parsed = Pattern.parse(pattern) if isinstance(pattern, str) else pattern
        if self._replica is not None:
            self._replica.check_following()
            self.store.check_told()
            return [record.fresh() for record in self._replica.find(parsed)]
        if parsed.is_literal:
            record = await self.get(parsed.key_text)
            return [record] if record is not None and parsed.match(record) is not None else []
        found: dict[str, Record] = {}
        losses = self.store.losses
        with self.store.telling():
            async for record in scan_region(self.store, parsed.region):
                self.store.same_history(losses)
                self.store.saw(record.commit)
                if parsed.match(record) is not None and not self._expired(record):
                    found[record.key] = record
        return [found[key] for key in sorted(found)]

    async def changes(self, pattern: str | Pattern | None = None, *, since: int = 0) -> AsyncIterator[Change]:
        """Every change after revision ``since``, once, in order, then those to come; never ends by itself.

        With a pattern, those whose key it matches and, for a put, whose value.  Raises :class:`Gap` where
        the log no longer holds the next one, and :class:`HistoryLost`, also where ``since`` lies in the future.
        """
        parsed = Pattern.parse(pattern) if isinstance(pattern, str) else pattern
        losses = self.store.losses
        head = await self.revision()
        if since > head:
            raise HistoryLost(f"revision {since}", f"{self.store.epoch}-{head}")
        hold = await self.store.holds.take(lambda: since)
        tail: Tail | None = None
        try:
            async for entry in entries_after(self.store, since, losses):
                since = entry.revision
                for change in entry.changes:
                    if _wanted(change, parsed):
                        yield change
            tail = await Tail.after(self.store, since, losses)
            while True:
                for entry in await tail.entries():
                    since = entry.revision
                    for change in entry.changes:
                        if _wanted(change, parsed):
                            yield change
        finally:
            hold.release()
            if tail is not None:
                tail.close()

    async def wait_for(self, pattern: str | Pattern, timeout_s: float = 10.0) -> Record:
        """The first record that matches, now or as soon as one does; woken by the change, not by a poll.

        Raises :class:`WaitTimeout`, and :class:`HistoryLost` where history was lost meanwhile.
        """
        parsed = Pattern.parse(pattern) if isinstance(pattern, str) else pattern
        try:
            async with asyncio.timeout(timeout_s):
                return (await (await self.replica()).first(parsed)).fresh()
        except TimeoutError as error:
            raise WaitTimeout(parsed.text, timeout_s) from error

    async def history(self, key: str) -> list[Change]:
        """Every change of ``key`` that the log still holds, oldest first, each with the record that it replaced.

        So written back in reverse order, each ``previous`` undoes its change.
        """
        check_key(key)
        with self.store.telling():
            return await versions_of(self.store, key)

    async def at(self, moment: int | str) -> State:
        """The board as it stood after a revision: a number, a commit's id, a snapshot's name, ``oldest`` or ``now``.

        A time, such as ``10:47`` or ``2026-11-28 23:14:19``, is the revision that stood then; see
        :func:`blackboard.moments.parse_instant`.  Raises :class:`BeforeHorizon` where the log no longer reaches it,
        :class:`UsageError` where the board has not, :class:`NothingSelected` where there is no such snapshot or commit.
        """
        with self.store.telling():
            return await state_at(self.store, await self.revision_at(moment))

    async def diff(self, first: int | str, second: int | str) -> list[Difference]:
        """The records that are not the same at two moments, by key; moments and errors are those of :meth:`at`."""
        with self.store.telling():
            revisions = [await self.revision_at(first), await self.revision_at(second)]
            return await differences_between(self.store, *revisions)

    async def revision_at(self, moment: int | str) -> int:
        """The revision that ``moment`` names; raises :class:`NothingSelected` where it names none."""
        if isinstance(moment, int) or _NUMBER.fullmatch(moment):
            return int(moment)
        if moment in ("oldest", "now"):
            return await (self.horizon() if moment == "oldest" else self.revision())
        epoch, _, revision = moment.partition("-")
        if _NUMBER.fullmatch(epoch) and _NUMBER.fullmatch(revision):
            head = await self.revision()
            if int(revision) > head:
                raise NothingSelected(f"no commit {moment!r}: the board is at {head}")
            start = await position_after(self.store, int(revision) - 1)
            if start != moment:
                raise NothingSelected(f"no commit {moment!r} in this history; revision {revision} is {start}")
            return int(revision)
        time_ms = parse_instant(moment, self.store.server_now_ms())
        if time_ms is not None:
            return await self._revision_when(time_ms)
        for snapshot in await self.snapshots():
            if snapshot.name == moment:
                return snapshot.revision
        raise NothingSelected(
            f"{moment[:80]!r} is no revision, no commit and no snapshot of board {self.store.keys.name}, and no time"
        )

    async def _revision_when(self, time_ms: int) -> int:
        """The revision that stood at ``time_ms``; raises :class:`NothingSelected` where the log begins later."""
        with self.store.telling():
            horizon, horizon_ms, head = await self.store.numbers_of("horizon", "horizon_ms", "revision")
            if horizon and time_ms < horizon_ms:
                raise NothingSelected(f"what stood then is gone: the log of this board begins at revision {horizon}")
            return await last_before(self.store, horizon, head, time_ms + 1)

    async def change_at(self, key: str, commit: str) -> Change | None:
        """What ``commit`` did to ``key``, ``None`` where the log no longer tells."""
        with self.store.telling():
            return await change_at(self.store, check_key(key), commit)

    async def changes_back(self, key: str, commit: str, most: int = 100) -> list[Change]:
        """What ``commit`` did to ``key`` and the changes before it, the newest first; see :meth:`history` for all.

        They are found one by one, so that it costs as much on a long log as on a short one.  They end where the log
        does, and where nothing stood at ``key`` for a time.
        """
        with self.store.telling():
            return await changes_back(self.store, check_key(key), commit, most)

    async def snapshots(self) -> list[Snapshot]:
        """The revisions that were given a name, the oldest first."""
        with self.store.telling():
            return snapshots_in(await self.store.fields_of(self.store.keys.holds))

    async def horizon(self) -> int:
        """The revision that the log begins after; 0 where it was never trimmed."""
        with self.store.telling():
            return await read_horizon(self.store)

    async def retention(self) -> Retention:
        """How much of the log is kept."""
        with self.store.telling():
            return await read_retention(self.store)

    async def replica(self) -> Replica:
        """The board in memory, started on the first call and followed from then on."""
        async with self._replica_start:
            if self._replica is None:
                self._replica = await Replica.start(self.store)
        return self._replica

    async def revision(self) -> int:
        """The board's newest revision."""
        with self.store.telling():
            # Its epoch may be newer than that of our handshake: a proxy keeps connections when the server changes.
            epoch, revision = await self.store.numbers_of("epoch", "revision")
        self.store.saw(f"{epoch}-{revision}")
        return revision

    def _expired(self, record: Record) -> bool:
        return bool(record.expires_ms) and record.expires_ms <= self.store.server_now_ms()


def _wanted(change: Change, pattern: Pattern | None) -> bool:
    if pattern is None:
        return True
    if change.record is None:
        return pattern.match_key(change.key) is not None
    return pattern.match(change.record) is not None
