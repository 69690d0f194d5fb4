"""The log: every change of a board once, in order, under the revision of its commit."""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING, Final, Literal, NamedTuple, TypeAlias

from blackboard.codec import check_time
from blackboard.errors import Corrupt, Gap, NoBackend, refusal_of
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

    @property
    def time_ms(self) -> int:
        """When it was made, in milliseconds since 1970."""
        return self.changes[0].time_ms if self.changes else 0


def parse_entry(raw: Answer) -> Entry:
    """The entry of ``raw``, an id and a flat list of fields as Redis returns it; raises :class:`Corrupt`."""
    try:
        identity, fields = raw
        commit = identity.decode()
        revision = revision_of(commit)
        head = fields[1].decode()
        time_text, _, author = head.partition(" ")
        time_ms = check_time(int(time_text))
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


async def position_after(store: Store, since: int) -> str:
    """The first id that an entry after revision ``since`` can have: the epoch in force at ``since + 1``."""
    return (await _place_after(store, since))[0]


async def _place_after(store: Store, since: int) -> tuple[str, int]:
    """:func:`position_after`, and the head."""
    began, head = await _epochs_and_head(store)
    epoch = max((e for e, revision in began if revision <= since), default=1)
    return f"{epoch}-{since + 1}", head


async def read_epochs(store: Store) -> list[tuple[int, int]]:
    """Each epoch of the board and the revision that it began after, in order; raises :class:`Corrupt`."""
    return (await _epochs_and_head(store))[0]


async def _epochs_and_head(store: Store) -> tuple[list[tuple[int, int]], int]:
    began: list[tuple[int, int]] = []
    head = 0
    for name, value in (await store.fields_of(store.keys.meta)).items():
        try:
            if name.startswith(b"epoch:"):
                began.append((int(name[6:]), int(value.split(b" ")[0])))
            elif name == b"revision":
                head = int(value)
        except ValueError as error:
            raise Corrupt(f"{store.keys.meta} holds no number in its field {name.decode(errors='replace')}") from error
    return sorted(began), head


async def entries_after(store: Store, since: int, losses: int | None = None) -> AsyncIterator[Entry]:
    """Every entry after revision ``since`` up to the log's present end, in order.

    Raises :class:`Gap` before the first that is not the next, :class:`Corrupt` where the log ends before the head,
    and :class:`HistoryLost` where history was lost since ``store.losses`` was ``losses`` (else: since this call).
    """
    losses = store.losses if losses is None else losses
    while True:
        raw, head = await _page(store, since, PAGE, losses)
        for item in raw:
            entry = _next_entry(store, item, since)
            since = entry.revision
            yield entry
        if len(raw) < PAGE:
            _check_end(store, since, head)
            return


async def page_after(store: Store, since: int, count: int, losses: int) -> list[Entry]:
    """The next ``count`` entries after revision ``since``, or as many as there are; raises as :func:`entries_after`."""
    raw, head = await _page(store, since, count, losses)
    page: list[Entry] = []
    for item in raw:
        page.append(_next_entry(store, item, since))
        since = page[-1].revision
    if len(page) < count:
        _check_end(store, since, head)
    return page


async def _page(store: Store, since: int, count: int, losses: int) -> tuple[list[Answer], int]:
    """At most ``count`` entries after revision ``since`` as they are stored, and the head."""
    start, head = await _place_after(store, since)
    raw = await store.read("XRANGE", store.keys.log, start, "+", "COUNT", count)
    store.same_history(losses)
    return raw, head


def _next_entry(store: Store, raw: Answer, since: int) -> Entry:
    entry = parse_entry(raw)
    if entry.revision != since + 1:
        raise Gap(since, entry.revision)
    store.saw(entry.commit)
    return entry


def _check_end(store: Store, since: int, head: int) -> None:
    """Raise :class:`Corrupt` where the log, which ends at revision ``since``, does not reach the head."""
    if since < head:
        raise Corrupt(f"{store.keys.log} ends at revision {since}, and the board is at {head}")


async def entry_of(store: Store, commit: str) -> Entry | None:
    """The entry of that commit, ``None`` where the log does not hold it."""
    raw = await store.read("XRANGE", store.keys.log, commit, commit)
    return parse_entry(raw[0]) if raw else None


