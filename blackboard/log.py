"""The log: every change of a board once, in order, under the revision of its commit."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final, Literal, NamedTuple, TypeAlias

from blackboard.errors import Corrupt, Gap, NoBackend
from blackboard.link import ErrorAnswer, Link, LinkLost, call
from blackboard.record import Record, revision_of

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from blackboard.link import Answer
    from blackboard.store import Store

Operation: TypeAlias = Literal["put", "delete", "expire"]
_OPERATIONS: dict[bytes, Operation] = {b"p": "put", b"d": "delete", b"x": "expire"}
PAGE: Final = 512
"""entries that are asked for at once"""


class Change(NamedTuple):
    """One write as the log tells it.

    ``record`` is what stands there after it (``None`` after a removal), ``previous_commit`` the commit
    that it replaced (``""`` where nothing stood).  ``previous`` is that record where the reader has it.
    """

    key: str
    operation: Operation
    commit: str
    revision: int
    time_ms: int
    author: str
    record: Record | None
    previous_commit: str
    previous: Record | None = None


class Entry(NamedTuple):
    """One commit of the log."""

    commit: str
    revision: int
    changes: tuple[Change, ...]


def parse_entry(raw: Answer) -> Entry:
    """The entry of ``raw``, an id and a flat list of fields as Redis returns it; raises :class:`Corrupt`."""
    try:
        identity, fields = raw
        commit = identity.decode()
        revision = revision_of(commit)
        head = fields[1].decode()
        time_text, _, author = head.partition(" ")
        time_ms = int(time_text)
        changes = []
        for index in range(2, len(fields), 2):
            key = fields[index].decode()
            mark, previous, version, data = fields[index + 1].split(b" ", 3)
            operation = _OPERATIONS[mark]
            record = Record(key, commit, revision, int(version), time_ms, data) if mark == b"p" else None
            before = "" if previous == b"-" else previous.decode()
            changes.append(Change(key, operation, commit, revision, time_ms, author, record, before))
    except (ValueError, KeyError, IndexError, AttributeError, TypeError) as error:
        raise Corrupt(f"an entry of the log does not parse: {error}") from error
    return Entry(commit, revision, tuple(changes))


async def read_entries(store: Store, since: int, upto: int | None = None) -> list[Entry]:
    """At most 512 entries after revision ``since``, in order; raises :class:`Gap` where some are gone.

    Revisions rise across epochs, so the place to start is found from the newest epoch backwards.
    """
    start = await position_after(store, since)
    end = "+" if upto is None else f"{store.epoch}-{upto}"
    raw = await store.read("XRANGE", store.keys.log, start, end, "COUNT", PAGE)
    entries = [parse_entry(item) for item in raw]
    if entries and entries[0].revision != since + 1:
        raise Gap(since, entries[0].revision)
    return entries


async def position_after(store: Store, since: int) -> str:
    """The first id that an entry after revision ``since`` can have: the epoch in force at ``since + 1``."""
    raw = await store.read("HGETALL", store.keys.meta)
    began: list[tuple[int, int]] = []
    for name, value in zip(raw[::2], raw[1::2], strict=True):
        if name.startswith(b"epoch:"):
            began.append((int(name[6:]), int(value.split(b" ")[0])))
    epoch = max((e for e, revision in began if revision <= since), default=1)
    return f"{epoch}-{since + 1}"


async def entries_after(store: Store, since: int) -> AsyncIterator[Entry]:
    """Every entry after revision ``since`` up to the log's present end, in order, without a gap."""
    while True:
        page = await read_entries(store, since)
        for entry in page:
            since = entry.revision
            yield entry
        if len(page) < PAGE:
            return


class Tail:
    """The log's end, followed: every entry after a revision, in order, as it comes.

    Owns a connection.  A gap is raised, never passed over: revisions are dense, so it is seen.
    """

    BLOCK_MS: Final = 2000

    def __init__(self, store: Store, since: int, since_id: str) -> None:
        self._store = store
        self._link: Link | None = None
        self._id = since_id
        self._count = PAGE
        self.revision = since
        """of the last entry that was returned or skipped"""

    @classmethod
    async def after(cls, store: Store, since: int) -> Tail:
        """A tail whose first entry is the one after revision ``since``."""
        first = await position_after(store, since)
        return cls(store, since, f"{first.partition('-')[0]}-{since}")

    def skip_to(self, commit: str, revision: int) -> None:
        """Do not return entries up to ``commit``: the caller has them already."""
        self._id = commit
        self.revision = revision

    async def entries(self) -> list[Entry]:
        """The next entries, or none after two seconds without any.

        Raises :class:`Gap`, and :class:`HistoryLost` where a reconnect finds another history.
        """
        link = await self._connected()
        try:
            raw = await call(
                link, "XREAD", "COUNT", self._count, "BLOCK", self.BLOCK_MS, "STREAMS", self._store.keys.log, self._id
            )
        except (LinkLost, ErrorAnswer):
            self.close()
            await asyncio.sleep(0.05)
            return []
        fresh: list[Entry] = []
        for item in raw[0][1] if raw else ():
            if int(item[0].partition(b"-")[2]) <= self.revision:
                continue
            entry = parse_entry(item)
            if entry.revision != self.revision + 1:
                raise Gap(self.revision, entry.revision)
            self.skip_to(entry.commit, entry.revision)
            fresh.append(entry)
        if fresh:
            self._store.saw(fresh[-1].commit)
        # A process that makes all the changes itself has them before the tail: then one entry is bell enough.
        self._count = PAGE if fresh or not raw else 1
        return fresh

    async def _connected(self) -> Link:
        while self._link is None:
            try:
                self._link = await self._store.new_link()
                self._link.on_lost = self.close
            except (NoBackend, LinkLost, ErrorAnswer):
                await asyncio.sleep(0.1)
        return self._link

    def close(self) -> None:
        """Drop the connection; the next call of :meth:`entries` opens another."""
        link, self._link = self._link, None
        if link is not None:
            link.close()
