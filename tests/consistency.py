"""What must hold of a board's keys whatever happened to it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.proof.oracles import check_stored

if TYPE_CHECKING:
    import redis


def calls(client: redis.Redis) -> int:
    """How many scripts the server ran by their digest."""
    stats = client.info("commandstats")
    return int(stats["cmdstat_evalsha"]["calls"]) if "cmdstat_evalsha" in stats else 0


def check_consistent(client: redis.Redis, name: str) -> int:
    """Meta, log, revisions, regions, expiries and records tell the same story; returns the revision."""
    violations = check_stored(client, name)
    assert not violations, violations[:10]
    return int(client.hget(f"bb:{{{name}}}:meta", "revision") or 0)
