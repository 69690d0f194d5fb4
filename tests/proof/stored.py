"""What must hold of a board's keys alone, whoever wrote it and whatever happened to it."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from tests.proof.packed import Standing, head_of, parse_stored
from tests.proof.violation import Violation

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from tests.proof.dump import Dump, LoggedChange, LoggedCommit
    from tests.proof.run import Run


def fold(dump: Dump) -> dict[str, Standing]:
    """The records that the base and the log explain."""
    state = {key: parse_stored(stored) for key, stored in dump.base.items()}
    for entry in dump.log:
        for change in entry.changes:
            _apply(state, entry, change)
    return state


def _apply(state: dict[str, Standing], entry: LoggedCommit, change: LoggedChange) -> None:
    if change.operation == "p":
        head = f"{entry.epoch} {entry.revision} {change.version} {entry.time} ".encode()
        state[change.key] = Standing(entry.commit, change.version, head + change.data)
    else:
        state.pop(change.key, None)


def state_digest(records: Mapping[str, bytes]) -> str:
    """One digest over every key and its stored bytes: two boards in the same state have the same."""
    whole = hashlib.blake2b(digest_size=16)
    for key in sorted(records):
        name = key.encode(errors="surrogateescape")
        whole.update(b"%d %d " % (len(name), len(records[key])) + name + records[key])
    return whole.hexdigest()


def dense(run: Run) -> list[Violation]:
    """Revisions are unique and dense up to the head; the epochs of the entries are those that meta tells."""
    dump = run.dump
    if not dump.meta:
        return [Violation("dense", "there is no board")]
    found = [f"its epoch {n} is not told" for n in range(1, int(dump.meta["epoch"]) + 1) if n not in dump.began()]
    began = dump.began()
    for earlier, later in zip(sorted(began), sorted(began)[1:], strict=False):
        if began[earlier] > began[later]:
            found.append(f"epoch {later} began after revision {began[later]}, epoch {earlier} after {began[earlier]}")
    expected = dump.horizon
    for entry in dump.log:
        expected += 1
        if entry.revision != expected:
            found.append(f"{entry.commit} stands in the log where revision {expected} was to stand")
            expected = entry.revision
        first, end = began.get(entry.epoch, entry.revision), began.get(entry.epoch + 1, entry.revision)
        if not first < entry.revision <= end:
            found.append(f"{entry.commit} lies outside its epoch, the revisions after {first} up to {end}")
    if dump.revision != expected:
        found.append(f"meta names {dump.revision} as the head, the log ends at {expected}")
    return [Violation("dense", sentence) for sentence in found]


def links(run: Run) -> list[Violation]:
    """Each change names the commit that it replaced, counts its version, and changes something."""
    return [Violation("links", sentence) for sentence in _broken_links(run.dump)]


def _broken_links(dump: Dump) -> Iterator[str]:
    state = {key: parse_stored(stored) for key, stored in dump.base.items()}
    for entry in dump.log:
        for change in entry.changes:
            before = state.get(change.key)
            present = before.commit if before is not None else ""
            if change.previous != present:
                yield f"{entry.commit} says that it replaced {change.previous!r} at {change.key}, where {present!r} stood"
            if change.operation not in ("p", "d", "x"):
                yield f"{entry.commit} does something unknown to {change.key}: {change.operation!r}"
            elif change.operation != "p":
                if before is None:
                    yield f"{entry.commit} removes {change.key}, where nothing stood"
                elif change.operation == "x" and not 0 < before.expires_ms <= int(entry.time):
                    yield f"{entry.commit} of {entry.time} ms lets {change.key} expire, whose time is {before.expires_ms}"
            else:
                version = before.version + 1 if before is not None else 1
                if change.version != version:
                    yield f"{entry.commit} gives {change.key} version {change.version}, not {version}"
                if before is not None and before.data == change.data:
                    yield f"{entry.commit} logs for {change.key} what stood there"
            _apply(state, entry, change)


def replay(run: Run) -> list[Violation]:
    """Base and log explain the records byte by byte, and with them revisions, regions and expiries."""
    dump, state = run.dump, fold(run.dump)
    held = dump.all_records()
    found = [f"{key} is a record that no entry of the log explains" for key in held if key not in state]
    found += [
        f"{key} is no record, though {s.commit} in the log wrote it" for key, s in state.items() if key not in held
    ]
    found += [
        f"{key} holds other bytes than {state[key].commit} in the log wrote"
        for key, stored in held.items()
        if key in state and stored != state[key].stored
    ]
    for region, records in dump.records.items():
        found += [f"{key} stands in region {region}" for key in records if key.partition("/")[0] != region]
    found += _differences("revisions", dump.revisions, _expected_revisions(state))
    found += _differences("expiries", dump.expiries, _expected_expiries(state))
    found += _wrong_regions(dump, state)
    return [Violation("replay", sentence) for sentence in found]


def _expected_revisions(state: Mapping[str, Standing]) -> dict[str, str]:
    return {key: f"{s.commit} {s.version} {head_of(s.data).digest}" for key, s in state.items()}


def _expected_expiries(state: Mapping[str, Standing]) -> dict[str, float]:
    return {key: expires_ms for key, standing in state.items() if (expires_ms := standing.expires_ms)}


def _differences(what: str, held: Mapping[str, object], expected: Mapping[str, object]) -> list[str]:
    return [
        f"{what} holds {held.get(key)!r} for {key}, where the log explains {expected.get(key)!r}"
        for key in sorted(held.keys() | expected.keys())
        if held.get(key) != expected.get(key)
    ]


def _wrong_regions(dump: Dump, state: Mapping[str, Standing]) -> list[str]:
    """Of a region that did not change since the horizon only the bounds of its last revision are known."""
    changed = {c.key.partition("/")[0]: entry.revision for entry in dump.log for c in entry.changes}
    found = _differences(
        "regions",
        {r: int(n) for r, n in dump.regions.items() if r in changed or int(n) > dump.horizon},
        changed,
    )
    for key, standing in state.items():
        revision = int(standing.commit.partition("-")[2])
        if revision > int(dump.regions.get(key.partition("/")[0], "0")):
            found.append(f"{key} is of revision {revision}, after the last one that its region knows of")
    return found


def digests(run: Run) -> list[Violation]:
    """The digest in every record, of the records, the base and the log, is that of its value."""
    dump = run.dump
    found = [
        f"the digest in the record {key} is not its value's" for key, s in dump.all_records().items() if _unsound(s)
    ]
    found += [f"the digest in the base of {key} is not its value's" for key, s in dump.base.items() if _unsound(s)]
    found += [
        f"the digest that {entry.commit} logs for {change.key} is not its value's"
        for entry in dump.log
        for change in entry.changes
        if change.operation == "p" and not head_of(change.data).sound
    ]
    return [Violation("digests", sentence) for sentence in found]


def _unsound(stored: bytes) -> bool:
    return not head_of(parse_stored(stored).data).sound
