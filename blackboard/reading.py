"""What can be asked of a board without changing it: records, changes, waiting, history."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from blackboard.errors import HistoryLost, WaitTimeout
from blackboard.keys import check_key, region_of
from blackboard.log import Change, Tail, entries_after
from blackboard.pattern import Pattern
from blackboard.record import Record, parse_stored
from blackboard.replica import Replica
from blackboard.snapshot import scan_region

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from blackboard.store import Store


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
        async for entry in entries_after(self.store, since, losses):
            since = entry.revision
            for change in entry.changes:
                if _wanted(change, parsed):
                    yield change
        tail = await Tail.after(self.store, since, losses)
        try:
            while True:
                for entry in await tail.entries():
                    for change in entry.changes:
                        if _wanted(change, parsed):
                            yield change
        finally:
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
        """Every change of ``key`` that the log still holds, oldest first."""
        check_key(key)
        found: list[Change] = []
        with self.store.telling():
            async for entry in entries_after(self.store, await self._oldest() - 1):
                found.extend(change for change in entry.changes if change.key == key)
        return found

    async def replica(self) -> Replica:
        """The board in memory, started on the first call and followed from then on."""
        async with self._replica_start:
            if self._replica is None:
                self._replica = await Replica.start(self.store)
        return self._replica

    async def revision(self) -> int:
        """The board's newest revision."""
        with self.store.telling():
            revision = int(await self.store.read("HGET", self.store.keys.meta, "revision") or 0)
        self.store.saw(f"{self.store.epoch}-{revision}")
        return revision

    async def _oldest(self) -> int:
        raw = await self.store.read("XRANGE", self.store.keys.log, "-", "+", "COUNT", 1)
        return int(raw[0][0].partition(b"-")[2]) if raw else 1

    def _expired(self, record: Record) -> bool:
        return bool(record.expires_ms) and record.expires_ms <= self.store.server_now_ms()


def _wanted(change: Change, pattern: Pattern | None) -> bool:
    if pattern is None:
        return True
    if change.record is None:
        return pattern.match_key(change.key) is not None
    return pattern.match(change.record) is not None
