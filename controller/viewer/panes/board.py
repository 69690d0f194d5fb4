"""The Board: its records by region, what has just changed lit."""

from __future__ import annotations

from bisect import bisect_right
from operator import attrgetter
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from blackboard.errors import Corrupt
from blackboard.keys import CONTROL_REGION, region_of
from blackboard.wording import counted, span
from controller.viewer.arrangement import ORDERS, Arrangement
from controller.viewer.excerpt import excerpt
from controller.viewer.line import Column, Span, fitted, headings, line, row, said
from controller.viewer.pane import LIT_MS
from controller.viewer.target import Target, target_of

if TYPE_CHECKING:
    from blackboard.log import Change
    from blackboard.record import Record
    from controller.viewer.arrangement import Group
    from controller.viewer.filtering import Filter
    from controller.viewer.line import Line, Meaning
    from controller.viewer.model import Model

STEPS_A_CALL: Final = 6_000
"""how much of a new order or filter is worked off between two pictures: some 15 ms"""
MOST_SHOWN: Final = 300
"""characters of a key or a value"""
MOST_KEPT: Final = 1_000
"""excerpts, so that a repaint makes none anew"""
MOST_DIRTY: Final = 20_000
"""changed keys that wait to be taken in"""
INDENT: Final = "  "
_COLUMNS: Final = (
    Column("key", 24, share=2),
    Column("value", 20, share=4),
    Column("version", 7, right=True),
    Column("author", 10, share=1),
    Column("age", 6, right=True),
    Column("size", 10, right=True),
)


class Newest(NamedTuple):
    """What was changed last in a region."""

    key: str
    revision: int
    time_ms: int
    removed: bool


