"""Whether the keys of a board tell one story: every digest, the log against the records, and what is kept beside.

A commit writes all of them in one step, so they can only part where something else wrote to them, or where the disk
or the memory of the server did not keep what it was given.  It reads a live board: what changes while it looks is
left out of the comparison and counted.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from blackboard import codec
from blackboard.errors import Corrupt, Gap, ServerRefused
from blackboard.history import kept, read_base
from blackboard.keys import region_of
from blackboard.log import entries_after
from blackboard.scanning import scan_pages, scan_pairs, scan_records

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    from blackboard.link import Answer
    from blackboard.log import Change
    from blackboard.record import Record
    from blackboard.state import State
    from blackboard.store import Store

MAX_PROBLEMS: Final = 100
"""that are listed; more are counted"""


class Audit(NamedTuple):
    """What was looked at, and what does not agree."""

    horizon: int
    revision: int
    records: int
    commits: int
    moved: int
    """records that changed while it looked, so that only their digests were checked"""
    problems: tuple[str, ...]
    problem_count: int


class _Stored(NamedTuple):
    """What the keys of a board hold, but for base and log."""

    head: int
    """the revision when the reading began"""
    records: dict[str, Record]
    commits: dict[bytes, bytes]
    regions: dict[bytes, int]
    expiries: dict[bytes, int]


class Auditor:
    """One look at one board."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._problems: list[str] = []
        self._count = 0
        self._changed: dict[str, int] = {}
        """key → the last revision of the log that changed it"""
        self._regions: dict[str, int] = {}

    async def audit(self) -> Audit:
        """Compare everything with everything.  Raises what a read raises, never for what it finds."""
        store = self._store
        async with kept(store):
            try:
                stored = await self._read()
                state = await self._base()
                horizon = state.revision
                whole = await self._fold(state)
            except (Corrupt, ServerRefused) as error:  # such as a key of another type: no more can be compared
                self._note(str(error))
                return Audit(0, 0, 0, 0, 0, tuple(self._problems), self._count)
        moved = {key for key, revision in self._changed.items() if revision > stored.head}
        if whole:
            self._compare(stored, state, moved, horizon)
        for record in stored.records.values():
            self._check_digest(record, "the record")
        commits = state.revision - horizon
        return Audit(
            horizon, state.revision, len(stored.records), commits, len(moved), tuple(self._problems), self._count
        )

    def _note(self, problem: str) -> None:
        self._count += 1
        if len(self._problems) < MAX_PROBLEMS:
            self._problems.append(problem)

    async def _read(self) -> _Stored:
        store, keys = self._store, self._store.keys
        head = await store.number_of("revision")
        records: dict[str, Record] = {}
        async for name in self._record_hashes():
            region = name.removeprefix(keys.records(""))
            async for record in scan_records(store, name):
                if region_of(record.key) != region:
                    self._note(f"the record {record.key!r} lies in region {region!r}")
                records[record.key] = record
        commits = dict(await self._pairs("HSCAN", keys.revisions))
        regions = {name: self._number(text, name) for name, text in await self._pairs("HSCAN", keys.regions)}
        expiries = {key: self._number(score, key) for key, score in await self._pairs("ZSCAN", keys.expiries)}
        return _Stored(head, records, commits, regions, expiries)

    def _number(self, text: Answer, name: bytes) -> int:
        try:
            return int(float(text))
        except ValueError:
            self._note(f"{name.decode(errors='replace')!r} stands beside {text[:40]!r}, which is no number")
            return 0

    async def _record_hashes(self) -> AsyncIterator[str]:
        """Every hash of records that is there, named among the regions or not."""
        prefix, seen = self._store.keys.records(""), set()
        async for names in scan_pages(self._store, ("SCAN",), "MATCH", prefix + "*"):
            for name in names:
                if name not in seen:
                    seen.add(name)
                    yield name.decode(errors="replace")

    async def _pairs(self, command: str, name: str) -> list[tuple[bytes, bytes]]:
        return [pair async for pair in scan_pairs(self._store, command, name)]

    async def _base(self) -> State:
        base = await read_base(self._store)
        for record in base.records():
            self._check_digest(record, "in the base, the record")
            if record.revision > base.revision:
                self._note(f"in the base, the record {record.reference} is newer than the horizon {base.revision}")
        return base

    async def _fold(self, state: State) -> bool:
        """Fold the log into ``state``; whether it is whole."""
        try:
            async for entry in entries_after(self._store, state.revision):
                for change in entry.changes:
                    self._check_change(change, state)
                    self._changed[change.key] = self._regions[region_of(change.key)] = change.revision
                state.apply(entry)
        except Gap as gap:
            self._note(f"the log has a hole: after revision {gap.since} comes {gap.oldest}")
            return False
        return True

    def _check_change(self, change: Change, state: State) -> None:
        present = state.regions.get(region_of(change.key), {}).get(change.key)
        before = present.commit if present is not None else ""
        if change.previous_commit != before:
            told = change.previous_commit or "nothing"
            self._note(
                f"the log at {change.commit} says that {change.key!r} replaced {told}, not {before or 'nothing'}"
            )
        if change.record is not None:
            self._check_digest(change.record, "in the log, the record")
            version = present.version + 1 if present is not None else 1
            if change.record.version != version:
                self._note(f"in the log, {change.record.reference} is version {change.record.version}, not {version}")

    def _check_digest(self, record: Record, what: str) -> None:
        try:
            agrees = codec.verify(record.head)
            record.fresh().value  # noqa: B018  decoding is the check
        except Corrupt as error:
            self._note(f"{what} {record.reference}: {error}")
            return
        if not agrees:
            self._note(f"{what} {record.reference} does not have the digest that was stored with it")

    def _compare(self, stored: _Stored, state: State, moved: set[str], horizon: int) -> None:
        folded = {key: record for records in state.regions.values() for key, record in records.items()}
        for problem in _records_against_log(stored.records, folded, moved):
            self._note(problem)
        still = {key: record for key, record in stored.records.items() if key not in moved}
        for problem in _commits_against_records(stored.commits, still, moved):
            self._note(problem)
        for problem in _expiries_against_records(stored.expiries, still, moved):
            self._note(problem)
        for name, revision in stored.regions.items():
            last = self._regions.get(name.decode(errors="replace"), 0)
            if last <= stored.head and not (revision == last or (last == 0 and revision <= horizon)):
                self._note(f"the region {name.decode(errors='replace')!r} last changed at {last}, not at {revision}")
        for region, last in self._regions.items():
            if last <= stored.head and region.encode() not in stored.regions:
                self._note(f"the region {region!r} changed at {last} and is not among the regions")


