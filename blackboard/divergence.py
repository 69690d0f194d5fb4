"""Where two runs part: for each key the first version that is not the same in both."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, NamedTuple

from blackboard.keys import CONTROL_REGION, region_of

if TYPE_CHECKING:
    from collections.abc import Iterable

    from blackboard.log import Change


class Divergence(NamedTuple):
    """The first versions of one record that differ; ``None`` where one run has no such version."""

    key: str
    number: int
    """of the change of this key, counted from 1, removals too"""
    first: Change | None
    second: Change | None

    @property
    def revision(self) -> int:
        """At which it parts, in the first run where it has that version."""
        change = self.first or self.second
        return change.revision if change is not None else 0


def divergences(first: Iterable[Change], second: Iterable[Change]) -> list[Divergence]:
    """Where the changes of two runs part, by revision; empty where every record has the same versions in both.

    Two runs interleave as they like, so each record is compared with itself: the same versions, put or removed,
    with the same value and status.  Who wrote them and when is left out, and what is under ``control/``, which
    holds times.
    """
    one, other = _by_key(first), _by_key(second)
    found = []
    for key in one.keys() | other.keys():
        ours, theirs = one.get(key, []), other.get(key, [])
        for number in range(max(len(ours), len(theirs))):
            left = ours[number] if number < len(ours) else None
            right = theirs[number] if number < len(theirs) else None
            if left is None or right is None or _content(left) != _content(right):
                found.append(Divergence(key, number + 1, left, right))
                break
    # What only the second run has comes after what the first has: its revisions count other commits.
    return sorted(found, key=lambda one: (one.first is None, one.revision, one.key))


def _by_key(changes: Iterable[Change]) -> dict[str, list[Change]]:
    found: dict[str, list[Change]] = defaultdict(list)
    for change in changes:
        if region_of(change.key) != CONTROL_REGION:
            found[change.key].append(change)
    return found


def _content(change: Change) -> tuple[str, bytes, str]:
    record = change.record
    return (change.operation, b"", "") if record is None else ("put", record.head.value, record.status)
