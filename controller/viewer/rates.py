"""How fast a board changes, from the latest of its changes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from blackboard.control_records import ACTIVATIONS, OVERRIDES
from blackboard.errors import Corrupt

if TYPE_CHECKING:
    from collections.abc import Sequence

    from blackboard.log import Change
    from blackboard.record import Record

WINDOW_MS: Final = 5_000


class Rates(NamedTuple):
    """What happened in each second, over the last ``window_ms``."""

    commits: float
    activations: float
    """firings that began; a further try is none of its own"""
    refusals: float
    """contributions that met a conflict, and orders that were refused"""
    window_ms: int


def rates(changes: Sequence[Change], now_ms: int, *, most: int) -> Rates:
    """The rates at ``now_ms``; ``changes`` are in order, and no more than the latest ``most`` are kept of them."""
    revision = began = refused = 0
    commits, since_ms = 0, now_ms - WINDOW_MS
    for change in reversed(changes):
        if change.time_ms <= since_ms:
            break
        commits += change.revision != revision
        revision = change.revision
        if change.key.startswith(ACTIVATIONS):
            began += change.record is not None and not change.previous_commit
            refused += max(0, _conflicts(change.record) - _conflicts(change.previous))
        elif change.key.startswith(OVERRIDES):
            refused += _refused(change.record) > _refused(change.previous)
    else:
        if len(changes) >= most:  # what happened before is not known
            since_ms = min(changes[0].time_ms, now_ms - 1)
    seconds = (now_ms - since_ms) / 1000
    return Rates(commits / seconds, began / seconds, refused / seconds, now_ms - since_ms)


def _conflicts(record: Record | None) -> int:
    found = _field(record, "conflicts")
    return found if type(found) is int else 0


def _refused(record: Record | None) -> bool:
    return _field(record, "status") == "refused"


def _field(record: Record | None, name: str) -> object:
    """A field of what may be anything."""
    try:
        value = record.value if record is not None else None
    except Corrupt:
        return None
    return value.get(name) if isinstance(value, dict) else None
