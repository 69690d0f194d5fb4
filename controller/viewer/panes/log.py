"""The Log: every commit and every decision, what was refused standing out."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from blackboard.control_records import ATTENTION, PROGRESS
from blackboard.wording import counted
from controller.viewer.amounts import clock
from controller.viewer.line import GAP, Column, Span, fitted, headings, row, said
from controller.viewer.model import MOST_CHANGES
from controller.viewer.pane import LIT_MS
from controller.viewer.target import Target, target_of
from controller.viewer.window import Window

if TYPE_CHECKING:
    from controller.viewer.filtering import Filter
    from controller.viewer.line import Line
    from controller.viewer.model import Model
    from controller.viewer.window import Row

ROWS_A_CALL: Final = 400
"""how many changes a filter judges between two pictures: some 15 ms"""
MOST_SHOWN: Final = 300
"""characters of a key"""
MOST_SAID: Final = 3_000
"""characters of what a change says: more than the widest screen shows"""
_COLUMNS: Final = (Column("time", 8), Column("commit", 8, right=True), Column("who", 10, share=1))
_SAYS: Final = Column("what", 20, share=6)
_MEMBER: Final = re.compile(r"(\S+:\d+):[0-9a-f]{8}\Z")
_OF_ACTIVATION: Final = (PROGRESS, ATTENTION)


class LogPane:
    """A row for each change that the model keeps, in its order or the newest first."""

    name = "log"
    sorts: tuple[str, ...] = ("time", "newest")
    columns = tuple(column.name for column in _COLUMNS)

    def __init__(self, model: Model) -> None:
        self.sort = self.sorts[0]
        self.hidden: set[str] = set()
        self._model = model
        self._wanted: Filter | None = None
        self._window = Window(model)

    @property
    def busy(self) -> bool:
        """Whether a filter is still worked off, so that :meth:`refresh` is to be called again soon."""
        return self._window.done < 1

    @property
    def title(self) -> str:
        """How many changes are kept, or accepted, and how far a filter has got."""
        count = counted(self._window.count, "change")
        if self._wanted is not None:
            count = f"{len(self._window.shown):,} of {count}"
        elif self._window.count == MOST_CHANGES:
            count = f"the newest {count}"
        parts = ["Log", count]
        if self.sort == "newest":
            parts.append("newest first")
        if self.busy:
            parts.append(f"filtering {self._window.done:.0%}")
        return " · ".join(parts)

    def heading(self, width: int) -> Line | None:
        """The names of the columns."""
        columns = self._columns()
        return headings(columns, fitted(columns, width))

    def __len__(self) -> int:
        return len(self._window.shown)

    def line(self, row: int, width: int, now_ms: int) -> Line:
        """When, as which commit, by whom, and what it says."""
        return self._line(self._at(row), width, now_ms)

    def identity(self, row: int) -> str:
        """The commit and the key."""
        return self._at(row).identity

    def row_of(self, identity: str) -> int | None:
        """Where that change is; ``None`` for one that is not kept any more or not accepted."""
        place = self._window.place_of(identity)
        return None if place is None else self._turned(place)

    def target(self, row: int) -> Target | None:
        """The version that was written, or the activation, agent or question that it tells of."""
        change = self._at(row).change
        for prefix in _OF_ACTIVATION:
            if change.key.startswith(prefix):
                return Target("activation", change.key.rpartition("/")[2])
        if change.key in self._model.unsound:
            return Target("record", change.key, change.commit)
        return target_of(change.key, change.commit if change.record is not None else "")

    def text(self, row: int) -> str:
        """The line in words."""
        return self._at(row).text

    def sort_by(self, name: str) -> None:
        """Sort by one of :attr:`sorts`."""
        if name not in self.sorts:
            raise ValueError(f"the log is not sorted by {name}")
        self.sort = name

    def filter_by(self, wanted: Filter | None) -> None:
        """Show what ``wanted`` accepts; what takes long goes on in :meth:`refresh`."""
        self._wanted = wanted
        self._window.filter_by(wanted)
        self._window.judge(ROWS_A_CALL)

    def refresh(self) -> None:
        """Take in the changes, and let a filter judge some."""
        if self._window.stale:
            self._window.follow()
        self._window.judge(ROWS_A_CALL)

    def _at(self, row: int) -> Row:
        if not 0 <= row < len(self._window.shown):
            raise IndexError(row)
        return self._window.shown[self._turned(row)]

    def _turned(self, place: int) -> int:
        return len(self._window.shown) - 1 - place if self.sort == "newest" else place

    def _columns(self) -> list[Column]:
        return [*(column for column in _COLUMNS if column.name not in self.hidden), _SAYS]

    def _line(self, of: Row, width: int, now_ms: int) -> Line:
        change, told = of.change, of.told
        is_new = now_ms - change.time_ms < LIT_MS
        cells = {
            "time": Span(clock(change.time_ms), "lit" if is_new else "dim"),
            "commit": Span(change.commit or f"-{change.revision}", "dim"),
            "who": _who(of.author, is_new=is_new and not told.meaning),
        }
        columns = self._columns()
        widths = fitted(columns, width)
        shown = row(columns[:-1], widths[:-1], [cells[column.name] for column in columns[:-1]])
        key = (said(told.key[:MOST_SHOWN], "lit" if is_new else "name"), Span("  ")) if told.key else ()
        gap = (Span(" " * GAP),) if shown else ()
        return (*shown, *gap, *key, said(told.text[:MOST_SAID], told.meaning or ("lit" if is_new else "")))


def _who(author: str, *, is_new: bool) -> Span:
    """A person or an agent; a process of the runtime stands back, under the part of its name that tells it apart."""
    member = _MEMBER.match(author)
    if member is not None:
        return Span(member[1][:MOST_SHOWN], "dim")
    return Span(author[:MOST_SHOWN], "lit" if is_new else "")
