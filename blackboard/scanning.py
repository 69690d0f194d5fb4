"""The records of a live board, read without stopping who writes: of one hash, or all as they stood after one revision.

A scan sees some records before and some after what is written meanwhile; replaying the log over it,
keeping the newer by the record's own commit, makes it one state that the board had.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from blackboard.errors import Corrupt, Gap
from blackboard.log import entries_after
from blackboard.record import Record, parse_stored
from blackboard.state import replay

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from blackboard.link import Answer
    from blackboard.state import Regions
    from blackboard.store import Store

PAGE: Final = 1000


async def scan_board(store: Store, losses: int) -> tuple[Regions, int]:
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
    async for key, stored in scan_pairs(store, "HSCAN", name):
        yield parse_stored(key, stored)


async def scan_pairs(store: Store, command: str, name: str) -> AsyncIterator[tuple[bytes, bytes]]:
    """The fields and values of a hash (``HSCAN``), or members and scores of a sorted set (``ZSCAN``)."""
    async for flat in scan_pages(store, (command, name)):
        for pair in zip(flat[::2], flat[1::2], strict=True):
            yield pair


async def scan_pages(store: Store, command: tuple[str, ...], *options: str) -> AsyncIterator[list[bytes]]:
    """What a command of the ``SCAN`` family gives, page by page; ``options`` come behind the cursor."""
    cursor: Answer = b"0"
    while True:
        cursor, page = await store.read(*command, cursor, *options, "COUNT", PAGE)
        yield page
        if cursor in (b"0", "0", 0):
            return
