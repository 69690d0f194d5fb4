"""The records of a board, of which no more are looked at than was allowed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, Protocol

from blackboard.control_records import ACTIVATIONS, CONTROL
from blackboard.control_shapes import checked
from blackboard.errors import Corrupt
from blackboard.keys import CONTROL_REGION, region_of
from controller.candidates import Records

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from blackboard.pattern import Pattern
    from blackboard.record import Record

CHECKING: Final = 10
"""looks that checking the shape of a record counts for"""
SLICE: Final = 256
"""records that are looked at before it is asked whether that is enough"""


class Board(Records, Protocol):
    """The records of a board: a state or a replica."""

    def region(self, region: str) -> Mapping[str, Record[Any]]: ...


class GaveUp(Exception):  # no error: what was found until then is told
    """As many records were looked at as may be."""


class CountedRecords:
    """A board for a matcher.  Records that are past their time at ``now_ms``, or do not decode, are not there.

    Raises :class:`GaveUp` once, when ``steps`` looks at records are used up.
    """

    commit = ""

    def __init__(self, board: Board, now_ms: int, steps: int) -> None:
        self._board = board
        self._now_ms = now_ms
        self._left: float = steps
        self.gave_up = False
        self._control: dict[str, dict[str, Record[Any]]] = {}
        """the second segment of a control record's key → those records by key"""
        for key, record in board.region(CONTROL_REGION).items():
            self._control.setdefault(key[len(CONTROL) :].partition("/")[0], {})[key] = record

    def get(self, key: str) -> Record[Any] | None:
        self._spend()
        record = self._board.region(region_of(key)).get(key)
        return record if record is not None and self._stands(record) and self._is_told(record) else None

    def find(self, pattern: Pattern) -> list[Record[Any]]:
        """The records whose keys fit ``pattern``: who asks matches them once more.

        One question takes about a third of the looks that are left when it is asked: some are needed for what it finds.
        """
        found = []
        for at, (key, record) in enumerate(self._records_for(pattern).items()):
            if at % SLICE == 0 and at >= self._left / 2:
                self.gave_up = True
                break
            self._spend()
            if pattern.match_key(key) is not None and self._stands(record) and self._is_told(record):
                found.append(record)
        return found

    def control(self, prefix: str) -> Iterator[tuple[str, Record[Any]]]:
        """The control records under ``prefix``, by the rest of their keys, whatever they hold; see :meth:`sound`."""
        for key, record in self._control.get(prefix[len(CONTROL) :].strip("/"), {}).items():
            self._spend()
            if key.startswith(prefix) and self._stands(record):
                yield key.removeprefix(prefix), record

    def sound(self, record: Record[Any]) -> Any:
        """The value of a control record, ``None`` where it is not what the runtime writes."""
        self._spend(CHECKING)
        try:
            return checked(record).value
        except Corrupt:
            return None

    def value(self, key: str) -> Any:
        """The value of the control record at ``key``, ``None`` where there is none or it is not sound."""
        record = self.get(key)
        return record.value if record is not None else None

    def count_no_more(self) -> None:
        """What is left to do is little: let it be done."""
        self._left = float("inf")

    def _records_for(self, pattern: Pattern) -> Mapping[str, Record[Any]]:
        segments = pattern.segments
        if pattern.region == CONTROL_REGION and len(segments) > 1 and segments[1].kind == "literal":
            return self._control.get(segments[1].text, {})
        return self._board.region(pattern.region)

    def _spend(self, steps: int = 1) -> None:
        self._left -= steps
        if self._left < 0:
            self.gave_up = True
            self.count_no_more()
            raise GaveUp

    def _is_told(self, record: Record[Any]) -> bool:
        """Whether a control record can be read; of activations, which are many, only that it is a mapping is asked."""
        if not record.key.startswith(CONTROL):
            return True
        if record.key.startswith(ACTIVATIONS):
            return isinstance(record.value, dict)
        return self.sound(record) is not None

    def _stands(self, record: Record[Any]) -> bool:
        try:
            record.value  # noqa: B018  # raises where it does not decode
        except Corrupt:
            return False
        return not 0 < record.expires_ms <= self._now_ms
