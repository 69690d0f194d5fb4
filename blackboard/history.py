"""The board as it was: its state after any revision that the log still reaches, and what changed between two."""

from __future__ import annotations

import contextlib
import re
from typing import TYPE_CHECKING, Final, NamedTuple

from blackboard.errors import BeforeHorizon, Gap, UsageError
from blackboard.keys import region_of
from blackboard.log import Change, entries_after, entries_between, entry_of
from blackboard.record import parse_stored
from blackboard.scanning import scan_records
from blackboard.state import State, differences
from blackboard.trimming import read_horizon

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from blackboard.record import Record
    from blackboard.state import Regions
    from blackboard.store import Store


_COMMIT: Final = re.compile(r"[0-9]{1,18}-[0-9]{1,18}")


class Difference(NamedTuple):
    """One record that is not the same at two revisions: what stood there at the earlier and at the later."""

    key: str
    before: Record | None
    after: Record | None


@contextlib.asynccontextmanager
async def kept(store: Store) -> AsyncIterator[None]:
    """Nothing is trimmed while this lasts: base and log stay as they are for a reader who begins with the base."""
    hold = await store.holds.take(lambda: 0)
    try:
        yield
    finally:
        hold.release()


async def read_base(store: Store) -> State:
    """The state at the horizon, which the log goes on from; use it within :func:`kept`.

    Raises :class:`Gap` where the horizon moved meanwhile: this process stood still for so long that it was taken
    for dead.
    """
    revision, time_ms = await store.numbers_of("horizon", "horizon_ms")
    regions: Regions = {}
    async for record in scan_records(store, store.keys.base):
        regions.setdefault(region_of(record.key), {})[record.key] = record
    moved_to = await read_horizon(store)
    if moved_to != revision:
        raise Gap(revision, moved_to + 1)
    return State(regions, revision, time_ms)


async def state_at(store: Store, revision: int) -> State:
    """The board after ``revision``.

    Raises :class:`BeforeHorizon` where the log no longer reaches so far back, :class:`UsageError` where the board
    has not come so far.
    """
    async with kept(store):
        state = await read_base(store)
        if revision < state.revision:
            raise BeforeHorizon(revision, state.revision)
        async for entry in entries_between(store, state.revision, revision):
            state.apply(entry)
    if state.revision != revision:
        raise UsageError(f"revision {revision}: the board is at {state.revision}")
    return state


async def differences_between(store: Store, first: int, second: int) -> list[Difference]:
    """The records that differ between two revisions, by key; ``first`` may be the later one.

    A record that changed and changed back is no difference; one whose time came to an end is.
    Raises as :func:`state_at`.
    """
    early, late = min(first, second), max(first, second)
    async with kept(store):
        before = await state_at(store, early)
        after = before.copy()
        touched: set[str] = {record.key for record in before.records() if record.expires_ms}
        async for entry in entries_between(store, early, late):
            after.apply(entry)
            touched.update(change.key for change in entry.changes)
    if after.revision != late:
        raise UsageError(f"revision {late}: the board is at {after.revision}")
    if first > second:
        before, after = after, before
    found = (Difference(key, before.get(key), after.get(key)) for key in sorted(touched))
    return [one for one in found if not _alike(one)]


def _alike(difference: Difference) -> bool:
    before, after = difference.before, difference.after
    if before is None or after is None:
        return before is after
    return before.digest == after.digest


async def changes_known(store: Store, upto: int | None = None) -> AsyncIterator[Change]:
    """Every change up to revision ``upto``, else the present end; what was trimmed counts as what stood at the horizon.

    Raises :class:`Gap` where the log does not go on at its horizon.
    """
    async with kept(store):
        base = await read_base(store)
        for change in differences({}, base.regions, base.revision, base.time_ms):
            yield change
        head = await store.number_of("revision") if upto is None else upto
        async for entry in entries_between(store, base.revision, head):
            for change in entry.changes:
                yield change


async def versions_of(store: Store, key: str) -> list[Change]:
    """Every change of ``key`` that the log holds, oldest first, each with the record that it replaced."""
    found: list[Change] = []
    async with kept(store):
        horizon, start = await read_horizon(store), await _begin_of_log(store)
        # Somebody else may have cut the log: what it still holds is told, and what it went on from is not known.
        previous = await _in_base(store, key) if start == horizon else None
        async for entry in entries_after(store, start):
            for change in entry.changes:
                if change.key == key:
                    found.append(change._replace(previous=previous))
                    previous = change.record
    return found


async def change_at(store: Store, key: str, commit: str) -> Change | None:
    """What ``commit`` did to ``key``; ``None`` where neither the log nor what was trimmed of it tells."""
    if not _COMMIT.fullmatch(commit):
        return None
    entry = await entry_of(store, commit)
    if entry is not None:
        return next((change for change in entry.changes if change.key == key), None)
    base = await _in_base(store, key)
    if base is None or base.commit != commit:
        return None
    return Change(key, "put", commit, base.revision, base.time_ms, base.author, base, "")


async def changes_back(store: Store, key: str, commit: str, most: int) -> list[Change]:
    """What ``commit`` did to ``key`` and the changes before it, the newest first, ``most`` at the most.

    Each names the commit that it replaced, so that the length of the log does not count.  They end where the log
    does, and where nothing stood at ``key`` for a time.
    """
    found: list[Change] = []
    while commit and len(found) < most:
        change = await change_at(store, key, commit)
        if change is None:
            break
        found.append(change)
        commit = change.previous_commit
    return found


async def _begin_of_log(store: Store) -> int:
    """The revision that the log goes on from."""
    raw = await store.read("XRANGE", store.keys.log, "-", "+", "COUNT", 1)
    return int(raw[0][0].partition(b"-")[2]) - 1 if raw else 0


async def _in_base(store: Store, key: str) -> Record | None:
    stored = await store.read("HGET", store.keys.base, key)
    return parse_stored(key, stored) if stored is not None else None
