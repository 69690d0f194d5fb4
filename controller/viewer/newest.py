"""What was changed last in each group of records."""

from __future__ import annotations

from operator import attrgetter
from typing import TYPE_CHECKING, Any, NamedTuple

from controller.viewer.arrangement import group_of

if TYPE_CHECKING:
    from collections.abc import Iterable

    from blackboard.log import Change
    from blackboard.record import Record


class Newest(NamedTuple):
    """The last change in a group."""

    key: str
    revision: int
    time_ms: int
    removed: bool


class NewestChanges:
    """Kept up with each change; for a group that had none it is the record that was written last."""

    def __init__(self) -> None:
        self._of: dict[str, Newest] = {}

    def note(self, change: Change) -> None:
        """Take in a change, or one that takes a change back: what was the newest before that is looked up again."""
        group = group_of(change.key)
        newest, there, before = self._of.get(group), change.record, change.previous
        is_back = (newest is not None and newest.revision > change.revision) or (
            there.revision < change.revision
            if there is not None
            else before is not None and before.revision > change.revision
        )
        if is_back:
            self._of.pop(group, None)
        else:
            self._of[group] = Newest(change.key, change.revision, change.time_ms, change.record is None)

    def of(self, group: str, records: Iterable[Record[Any]]) -> Newest | None:
        """The newest in ``group``, which is looked up in its ``records`` where no change was noted."""
        if group not in self._of:
            record = max(records, key=attrgetter("revision"), default=None)
            if record is None:
                return None
            self._of[group] = Newest(record.key, record.revision, record.time_ms, removed=False)
        return self._of[group]
