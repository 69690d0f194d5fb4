"""Snapshots: revisions with a name, which stay readable until the snapshot is dropped.

Each is a field among the holds on the log, one that does not age.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final, NamedTuple

from blackboard.errors import BeforeHorizon, Corrupt, InvalidName, NothingSelected, UsageError
from blackboard.holds import SNAPSHOT
from blackboard.keys import check_key
from blackboard.trimming import read_horizon

if TYPE_CHECKING:
    from blackboard.store import Store

_VALUE: Final = re.compile(r"([0-9]+) ([0-9]+) ?(.*)\Z", re.DOTALL)


class Snapshot(NamedTuple):
    """A revision with a name, which stays readable until the snapshot is dropped."""

    name: str
    revision: int
    taken_ms: int
    """in milliseconds since 1970"""
    author: str


async def take_snapshot(store: Store, name: str, revision: int, author: str) -> Snapshot:
    """Keep ``revision`` readable under ``name``, within :func:`~blackboard.history.kept`.

    Raises :class:`UsageError` where the name is taken or the board has not come so far, :class:`BeforeHorizon`.
    """
    snapshot = Snapshot(check_snapshot_name(name), revision, store.server_now_ms(), author)
    horizon, head = await read_horizon(store), await store.number_of("revision")
    if revision < horizon:
        raise BeforeHorizon(revision, horizon)
    if revision > head:
        raise UsageError(f"revision {revision}: the board is at {head}")
    field, value = SNAPSHOT + name, value_of(snapshot)
    new = await store.read("HSETNX", store.keys.holds, field, value)
    # Sent again after a lost answer it finds itself.
    if not new and await store.read("HGET", store.keys.holds, field) != value.encode():
        raise UsageError(f"there is a snapshot {name!r} already")
    return snapshot


async def drop_snapshot(store: Store, name: str) -> None:
    """Let go of the snapshot ``name``; raises :class:`NothingSelected` where there is none."""
    if not await store.read("HEXISTS", store.keys.holds, SNAPSHOT + name):
        raise NothingSelected(f"no snapshot {name!r} of board {store.keys.name}")
    await store.read("HDEL", store.keys.holds, SNAPSHOT + name)


def check_snapshot_name(name: str) -> str:
    """``name`` if a snapshot can have it: as a record's key, and not a number, which would name a revision."""
    try:
        check_key(name)
    except InvalidName as error:
        raise InvalidName(f"snapshot name: {error}") from error
    if name[:1].isdigit() or name in ("oldest", "now"):
        raise InvalidName(
            f"snapshot name {name!r}: it names a moment already; begin with a letter, as in before-{name}"
        )
    return name


def value_of(snapshot: Snapshot) -> str:
    """What the field of ``snapshot`` holds."""
    return f"{snapshot.revision} {snapshot.taken_ms} {snapshot.author}"


def snapshots_in(holds: dict[bytes, bytes]) -> list[Snapshot]:
    """The snapshots among the fields, by revision; raises :class:`Corrupt` where one does not parse."""
    found = []
    for member, value in holds.items():
        if member.startswith(SNAPSHOT.encode()):
            match = _VALUE.match(value.decode(errors="replace"))
            if match is None:
                raise Corrupt(f"the hold {member!r} does not parse")
            name = member.removeprefix(SNAPSHOT.encode()).decode(errors="replace")
            found.append(Snapshot(name, int(match[1]), int(match[2]), match[3]))
    return sorted(found, key=lambda snapshot: (snapshot.revision, snapshot.name))
