"""All records of a board as they stood after one revision: what its log folds to, entry by entry."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, TypeAlias

from blackboard.errors import Gap
from blackboard.keys import region_of
from blackboard.log import Change
from blackboard.pattern import Pattern

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from blackboard.log import Entry
    from blackboard.record import Record

Regions: TypeAlias = dict[str, dict[str, "Record"]]
"""region -> key -> record"""
_NONE: Mapping[str, Record] = {}


class State:
    """The board after :attr:`revision`.  A record whose time was over by then reads as absent, removed or not."""

    __slots__ = ("regions", "revision", "time_ms")

    def __init__(self, regions: Regions, revision: int, time_ms: int = 0) -> None:
        self.regions = regions
        self.revision = revision
        self.time_ms = time_ms
        """when that commit was made, in milliseconds since 1970; 0 at revision 0"""

    def copy(self) -> State:
        """The same state, to be carried on apart from this one; the records are shared."""
        regions = {region: dict(records) for region, records in self.regions.items()}
        return State(regions, self.revision, self.time_ms)

    def apply(self, entry: Entry) -> None:
        """Go on to the next revision; raises :class:`Gap` where ``entry`` is not that one's."""
        if entry.revision != self.revision + 1:
            raise Gap(self.revision, entry.revision)
        for change in entry.changes:
            replay(self.regions, change)
            self.time_ms = change.time_ms
        self.revision = entry.revision

    def get(self, key: str) -> Record | None:
        """The record at ``key``, ``None`` where there was none or its time was over."""
        record = self.regions.get(region_of(key), _NONE).get(key)
        return None if record is None or self._expired(record) else record

    def region(self, region: str) -> Mapping[str, Record]:
        """The records of a region by key, as they are stored; those whose time was over included."""
        return self.regions.get(region, _NONE)

    def find(self, pattern: str | Pattern) -> list[Record]:
        """The records that ``pattern`` matches, sorted by key."""
        parsed = Pattern.parse(pattern) if isinstance(pattern, str) else pattern
        return [record for record in matching(self.regions, parsed) if not self._expired(record)]

    def records(self) -> list[Record]:
        """Every record, sorted by key."""
        return [record for record in in_order(self.regions) if not self._expired(record)]

    def records_kept(self) -> list[Record]:
        """Every record that is stored, sorted by key, whether its time was over or not."""
        return in_order(self.regions)

    @property
    def count(self) -> int:
        """How many records are stored."""
        return sum(len(records) for records in self.regions.values())

    def _expired(self, record: Record) -> bool:
        return 0 < record.expires_ms <= self.time_ms


def digest_of(state: State) -> str:
    """128 bits of BLAKE2b, in hex, over which version of each record is stored, with its digest; no times, no authors.

    Two boards that have it in common hold the same records by the same commits.
    """
    lines = (f"{r.key}\0{r.commit}\0{r.version}\0{r.digest}\n" for r in in_order(state.regions))
    sum_ = hashlib.blake2b(digest_size=16)
    for line in lines:
        sum_.update(line.encode())
    return sum_.hexdigest()


def in_order(regions: Regions) -> list[Record]:
    """Every record of ``regions``, sorted by key."""
    return sorted((r for records in regions.values() for r in records.values()), key=lambda r: r.key)


def matching(regions: Regions, pattern: Pattern) -> list[Record]:
    """The records of ``regions`` that ``pattern`` matches, sorted by key; their time may be over."""
    records = regions.get(pattern.region, _NONE)
    if pattern.is_literal:
        record = records.get(pattern.key_text)
        return [record] if record is not None and pattern.match(record) is not None else []
    found = [record for record in records.values() if pattern.match(record) is not None]
    found.sort(key=lambda record: record.key)
    return found


def replay(regions: Regions, change: Change) -> None:
    """Apply ``change`` unless the record there is newer: its own commit tells."""
    records = regions.setdefault(region_of(change.key), {})
    present = records.get(change.key)
    if present is not None and present.revision >= change.revision:
        return
    if change.record is None:
        records.pop(change.key, None)
    else:
        records[change.key] = change.record


def differences(before: Regions, after: Regions, revision: int, now_ms: int) -> Iterator[Change]:
    """What leads from one state to another, as changes: first what is gone, then what is new by revision."""
    old = {r.key: r for records in before.values() for r in records.values()}
    new = {r.key: r for records in after.values() for r in records.values()}
    for key, record in old.items():
        if key not in new:
            yield Change(key, "delete", "", revision, now_ms, "", None, record.commit, record)
    changed = [record for key, record in new.items() if old.get(key) != record]
    for r in sorted(changed, key=lambda record: record.revision):
        previous = old.get(r.key)
        commit = previous.commit if previous else ""
        yield Change(r.key, "put", r.commit, r.revision, r.time_ms, r.author, r, commit, previous)