def _records_against_log(stored: dict[str, Record], folded: dict[str, Record], moved: set[str]) -> Iterator[str]:
    for key in sorted((stored.keys() | folded.keys()) - moved):
        here, there = stored.get(key), folded.get(key)
        if here is None and there is not None:
            yield f"the record {there.reference} is in the log and not on the board"
        elif here is not None and there is None:
            yield f"the record {here.reference} is on the board and not in the log"
        elif here is not None and there is not None and _facts(here) != _facts(there):
            same = "bytes" if here.commit == there.commit else f"commit: there it is at {there.commit}"
            yield f"the record {here.reference} is not what the log says, by its {same}"


def _facts(record: Record) -> tuple[object, ...]:
    return record.commit, record.version, record.time_ms, record.packed


def _commits_against_records(commits: dict[bytes, bytes], records: dict[str, Record], moved: set[str]) -> Iterator[str]:
    expected = {}
    for key, record in records.items():
        try:
            expected[key.encode()] = f"{record.commit} {record.version} {record.digest}".encode()
        except Corrupt:
            continue  # its digest was checked before
    for name, text in commits.items():
        key = name.decode(errors="replace")
        if key not in moved and key not in records:
            yield f"among the revisions {key!r} is at {text[:40].decode(errors='replace')}, and there is no such record"
    for name, text in expected.items():
        if commits.get(name) != text:
            yield f"among the revisions {name.decode()!r} is not at {text.split(b' ')[0].decode()}, where its record is"


def _expiries_against_records(expiries: dict[bytes, int], records: dict[str, Record], moved: set[str]) -> Iterator[str]:
    for name in expiries:
        key = name.decode(errors="replace")
        if key not in moved and key not in records:
            yield f"{key!r} is to expire, and there is no such record"
    for key, record in records.items():
        try:
            expires_ms = record.expires_ms
        except Corrupt:
            continue
        if expiries.get(key.encode(), 0) != expires_ms:
            yield f"the record {record.reference} expires at {expires_ms}, and is not to be removed then"
