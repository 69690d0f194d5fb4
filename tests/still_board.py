"""A board that stands still: records in memory at one revision, read as a replica is."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from blackboard import codec
from blackboard.record import Record, Stamp

if TYPE_CHECKING:
    from blackboard.pattern import Pattern


def record_of(key: str, value: Any, *, commit: str = "1-1", author: str = "") -> Record[Any]:
    """The record that a commit named ``commit`` of ``value`` at ``key`` would leave."""
    packed, _ = codec.pack_record(Stamp(author=author), "", 0, codec.pack_value(value))
    return Record(key, commit, int(commit.partition("-")[2]), 1, 0, packed)


class StillBoard:
    """Records that do not change; ``commit`` is that of the latest."""

    def __init__(self, *records: Record[Any]) -> None:
        self._records = {record.key: record for record in records}
        self.commit = f"1-{max((record.revision for record in records), default=0)}"

    def get(self, key: str) -> Record[Any] | None:
        return self._records.get(key)

    def find(self, pattern: Pattern) -> list[Record[Any]]:
        return [record for record in self._records.values() if pattern.match(record) is not None]
