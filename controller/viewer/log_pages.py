"""The log of a board, read a page at a time in either direction, each change with the record that it replaced."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from typing import TYPE_CHECKING, Final, NamedTuple

from blackboard.errors import BeforeHorizon, Corrupt, Gap
from blackboard.keys import region_of
from blackboard.log import entries_between, entry_of, page_after
from blackboard.record import parse_stored, revision_of
from blackboard.trimming import read_horizon

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from blackboard.log import Change, Entry
    from blackboard.record import Record
    from blackboard.state import State
    from blackboard.store import Store

PAGE: Final = 64
"""entries that are read at once"""
KEPT: Final = 32
"""pages that are kept"""
AT_ONCE: Final = 128
"""replaced records that are asked for at once"""


class Told(NamedTuple):
    """One commit: what it changed, with what stood there before, and when it was made."""

    revision: int
    changes: tuple[Change, ...]
    time_ms: int


class LogPages:
    """The entries after revision :attr:`oldest` of the history as of ``losses``.

    What a change replaced is found by the commit that the log names: in its entry, or in the base where that is older
    than the log.  Raises what reads raise, and :class:`BeforeHorizon` where an entry was trimmed meanwhile.
    """

    def __init__(self, store: Store, losses: int) -> None:
        self.oldest = 0
        """the revision that the log goes on from"""
        self._oldest_ms = 0
        self._store = store
        self._losses = losses
        self._pages: OrderedDict[int, list[Entry]] = OrderedDict()
        """number of a page, whose revisions follow ``number * PAGE`` → its entries so far"""

    async def look(self) -> None:
        """See where the log begins now."""
        oldest, self._oldest_ms = await self._store.numbers_of("horizon", "horizon_ms")
        if oldest != self.oldest:
            self.oldest = oldest
            self._pages.clear()

    async def entry(self, revision: int) -> Entry | None:
        """The entry of ``revision``, ``None`` where the board has not come so far."""
        if revision <= self.oldest:
            raise BeforeHorizon(revision, self.oldest)
        number = (revision - 1) // PAGE
        page = self._pages.get(number)
        if page is None or not page or page[-1].revision < revision:
            page = await self._read(number, revision)
        else:
            self._pages.move_to_end(number)
        index = revision - page[0].revision if page else -1
        return page[index] if 0 <= index < len(page) else None

    async def told(self, revisions: Sequence[int]) -> list[Told]:
        """Each of ``revisions``, which are in the log, with what it replaced; :attr:`oldest` itself changed nothing."""
        entries = [await self.entry(revision) if revision > self.oldest else None for revision in revisions]
        for revision, entry in zip(revisions, entries, strict=True):
            if entry is None and revision != self.oldest:
                raise BeforeHorizon(revision, self.oldest)
        replaced = await self._replaced(
            [(change.key, change.previous_commit) for entry in entries if entry is not None for change in entry.changes]
        )
        return [
            Told(self.oldest, (), self._oldest_ms)
            if entry is None
            else Told(entry.revision, tuple(_with_previous(entry.changes, replaced)), entry.time_ms)
            for entry in entries
        ]

    async def before(self, revision: int, most: int) -> list[Entry]:
        """At most ``most`` entries before that of ``revision``, the latest ones, in order; none where they are gone."""
        since = max(self.oldest, revision - 1 - most)
        count = revision - 1 - since
        try:
            return await page_after(self._store, since, count, self._losses) if count > 0 else []
        except Gap:
            await self.look()
            return []

    async def rewind(self, state: State, revision: int) -> None:
        """Carry ``state`` back to ``revision``, which the log reaches: faster than step by step."""
        replaced: dict[str, str] = {}
        async for entry in entries_between(self._store, revision, state.revision):
            for change in entry.changes:
                replaced.setdefault(change.key, change.previous_commit)
        found = await self._replaced(replaced.items())
        for key, commit in replaced.items():
            records = state.regions.setdefault(region_of(key), {})
            if commit:
                records[key] = found[key, commit]
            else:
                records.pop(key, None)
        state.revision = revision

    async def _read(self, number: int, revision: int) -> list[Entry]:
        """Read on in a page, from its beginning or from where it was read to."""
        page = self._pages.get(number, [])
        start, end = max(number * PAGE, self.oldest), (number + 1) * PAGE
        since = page[-1].revision if page else start
        try:
            page = page + await page_after(self._store, since, end - since, self._losses)
        except Gap as gap:
            await self.look()
            if revision <= self.oldest:
                raise BeforeHorizon(revision, self.oldest) from gap
            if self.oldest <= since:
                raise
            return await self._read(number, revision)
        self._pages[number] = page
        self._pages.move_to_end(number)
        while len(self._pages) > KEPT:
            self._pages.popitem(last=False)
        return page

    async def _replaced(self, references: Iterable[tuple[str, str]]) -> dict[tuple[str, str], Record]:
        """Key and commit → the record, of all that ``references`` name; commit ``""`` is none."""
        wanted = [reference for reference in references if reference[1]]
        base = [key for key, commit in wanted if revision_of(commit) <= self.oldest]
        found = {(record.key, record.commit): record for record in await self._based(base)}
        commits = {commit for _, commit in wanted if revision_of(commit) > self.oldest}
        for entry in await self._entries(commits):
            # Where one commit writes a key twice, the last is what stood after it.
            found |= {(c.key, entry.commit): c.record for c in entry.changes if c.record is not None}
        missing = next((one for one in wanted if one not in found), None)
        if missing is not None:
            horizon = await read_horizon(self._store)
            if horizon != self.oldest:
                await self.look()
                raise BeforeHorizon(revision_of(missing[1]), horizon)
            raise Corrupt(f"{self._store.keys.log} tells of {missing[0]!r} at {missing[1]}, which it does not hold")
        return found

    async def _based(self, keys: list[str]) -> list[Record]:
        found = []
        for at in range(0, len(keys), AT_ONCE):
            names = keys[at : at + AT_ONCE]
            stored = await self._store.read("HMGET", self._store.keys.base, *names)
            found += [parse_stored(key, one) for key, one in zip(names, stored, strict=True) if one is not None]
        self._store.same_history(self._losses)
        return found

    async def _entries(self, commits: Iterable[str]) -> list[Entry]:
        """The entries of ``commits``, as far as the log holds them."""
        found, sought = [], []
        for commit in commits:
            number, index = divmod(revision_of(commit) - 1, PAGE)
            page = self._pages.get(number)
            index -= page[0].revision - 1 - number * PAGE if page else 0
            if page and 0 <= index < len(page):
                found.append(page[index])
            else:
                sought.append(commit)
        for at in range(0, len(sought), AT_ONCE):
            read = await asyncio.gather(*(entry_of(self._store, one) for one in sought[at : at + AT_ONCE]))
            found += [entry for entry in read if entry is not None]
        self._store.same_history(self._losses)
        return found


def _with_previous(changes: Iterable[Change], replaced: dict[tuple[str, str], Record]) -> Iterable[Change]:
    """``changes`` of one commit, each with what it replaced: another change of the same commit, or an earlier record."""
    written: dict[str, Record | None] = {}
    for change in changes:
        previous = replaced.get((change.key, change.previous_commit))
        yield change._replace(previous=written.get(change.key, previous))
        written[change.key] = change.record