async def last_before(store: Store, horizon: int, head: int, time_ms: int) -> int:
    """The last revision from ``horizon`` to ``head`` whose commit, and every one before it in the search, is older.

    Older than ``time_ms``; ``horizon`` itself where none is.  Reads as many entries as the search has steps.
    """
    low, high = horizon, head
    while low < high:  # low: older, or the horizon; after high: not older
        middle = (low + high + 1) // 2
        start = await position_after(store, middle - 1)
        raw = await store.read("XRANGE", store.keys.log, start, "+", "COUNT", 1)
        if raw and parse_entry(raw[0]).time_ms < time_ms:
            low = middle
        else:
            high = middle - 1
    return low


async def entries_between(store: Store, since: int, upto: int) -> AsyncIterator[Entry]:
    """Every entry after revision ``since`` up to ``upto`` or the log's present end; raises as :func:`entries_after`."""
    if since >= upto:
        return
    async for entry in entries_after(store, since):
        yield entry
        if entry.revision == upto:
            return


class Tail:
    """The log's end, followed: every entry after a revision, in order, as it comes.

    Owns a connection.  A gap is raised, never passed over: revisions are dense, so it is seen.  Once
    history was lost it raises :class:`HistoryLost` for good, because its place is in the one that is gone.
    """

    BLOCK_MS: Final = 2000
    REST_S: Final = 0.002

    def __init__(self, store: Store, since: int, since_id: str, losses: int) -> None:
        self._store = store
        self._losses = losses
        self._link: Link | None = None
        self._id = since_id
        self._count = PAGE
        self._hurried = asyncio.Event()
        self.revision = since
        """of the last entry that was returned or skipped"""
        self.silent = False
        """whether the last call of :meth:`entries` heard nothing, not even of what was known"""

    @classmethod
    async def after(cls, store: Store, since: int, losses: int | None = None) -> Tail:
        """A tail whose first entry is the one after revision ``since``, of the history as of ``losses``.

        The caller has seen what was up to ``since``.
        """
        losses = store.losses if losses is None else losses
        first = await position_after(store, since)
        store.same_history(losses)
        since_id = f"{first.partition('-')[0]}-{since}"
        store.saw(since_id)
        return cls(store, since, since_id, losses)

    def skip_to(self, commit: str, revision: int) -> None:
        """Do not return entries up to ``commit``: the caller has them already."""
        self._id = commit
        self.revision = revision

    async def entries(self) -> list[Entry]:
        """The next entries, or none after two seconds without any, or at once after a broken connection.

        Raises :class:`Gap`, :class:`HistoryLost`, :class:`ServerRefused`, :class:`NoBackend` where the server
        stays away or the board was closed.
        """
        self.silent = True
        link = await self._connected()
        try:
            raw = await call(
                link, "XREAD", "COUNT", self._count, "BLOCK", self.BLOCK_MS, "STREAMS", self._store.keys.log, self._id
            )
        except LinkLost:
            self.close()
            return []
        except ErrorAnswer as error:
            self.close()
            if not error.passes and error.code != "UNBLOCKED":
                raise refusal_of(str(error), self._store.keys.log) from error
            await asyncio.sleep(0.05)
            return []
        self._store.same_history(self._losses)
        self.silent = not raw
        news = [item for item in raw[0][1] if int(item[0].partition(b"-")[2]) > self.revision] if raw else []
        fresh: list[Entry] = []
        for item in news:
            entry = parse_entry(item)
            if entry.revision != self.revision + 1:
                if fresh:
                    break  # those before the gap are given out first; the next call finds it again
                raise Gap(self.revision, entry.revision)
            self.skip_to(entry.commit, entry.revision)
            fresh.append(entry)
        if fresh:
            self._store.saw(fresh[-1].commit)
        if fresh or not raw:
            self._count = PAGE
        else:
            await self._rest()
        return fresh

    async def _rest(self) -> None:
        """What came was known: the caller makes the changes itself, and sees in their revisions if others do too.

        Asking again at once would cost the server and us a call per commit, for nothing; one entry is bell enough.
        """
        self._count = 1
        self._hurried.clear()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(self.REST_S):
                await self._hurried.wait()

    def hurry(self) -> None:
        """There are entries that the caller does not have: do not rest."""
        self._hurried.set()

    async def _connected(self) -> Link:
        self._store.same_history(self._losses)
        loop = asyncio.get_running_loop()
        deadline = loop.time() + self._store.give_up_after_s
        while self._link is None:
            try:
                self._link = await self._store.new_link()
                self._link.on_lost = self.close
            except NoBackend:
                self._store.check_open()
                if loop.time() > deadline:
                    raise
                await asyncio.sleep(0.05)
            self._store.same_history(self._losses)
        return self._link

    def close(self) -> None:
        """Drop the connection; the next call of :meth:`entries` opens another."""
        link, self._link = self._link, None
        if link is not None:
            link.close()
