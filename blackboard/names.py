"""The names on a board that nobody opened: its keys, level by level, and its control records, as a shell offers them.

What is read is bounded: a list that would be longer than :data:`MOST` is none, because a part of it would say that
there is nothing else.
"""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any, Final, cast

from blackboard.control_shapes import checked
from blackboard.errors import Corrupt
from blackboard.keys import CONTROL_REGION, BoardKeys, region_of
from blackboard.record import parse_stored

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable

    from blackboard.backend import Backend
    from blackboard.record import Record

MOST: Final = 10_000
PAGE: Final = 1_000


async def keys_beginning(backend: Backend, board: str, beginning: str) -> list[str]:
    """How the keys that start with ``beginning`` go on: whole ones, and up to the next ``/``, which then ends them."""
    keys, found = BoardKeys(board), set[str]()
    if "/" not in beginning:
        return await _regions(backend, keys, beginning)
    level = beginning.rpartition("/")[0] + "/"
    async for key, _ in _scan(backend, keys.records(region_of(beginning)), beginning):
        name, slash, _ = key.removeprefix(level).partition("/")
        found.add(level + name + slash)
        if len(found) > MOST:
            return []
    return sorted(found)


async def control_records(backend: Backend, board: str, beginning: str) -> list[Record[Any]]:
    """The sound control records whose keys start with ``beginning``, sorted by key."""
    found: dict[str, Record[Any]] = {}
    async for key, stored in _scan(backend, BoardKeys(board).records(CONTROL_REGION), beginning):
        with contextlib.suppress(Corrupt):
            found[key] = checked(parse_stored(key, stored))
        if len(found) > MOST:
            return []
    return [record for _, record in sorted(found.items())]


async def _regions(backend: Backend, keys: BoardKeys, beginning: str) -> list[str]:
    """The regions that start with ``beginning``: with ``/`` for the records in it, without for a record of that key."""
    answer = await cast("Awaitable[list[bytes]]", backend.client.hkeys(keys.regions))
    regions = sorted(name for name in (raw.decode(errors="replace") for raw in answer) if name.startswith(beginning))
    if len(regions) > MOST:
        return []
    pipeline = backend.client.pipeline(transaction=False)
    for region in regions:
        pipeline.hlen(keys.records(region))
        pipeline.hexists(keys.records(region), region)
    told = await pipeline.execute()
    found = []
    for region, count, stands in zip(regions, told[::2], told[1::2], strict=True):
        found += [region] if stands else []
        found += [region + "/"] if count > stands else []
    return found


async def _scan(backend: Backend, name: str, beginning: str) -> AsyncIterator[tuple[str, bytes]]:
    """The fields of a hash that start with ``beginning``, which must hold nothing that means something in a glob."""
    cursor = 0
    while True:
        cursor, page = await cast(
            "Awaitable[tuple[int, dict[bytes, bytes]]]",
            backend.client.hscan(name, cursor, match=beginning + "*", count=PAGE),
        )
        for key, stored in page.items():
            yield key.decode(errors="replace"), stored
        if not cursor:
            return
