"""All records of a live board as they stood after one revision, without stopping who writes.

A scan sees some records before and some after what is written meanwhile; replaying the log over it,
keeping the newer by the record's own commit, makes it one state that the board had.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

from blackboard.errors import Corrupt, Gap
from blackboard.keys import region_of
from blackboard.log import Change, entries_after
from blackboard.record import Record, parse_stored

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    from blackboard.store import Store

Regions: TypeAlias = dict[str, dict[str, Record]]
"""region -> key -> record"""


async def snapshot(store: Store, losses: int) -> tuple[Regions, int]:
    """The records of the board and the revision after which they stood so.

    Raises :class:`HistoryLost` where history was lost since :attr:`Store.losses` was ``losses``.
    """
    while True:
        start = await _head_of(store)
        regions = await _scan(store)
        end = await _head_of(store)
        revision = start
        try:
            async for entry in entries_after(store, start, losses):
                for change in entry.changes:
                    replay(regions, change)
                revision = entry.revision
                if revision >= end:  # all that the scan can have seen; the tail brings the rest
                    break
        except Gap:
            continue
        if revision >= end:
            return regions, revision


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


async def _head_of(store: Store) -> int:
    return int(await store.read("HGET", store.keys.meta, "revision") or 0)


async def _scan(store: Store) -> Regions:
    regions: Regions = {}
    for name in await store.read("HKEYS", store.keys.regions):
        try:
            region = name.decode()
        except UnicodeDecodeError as error:
            raise Corrupt(f"the region {name!r} is not UTF-8") from error
        records = regions.setdefault(region, {})
        async for record in scan_region(store, region):
            records[record.key] = record
    return regions


async def scan_region(store: Store, region: str) -> AsyncIterator[Record]:
    """Every record that stands in ``region`` during the whole scan, in no order, some perhaps twice."""
    cursor = b"0"
    while True:
        cursor, flat = await store.read("HSCAN", store.keys.records(region), cursor, "COUNT", 1000)
        for key, stored in zip(flat[::2], flat[1::2], strict=True):
            yield parse_stored(key, stored)
        if cursor in (b"0", "0", 0):
            return
