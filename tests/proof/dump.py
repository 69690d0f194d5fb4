"""Everything that a server holds of one board, read raw: no code of the board's own reads it."""

from __future__ import annotations

import hashlib
import json
from itertools import count
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    import redis


def mark_of(packed: bytes) -> str:
    """64 bits of a digest over the bytes of a record: enough to tell that it is the one that was sent."""
    return hashlib.blake2b(packed, digest_size=8).hexdigest()


class LoggedChange(NamedTuple):
    """One write in the log; ``data`` is empty where it removes, ``previous`` where nothing stood there."""

    key: str
    operation: str
    """``p`` put, ``d`` delete, ``x`` expire; ``?`` where it does not parse"""
    previous: str
    version: int
    data: bytes

    @property
    def mark(self) -> str:
        return mark_of(self.data) if self.operation == "p" else ""


class LoggedCommit(NamedTuple):
    """One entry of the log."""

    commit: str
    time: str
    author: str
    changes: tuple[LoggedChange, ...]

    @property
    def epoch(self) -> int:
        return int(self.commit.partition("-")[0])

    @property
    def revision(self) -> int:
        return int(self.commit.partition("-")[2])


class Dump(NamedTuple):
    """A board at one instant.  Texts are the server's bytes as UTF-8; what is not UTF-8 is escaped."""

    name: str
    meta: dict[str, str]
    log: list[LoggedCommit]
    base: dict[str, bytes]
    """the records as they stood at the horizon, before the first entry of the log"""
    records: dict[str, dict[str, bytes]]
    """region -> key -> stored bytes"""
    revisions: dict[str, str]
    regions: dict[str, str]
    expiries: dict[str, float]

    @classmethod
    def empty(cls, name: str) -> Dump:
        """The dump of a board that is not there."""
        return cls(name, {}, [], {}, {}, {}, {}, {})

    @property
    def horizon(self) -> int:
        """The revision up to which the log was trimmed; 0 where it is whole."""
        return int(self.meta.get("horizon", "0"))

    @property
    def revision(self) -> int:
        return int(self.meta.get("revision", "0"))

    def began(self) -> dict[int, int]:
        """epoch -> the revision after which it began"""
        return {int(name[6:]): int(value.split(" ")[0]) for name, value in self.meta.items() if name[:6] == "epoch:"}

    def all_records(self) -> dict[str, bytes]:
        return {key: stored for region in self.records.values() for key, stored in region.items()}


def read_dump(client: redis.Redis, name: str) -> Dump:
    """The board ``name`` at one instant, also while it is written: then as a transaction sees it.

    The first try is none, because a full server refuses transactions.
    """
    prefix = f"bb:{{{name}}}:"
    records_of = (prefix + "records:").encode()
    for attempt in count():
        known: Any = client.hkeys(prefix + "regions")
        regions = sorted({key.removeprefix(records_of) for key in client.scan_iter(prefix + "records:*")} | set(known))
        pipe = client.pipeline(transaction=attempt > 0)
        pipe.hgetall(prefix + "meta")
        pipe.xrange(prefix + "log")
        pipe.hgetall(prefix + "base")
        pipe.hgetall(prefix + "revisions")
        pipe.hgetall(prefix + "regions")
        pipe.zrange(prefix + "expiries", 0, -1, withscores=True)
        for region in regions:
            pipe.hgetall(records_of + region)
        pipe.hgetall(prefix + "meta")
        meta, log, base, revisions, changed, expiries, *records, after = pipe.execute()
        if meta == after and set(changed) <= set(regions):  # else somebody wrote, or a region was new meanwhile
            break
    return Dump(
        name,
        {_text(k): _text(v) for k, v in meta.items()},
        [_entry(identity, fields) for identity, fields in log],
        {_text(k): v for k, v in base.items()},
        {_text(r): {_text(k): v for k, v in held.items()} for r, held in zip(regions, records, strict=True) if held},
        {_text(k): _text(v) for k, v in revisions.items()},
        {_text(k): _text(v) for k, v in changed.items()},
        {_text(k): score for k, score in expiries},
    )


def _entry(identity: bytes, fields: dict[bytes, bytes]) -> LoggedCommit:
    (_, head), *changes = fields.items()
    time, _, author = _text(head).partition(" ")
    return LoggedCommit(_text(identity), time, author, tuple(_change(key, text) for key, text in changes))


def _change(key: bytes, text: bytes) -> LoggedChange:
    try:
        operation, previous, version, data = text.split(b" ", 3)
        before = "" if previous == b"-" else _text(previous)
        return LoggedChange(_text(key), _text(operation), before, int(version), data)
    except ValueError:
        return LoggedChange(_text(key), "?", "", 0, text)


def _text(data: bytes) -> str:
    return data.decode(errors="surrogateescape")


def save_dump(dump: Dump, path: Path) -> None:
    """Write ``dump`` as JSON; bytes become the text of the same code points."""
    path.write_text(json.dumps(_plain(dump._asdict())))


def load_dump(path: Path) -> Dump:
    """What :func:`save_dump` wrote."""
    fields: dict[str, Any] = json.loads(path.read_text())
    fields["base"] = _bytes(fields["base"])
    fields["records"] = {region: _bytes(held) for region, held in fields["records"].items()}
    fields["log"] = [_loaded_entry(*entry) for entry in fields["log"]]
    return Dump(**fields)


def _loaded_entry(commit: str, time: str, author: str, changes: Iterable[list[Any]]) -> LoggedCommit:
    loaded = (LoggedChange(key, mark, previous, n, data.encode("latin-1")) for key, mark, previous, n, data in changes)
    return LoggedCommit(commit, time, author, tuple(loaded))


def _plain(value: Any) -> Any:
    if isinstance(value, bytes):
        return value.decode("latin-1")
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return value


def _bytes(held: dict[str, str]) -> dict[str, bytes]:
    return {key: text.encode("latin-1") for key, text in held.items()}
