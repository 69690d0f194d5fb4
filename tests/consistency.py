"""What must hold of a board's keys whatever happened to it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import redis


def calls(client: redis.Redis) -> int:
    """How many scripts the server ran by their digest."""
    stats = client.info("commandstats")
    return int(stats["cmdstat_evalsha"]["calls"]) if "cmdstat_evalsha" in stats else 0


def check_consistent(client: redis.Redis, name: str) -> int:
    """Meta, log, revisions, regions, expiries and records tell the same story; returns the revision.

    The log must be whole.
    """
    prefix = f"bb:{{{name}}}:"
    entries: Any = client.xrange(prefix + "log")
    numbers = [int(identity.split(b"-")[1]) for identity, _ in entries]
    assert numbers == list(range(1, len(numbers) + 1)), "revisions are dense"
    assert int(client.hget(prefix + "meta", "revision") or 0) == len(numbers), "meta names the log's head"
    records: dict[bytes, bytes] = {}
    revisions: dict[bytes, bytes] = {}
    regions: dict[bytes, int] = {}
    for identity, fields in entries:
        epoch, _, revision = identity.partition(b"-")
        (_, head), *changes = fields.items()
        for key, text in changes:
            mark, _, version, data = text.split(b" ", 3)
            regions[key.partition(b"/")[0]] = int(revision)
            records.pop(key, None)
            revisions.pop(key, None)
            if mark == b"p":
                records[key] = b" ".join([epoch, revision, version, head.partition(b" ")[0], data])
                revisions[key] = identity + b" " + version
    held: dict[Any, Any] = {}
    for region in regions:
        held |= client.hgetall(prefix + "records:" + region.decode())
    assert held == records, "the records are the fold of the log"
    assert {k: int(v) for k, v in client.hgetall(prefix + "regions").items()} == regions
    stored: Any = client.hgetall(prefix + "revisions")
    known = {key: text.rpartition(b" ")[0] for key, text in stored.items()}
    assert known == revisions, "the revisions are those of the records"
    assert set(client.zrange(prefix + "expiries", 0, -1)) <= set(records), "nothing expires that is not there"
    return len(numbers)
