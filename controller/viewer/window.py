"""The changes that a model keeps, as rows that stay themselves while the oldest leave, and those that a filter accepts."""

from __future__ import annotations

from bisect import bisect_left
from collections import deque
from operator import attrgetter
from typing import TYPE_CHECKING

from controller.viewer.model import MOST_CHANGES
from controller.viewer.telling import author_of, document_of, tell

if TYPE_CHECKING:
    from blackboard.log import Change
    from controller.viewer.filtering import Filter
    from controller.viewer.model import Model
    from controller.viewer.telling import Told

_NUMBER = attrgetter("number")


class Row:
    """One change.  What it says is made when it is first asked for."""

    __slots__ = ("_told", "accepted", "author", "change", "identity", "number")

    def __init__(self, change: Change, number: int) -> None:
        self.change = change
        self.number = number
        """rises from row to row, and stays"""
        self.identity = f"{change.commit or change.revision} {change.key}"
        self.accepted: bool | None = None
        """what the filter said; ``None`` before it was asked"""
        self.author = ""
        self._told: Told | None = None

    @property
    def told(self) -> Told:
        """What the change says; kept, since a repaint asks again."""
        if self._told is None:
            self._told = tell(self.change)
            self.author = author_of(self.change)
        return self._told

    @property
    def text(self) -> str:
        """The row in words."""
        told = self.told
        return f"{self.change.commit} {self.author} {self.change.key} {told.text}"


class Window:
    """Rows for :attr:`Model.changes`, the oldest first: :attr:`shown` are those that the filter accepts so far."""

    def __init__(self, model: Model) -> None:
        self._model = model
        self._wanted: Filter | None = None
        self._rows: list[Row] = []
        self._by_identity: dict[str, Row] = {}
        self._new: deque[Change] = deque(maxlen=MOST_CHANGES)
        self._judged = 0
        """so many rows, from the oldest, have been judged"""
        self.shown: list[Row] = []
        self._read()
        model.subscribe(self._new.append)

    @property
    def count(self) -> int:
        """How many changes are kept."""
        return len(self._rows)

    @property
    def done(self) -> float:
        """The share of them that the filter has judged."""
        return self._judged / len(self._rows) if self._wanted is not None and self._rows else 1.0

    @property
    def stale(self) -> bool:
        """Whether the model has changes that :meth:`follow` did not take in yet, or has lost some."""
        changes, rows = self._model.changes, self._rows
        if not changes or not rows:
            return bool(changes or rows)
        return bool(self._new) or len(changes) != len(rows) or changes[0] is not rows[0].change

    def filter_by(self, wanted: Filter | None) -> None:
        """Show what ``wanted`` accepts; :meth:`judge` finds that out."""
        self._wanted = wanted
        for row in self._rows:
            row.accepted = None
        self._show()

    def place_of(self, identity: str) -> int | None:
        """Where in :attr:`shown` the row of that name is."""
        row = self._by_identity.get(identity)
        if row is None:
            return None
        place = bisect_left(self.shown, row.number, key=_NUMBER)
        return place if place < len(self.shown) and self.shown[place] is row else None

    def follow(self) -> None:
        """Take in what has changed in the model's log."""
        changes = self._model.changes
        new = list(self._new)[-len(changes) :] if changes else []
        self._new.clear()
        gone = len(self._rows) + len(new) - len(changes)
        if not self._leads_on(gone, new):
            self._read()
            return
        self._drop(gone)
        number = self._rows[-1].number if self._rows else 0
        for change in new:
            number += 1
            self._append(Row(change, number))

    def _leads_on(self, gone: int, new: list[Change]) -> bool:
        """Whether the model's log is what is here but for the oldest ``gone``, and then ``new``: no step back was made."""
        changes, rows = self._model.changes, self._rows
        if gone < 0 or not changes:
            return False
        oldest = rows[gone].change if gone < len(rows) else new[0]
        newest = new[-1] if new else rows[-1].change
        return oldest is changes[0] and newest is changes[-1]

    def judge(self, rows: int) -> None:
        """Ask the filter about the next so many rows."""
        if self._wanted is None:
            return
        for row in self._rows[self._judged : self._judged + rows]:
            if row.accepted is None:
                row.accepted = self._wanted.accepts(document_of(row.change), row.text)
            if row.accepted:
                self.shown.append(row)
            self._judged += 1

    def _append(self, row: Row) -> None:
        self._rows.append(row)
        self._by_identity[row.identity] = row

    def _drop(self, gone: int) -> None:
        """Forget the oldest rows."""
        for row in self._rows[:gone]:
            if self._by_identity.get(row.identity) is row:
                del self._by_identity[row.identity]
        accepted = sum(bool(row.accepted) for row in self._rows[: min(gone, self._judged)])
        del self._rows[:gone]
        if self._wanted is not None:
            del self.shown[:accepted]
            self._judged = max(0, self._judged - gone)

    def _read(self) -> None:
        """Begin anew with the changes that there are, keeping the rows of those that were there."""
        former = {id(row.change): row for row in self._rows}
        self._rows, self._by_identity = [], {}
        for number, change in enumerate(self._model.changes):
            row = former.get(id(change)) or Row(change, number)
            row.number = number
            self._append(row)
        self._show()

    def _show(self) -> None:
        """Begin :attr:`shown` anew with what was judged already."""
        self._judged = 0
        if self._wanted is None:
            self.shown = self._rows
            return
        self.shown = []
        judged = next((place for place, row in enumerate(self._rows) if row.accepted is None), len(self._rows))
        self.judge(judged)
