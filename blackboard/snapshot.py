"""All records of a live board as they stood after one revision, without stopping who writes.

A scan sees some records before and some after what is written meanwhile; replaying the log over it,
keeping the newer by the record's own commit, makes it one state that the board had.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from blackboard.errors import Corrupt, Gap
from blackboard.log import entries_after
from blackboard.record import Record, parse_stored
from blackboard.state import replay

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from blackboard.state import Regions
    from blackboard.store import Store


async def snapshot(store: Store, losses: int) -> tuple[Regions, int]:
    """The records of the board and the revision after which they stood so.

    Raises :class:`HistoryLost` where history was lost since :attr:`Store.losses` was ``losses``.
    """
    while True:
        start = await store.number_of("revision")
        regions = await _scan(store)
        if start and not regions:  # a region that ever had a record is listed for good
            raise Corrupt(f"{store.keys.regions} is empty, though there are commits")
        end = await store.number_of("revision")
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
    async for record in scan_records(store, store.keys.records(region)):
        yield record


async def scan_records(store: Store, name: str) -> AsyncIterator[Record]:
    """Every record that the hash ``name`` holds during the whole scan, in no order, some perhaps twice."""
    cursor = b"0"
    while True:
        cursor, flat = await store.read("HSCAN", name, cursor, "COUNT", 1000)
        for key, stored in zip(flat[::2], flat[1::2], strict=True):
            yield parse_stored(key, stored)
        if cursor in (b"0", "0", 0):
            return
