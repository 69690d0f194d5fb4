"""What the board gives and what the server holds, in the words of the model."""

from __future__ import annotations

from itertools import chain
from typing import TYPE_CHECKING, Any

from blackboard import codec
from blackboard.commit import Committed
from blackboard.errors import Conflict, OnceMismatch
from blackboard.log import parse_entry
from blackboard.record import Record, parse_stored
from tests.model.explaining import Fine, Returned
from tests.model.model import Entry, Failed, Held, Mismatch, Refused, Told, Violation, region_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    import redis

    from blackboard.keys import BoardKeys
    from blackboard.log import Change
    from tests.model.explaining import Answer
    from tests.model.model import Model


def held_of(record: Record) -> Held:
    """``record``; raises :class:`Violation` where its digest is not that of its value."""
    head = record.head
    if not codec.verify(head):
        raise Violation(f"the digest of {record} is not that of its value")
    value = record.value
    at = (record.key, record.commit, record.version, record.time_ms)
    return Held(*at, head.author, head.case, head.status, head.expires_ms, value, repr(value))


def told_of(change: Change) -> Told:
    """``change``."""
    held = held_of(change.record) if change.record is not None else None
    return Told(change.key, change.operation, change.previous_commit, held)


def answer_of(result: object) -> Answer:
    """What a call of a board gave or raised; raises what is no answer."""
    if result is None:
        return Fine()
    if isinstance(result, Record):
        return Returned(held_of(result))
    if isinstance(result, Conflict):
        failures = (Failed(f.guard, f.commit, held_of(f.record) if f.record else None) for f in result.failures)
        return Refused(tuple(failures))
    if isinstance(result, OnceMismatch):
        return Mismatch(result.key)
    if isinstance(result, Committed):
        return result
    if isinstance(result, BaseException):
        raise result
    raise TypeError(f"{result!r} is no answer")


def entries_after(raw: redis.Redis, keys: BoardKeys, commit: str) -> list[Entry]:
    """The log after the entry of ``commit``, or all of it for ``""``."""
    found: Any = raw.xrange(keys.log, min=f"({commit}" if commit else "-")
    entries = []
    for identity, fields in found:
        entry = parse_entry([identity, list(chain.from_iterable(fields.items()))])
        changes = tuple(told_of(change) for change in entry.changes)
        entries.append(Entry(entry.commit, entry.changes[0].time_ms, entry.changes[0].author, changes))
    return entries


def onces_of(raw: redis.Redis, keys: BoardKeys) -> set[str]:
    """The idempotency keys that the server knows."""
    return {key.decode().removeprefix(keys.once("")) for key in raw.scan_iter(keys.once("*"))}


def check_keys(raw: redis.Redis, keys: BoardKeys, model: Model, touched: Sequence[str]) -> None:
    """The server holds of ``touched`` and of the board's head what the model holds."""
    with raw.pipeline(transaction=False) as asking:
        asking.hmget(keys.meta, ["epoch", "revision"])
        for key in touched:
            asking.hget(keys.records(region_of(key)), key)
            asking.hget(keys.revisions, key)
            asking.hget(keys.regions, region_of(key))
            asking.zscore(keys.expiries, key)
        (epoch, revision), *found = asking.execute()
    if (int(epoch), int(revision)) != (model.epoch, model.revision):
        raise Violation(f"meta says {epoch!r}-{revision!r}, not {model.head()}")
    for place, key in enumerate(touched):
        stored, known, changed, expires = found[4 * place : 4 * place + 4]
        held = model.records.get(key)
        record = parse_stored(key, stored) if stored is not None else None
        if (held_of(record) if record is not None else None) != held:
            raise Violation(f"{record} is stored, not {held}")
        if int(changed) != model.regions[region_of(key)]:
            raise Violation(f"the region of {key} is said to have changed at {changed!r}")
        beside = f"{held.commit} {held.version} {record.digest}".encode() if held and record else None
        if known != beside:
            raise Violation(f"{known!r} stands beside {held}")
        if (expires or 0) != (held.expires_ms if held else 0):
            raise Violation(f"{held} is to be removed at {expires}")


def check_whole(raw: redis.Redis, keys: BoardKeys, model: Model) -> None:
    """The server holds the board of the model, and nothing else of it."""
    log = entries_after(raw, keys, "")
    _equal(len(log), len(model.log), "entries of the log")
    for expected, entry in zip(model.log, log, strict=True):
        if expected != entry:
            raise Violation(f"the log says {entry}, not {expected}")
    check_keys(raw, keys, model, sorted(model.records))
    for region, revision in model.regions.items():
        expected_keys = sorted(key.encode() for key in model.records if region_of(key) == region)
        _equal(sorted(raw.hkeys(keys.records(region))), expected_keys, f"records of {region}")
        _equal(int(raw.hget(keys.regions, region) or -1), revision, f"revision of {region}")
    _equal(raw.hlen(keys.regions), len(model.regions), "regions")
    _equal(raw.hlen(keys.revisions), len(model.records), "revisions")
    _equal(raw.zcard(keys.expiries), sum(1 for held in model.records.values() if held.expires_ms), "expiries")
    _equal(onces_of(raw, keys), set(model.used), "idempotency keys")
    fields: Any = raw.hkeys(keys.meta)
    epochs = [name for name in fields if name.startswith(b"epoch:")]
    _equal(len(epochs), model.epoch, "epochs")


def check_shown(records: Iterable[Record], expected: Mapping[str, Held], who: str) -> None:
    """``records`` are all that are ``expected``, by key."""
    _equal([held_of(record) for record in records], [expected[key] for key in sorted(expected)], who)


def _equal(found: object, expected: object, what: str) -> None:
    if found != expected:
        raise Violation(f"{what}: {found}, not {expected}")