class BoardPane:
    """Records under the line of their region, or all in one list where the newest are to come first."""

    name = "board"
    sorts = tuple(ORDERS)
    columns = tuple(column.name for column in _COLUMNS[1:])

    def __init__(self, model: Model) -> None:
        self.sort = self.sorts[0]
        self.hidden = {"size"}
        self.folded = {CONTROL_REGION}
        """regions of which only the line is shown"""
        self._model = model
        self._wanted: Filter | None = None
        self._by_key = self._shown = Arrangement.by_key(model)
        self._dirty: set[str] = set()
        self._newest: dict[str, Newest] = {}
        self._excerpts: dict[str, tuple[str, Span]] = {}
        self._names: list[str] = []
        """the groups in sight, from the top"""
        self._starts: list[int] = []
        """the row that each begins at"""
        self._length = 0
        self._folded_then: frozenset[str] = frozenset()
        self._arrange()
        model.subscribe(self._note)

    @property
    def busy(self) -> bool:
        """Whether a new order or filter is still worked off, so that :meth:`refresh` is to be called again soon."""
        return self._shown.done < 1 or bool(self._dirty)

    @property
    def title(self) -> str:
        """How many records there are, or are accepted, and how far a filter or an order has got."""
        count = self._model.count
        parts = ["Board", counted(count, "record")]
        if self._wanted is not None:
            parts[1] = f"{self._shown.count:,} of {counted(self._by_key.count, 'record')}"
        if self.sort != self.sorts[0]:
            parts.append("newest first" if self.sort == "newest" else f"by {self.sort}")
        if self._shown.done < 1:
            parts.append(f"{'sorting' if self._wanted is None else 'filtering'} {self._shown.done:.0%}")
        return " · ".join(parts)

    def heading(self, width: int) -> Line | None:
        """The names of the columns."""
        columns = self._columns()
        return headings(columns, fitted(columns, width))

    def __len__(self) -> int:
        return self._length

    def line(self, row: int, width: int, now_ms: int) -> Line:
        """A region with its count and its newest change, or a record."""
        region, key = self._at(row)
        if key is None:
            return self._region_line(region, now_ms)
        return self._record_line(key, width, now_ms)

    def identity(self, row: int) -> str:
        """The key of a record, ``region …`` for a region."""
        region, key = self._at(row)
        return _region_identity(region) if key is None else key

    def row_of(self, identity: str) -> int | None:
        """Where that record or region is; ``None`` for one that is not shown or in a folded region."""
        found = self._shown.item(identity)
        if found is not None:
            group, item = found
            at = self._starts_at(group)
            place = self._shown.groups[group].place_of(item)
            if at is None or place is None:
                return None
            return None if self._is_folded(group) else at + self._grouped + place
        return next(
            (s for name, s in zip(self._names, self._starts, strict=True) if identity == _region_identity(name)), None
        )

    def target(self, row: int) -> Target | None:
        """The record, or what it tells of; a region opens nothing."""
        _, key = self._at(row)
        if key is None:
            return None
        return Target("record", key) if key in self._model.unsound else target_of(key)

    def text(self, row: int) -> str:
        """The key, or the name of the region."""
        region, key = self._at(row)
        return region if key is None else key

    def sort_by(self, name: str) -> None:
        """Sort by one of :attr:`sorts`; what takes long goes on in :meth:`refresh`."""
        if name not in self.sorts:
            raise ValueError(f"the board is not sorted by {name}")
        self.sort = name
        self._rearrange()

    def filter_by(self, wanted: Filter | None) -> None:
        """Show what ``wanted`` accepts; what takes long goes on in :meth:`refresh`."""
        self._wanted = wanted
        self._rearrange()

    def toggle(self, row: int) -> None:
        """Fold the region of ``row``, or unfold it."""
        if self._grouped:
            self.folded ^= {self._at(row)[0]}
            self._arrange()

    def refresh(self) -> None:
        """Take in the changes, and work off a part of a new order or filter."""
        if self._folded_then != self.folded and not self._grouped:
            self._rearrange()
        if not self._dirty and self._shown.done == 1 and self._folded_then == self.folded:
            return
        self._shown.work(self._take_in(STEPS_A_CALL))
        self._arrange()

    @property
    def _grouped(self) -> bool:
        return self.sort != "newest"

    def _note(self, change: Change) -> None:
        self._dirty.add(change.key)
        if len(self._dirty) >= MOST_DIRTY:  # nobody looks at this pane
            self._take_in(STEPS_A_CALL)
        region = region_of(change.key)
        newest, before = self._newest.get(region), change.previous
        if (newest and change.revision < newest.revision) or (before and change.revision < before.revision):
            self._newest.pop(region, None)  # a step back: what was newest before is looked up
        else:
            self._newest[region] = Newest(change.key, change.revision, change.time_ms, change.record is None)

    def _take_in(self, steps: int) -> int:
        """Put what has changed in its place, for about so many steps; returns how many are left."""
        while self._dirty and steps > 0:
            key = self._dirty.pop()
            self._by_key.place(key)
            steps -= self._shown.place(key) if self._shown is not self._by_key else 2
        return steps

    def _rearrange(self) -> None:
        if self.sort == self.sorts[0] and self._wanted is None:
            self._shown = self._by_key
        else:
            without = (
                frozenset(filter(self._is_folded, self.folded & {CONTROL_REGION})) if not self._grouped else frozenset()
            )
            self._shown = Arrangement(
                self._model, ORDERS[self.sort], self._wanted, grouped=self._grouped, without=without
            )
            self._shown.work(STEPS_A_CALL)
        self._arrange()

    def _arrange(self) -> None:
        """Lay the groups out one under the other."""
        self._names = sorted(self._shown.groups, key=lambda name: (name == CONTROL_REGION, name))
        self._starts = []
        start = 0
        for name in self._names:
            self._starts.append(start)
            start += self._grouped + (0 if self._is_folded(name) else len(self._shown.groups[name]))
        self._length = start
        self._folded_then = frozenset(self.folded)

    def _is_folded(self, region: str) -> bool:
        """Whether only the line of ``region`` is shown; a pattern that asks for the region unfolds it."""
        asked = self._wanted is not None and self._wanted.pattern is not None and self._wanted.pattern.region == region
        return region in self.folded and not asked

    def _starts_at(self, name: str) -> int | None:
        return next((start for each, start in zip(self._names, self._starts, strict=True) if each == name), None)

    def _at(self, row: int) -> tuple[str, str | None]:
        """The region of ``row``, and the key of the record there; ``None`` for the region's own line."""
        if not 0 <= row < self._length:
            raise IndexError(row)
        index = bisect_right(self._starts, row) - 1
        name, offset = self._names[index], row - self._starts[index]
        if self._grouped and not offset:
            return name, None
        key = self._group(name)[offset - self._grouped][1]
        return region_of(key), key

    def _group(self, name: str) -> Group:
        return self._shown.groups[name]

    def _columns(self) -> list[Column]:
        hidden = self.hidden - {self.sort}
        return [column for column in _COLUMNS if column.name not in hidden]

    def _region_line(self, region: str, now_ms: int) -> Line:
        there = self._model.regions.get(region, {})
        count = f"{len(there):,}"
        if self._wanted is not None:
            count = f"{len(self._group(region)):,} of {count}"
        spans = [
            said(f"{'▸' if self._is_folded(region) else '▾'} {region[:MOST_SHOWN]}", "title"),
            said(f"  {count}", "dim"),
        ]
        newest = self._newest_of(region)
        if newest is not None:
            lit: Meaning = "lit" if now_ms - newest.time_ms < LIT_MS else "dim"
            record = there.get(newest.key)
            author = _author(record)
            how = " removed" if newest.removed else f" by {author}" if author != "-" else ""
            spans.append(said(f"  {newest.key[:MOST_SHOWN]}{how}, {span(now_ms - newest.time_ms)} ago", lit))
        return line(*spans)

    def _newest_of(self, region: str) -> Newest | None:
        found = self._newest.get(region)
        if found is None and self._model.regions.get(region):
            record = max(self._model.regions[region].values(), key=attrgetter("revision"))
            found = self._newest[region] = Newest(record.key, record.revision, record.time_ms, removed=False)
        return found

    def _record_line(self, key: str, width: int, now_ms: int) -> Line:
        columns = self._columns()
        record = self._model.get(key)
        cells = self._cells(key, record, now_ms)
        return row(columns, fitted(columns, width), [cells[column.name] for column in columns])

    def _cells(self, key: str, record: Record[Any] | None, now_ms: int) -> dict[str, Span]:
        shown = (INDENT if self._grouped else "") + key[:MOST_SHOWN]
        if record is None:  # removed since the last refresh
            return dict.fromkeys(self.columns, Span("")) | {
                "key": Span(shown, "removed"),
                "value": Span("removed", "removed"),
            }
        over = _is_over(record, now_ms)
        lit: Meaning = "dim" if over else "lit" if now_ms - record.time_ms < LIT_MS else ""
        value = Span("its time is over", "dim") if over else self._value(record)
        return {
            "key": Span(shown, lit or "name"),
            "value": Span(value.text, value.meaning or lit),
            "version": Span(f"v{record.version}", "dim"),
            "author": Span(_author(record), "dim" if over else ""),
            "age": Span(span(now_ms - record.time_ms), "dim"),
            "size": Span(f"{len(record.packed):,} B", "dim"),
        }

    def _value(self, record: Record[Any]) -> Span:
        commit, value = self._excerpts.get(record.key, ("", Span("")))
        if commit != record.commit:
            wrong = self._model.unsound.get(record.key)
            try:
                value = said(excerpt(record, MOST_SHOWN)) if wrong is None else said(wrong[:MOST_SHOWN], "bad")
            except (Corrupt, ValueError, TypeError) as error:
                value = said(str(error)[:MOST_SHOWN], "bad")
            if len(self._excerpts) >= MOST_KEPT:
                self._excerpts.clear()
            self._excerpts[record.key] = (record.commit, value)
        return value


def _region_identity(region: str) -> str:
    return f"region {region}"  # no key has a space


def _author(record: Record[Any] | None) -> str:
    try:
        return (record.author[:MOST_SHOWN] if record is not None else "") or "-"
    except Corrupt:
        return "-"


def _is_over(record: Record[Any], now_ms: int) -> bool:
    try:
        return 0 < record.expires_ms <= now_ms
    except Corrupt:
        return False
