"""The Board: its records by region, what has just changed lit."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from blackboard.errors import Corrupt
from blackboard.keys import CONTROL_REGION
from blackboard.wording import counted, span
from controller.viewer.arrangement import ORDERS, Arrangement, group_of
from controller.viewer.excerpt import excerpt
from controller.viewer.line import Column, Span, fitted, headings, line, row, said
from controller.viewer.newest import NewestChanges
from controller.viewer.outline import Outline
from controller.viewer.pane import LIT_MS
from controller.viewer.target import Target, target_of

if TYPE_CHECKING:
    from collections.abc import Iterable

    from blackboard.log import Change
    from blackboard.record import Record
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
ALONE: Final = "keys of one segment"
"""what the group of those is called"""
_GROUP: Final = "region "
"""how the identity of a group begins; no key has a space"""
_COLUMNS: Final = (
    Column("key", 18, share=2),
    Column("value", 16, share=4),
    Column("version", 7, right=True),
    Column("author", 10, share=1),
    Column("age", 6, right=True),
    Column("size", 10, right=True),
)


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
        self._behind = False
        self._newest = NewestChanges()
        self._excerpts: dict[str, tuple[str, Span]] = {}
        self._left_out: frozenset[str] = frozenset()
        self._outline = Outline()
        self._laid_out: object = None
        """what :attr:`_outline` was made of"""
        self._arrange()
        model.subscribe(self._note)

    @property
    def busy(self) -> bool:
        """Whether the last :meth:`refresh` left a part for the next one, which is to be called soon."""
        return self._shown.done < 1 or self._behind

    @property
    def title(self) -> str:
        """How many records there are, or are accepted, and how far a filter or an order has got."""
        own = len(self._by_key.groups.get(CONTROL_REGION, ()))
        parts = ["Board", counted(self._by_key.count - own, "record")]
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
        return len(self._outline)

    def line(self, row: int, width: int, now_ms: int) -> Line:
        """A region with its count and its newest change, or a record."""
        group, key = self._at(row)
        if key is None:
            return self._group_line(group, now_ms)
        return self._record_line(key, width, now_ms)

    def identity(self, row: int) -> str:
        """The key of a record, ``region …`` for a region's line."""
        group, key = self._at(row)
        return _group_identity(group) if key is None else key

    def row_of(self, identity: str) -> int | None:
        """Where that record or region is; ``None`` for one that is not shown or in a folded region."""
        found = self._shown.item(identity)
        if found is None:
            return self._outline.start_of(identity.removeprefix(_GROUP)) if identity.startswith(_GROUP) else None
        group, item = found
        start, place = self._outline.start_of(group), self._shown.groups[group].place_of(item)
        if start is None or place is None or self._hides(group):
            return None
        return start + self._grouped + place

    def target(self, row: int) -> Target | None:
        """The record, or what it tells of; a region opens nothing."""
        _, key = self._at(row)
        if key is None:
            return None
        return Target("record", key) if key in self._model.unsound else target_of(key)

    def text(self, row: int) -> str:
        """The key, or the name of the region."""
        group, key = self._at(row)
        return (group or ALONE) if key is None else key

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
        if not self._grouped and self._without() != self._left_out:
            self._rearrange()
        self._shown.work(self._take_in(STEPS_A_CALL))
        self._behind = bool(self._dirty)
        self._arrange()

    @property
    def _grouped(self) -> bool:
        return self.sort != "newest"

    def _note(self, change: Change) -> None:
        self._dirty.add(change.key)
        if len(self._dirty) >= MOST_DIRTY:  # nobody looks at this pane
            self._take_in(STEPS_A_CALL)
        self._newest.note(change)

    def _take_in(self, steps: int) -> int:
        """Put what has changed in its place, for about so many steps; returns how many are left."""
        while self._dirty and steps > 0:
            key = self._dirty.pop()
            self._by_key.place(key)
            steps -= self._shown.place(key) if self._shown is not self._by_key else 2
        return steps

    def _rearrange(self) -> None:
        self._left_out = self._without()
        if self.sort == self.sorts[0] and self._wanted is None:
            self._shown = self._by_key
        else:
            self._shown = Arrangement(
                self._model, ORDERS[self.sort], self._wanted, grouped=self._grouped, without=self._left_out
            )
            self._shown.work(STEPS_A_CALL)
        self._arrange()

    def _arrange(self) -> None:
        """Lay the groups out one under the other, if that is not how they are."""
        made_of = (self._shown, self._shown.moves, frozenset(self.folded))
        if made_of == self._laid_out:
            return
        self._laid_out = made_of
        names = sorted(self._shown.groups, key=lambda name: (name == CONTROL_REGION, name))
        self._outline = Outline(
            (name, self._grouped + (0 if self._hides(name) else len(self._shown.groups[name]))) for name in names
        )

    def _without(self) -> frozenset[str]:
        """What a list without groups leaves out, since there is no line to unfold it."""
        return frozenset({CONTROL_REGION} if not self._grouped and self._is_folded(CONTROL_REGION) else ())

    def _is_folded(self, region: str) -> bool:
        """Whether only the line of ``region`` is shown; a pattern that asks for the region unfolds it."""
        asked = self._wanted is not None and self._wanted.pattern is not None and self._wanted.pattern.region == region
        return region in self.folded and not asked

    def _hides(self, group: str) -> bool:
        """Whether the records of ``group`` have no rows; the one group of a list without groups always shows them."""
        return self._grouped and self._is_folded(group)

    def _at(self, row: int) -> tuple[str, str | None]:
        """The group of ``row``, and the key of the record there; ``None`` for the group's own line."""
        name, offset = self._outline.at(row)
        if self._grouped and not offset:
            return name, None
        key = self._shown.groups[name][offset - self._grouped][1]
        return group_of(key), key

    def _columns(self) -> list[Column]:
        hidden = self.hidden - {self.sort}
        return [column for column in _COLUMNS if column.name not in hidden]

    def _group_line(self, group: str, now_ms: int) -> Line:
        count = f"{len(self._by_key.groups.get(group, ())):,}"
        if self._wanted is not None:
            count = f"{len(self._shown.groups[group]):,} of {count}"
        mark, name = "▸" if self._is_folded(group) else "▾", group[:MOST_SHOWN] or ALONE
        spans = [said(f"{mark} {name}", "title"), said(f"  {count}", "dim")]
        newest = self._newest.of(group, self._records_of(group))
        if newest is not None:
            lit: Meaning = "lit" if now_ms - newest.time_ms < LIT_MS else "dim"
            author = _author(self._model.get(newest.key))
            how = " removed" if newest.removed else f" by {author}" if author != "-" else ""
            spans.append(said(f"  {newest.key[:MOST_SHOWN]}{how}, {span(now_ms - newest.time_ms)} ago", lit))
        return line(*spans)

    def _records_of(self, group: str) -> Iterable[Record[Any]]:
        region = self._model.regions.get(group, {})
        if group and group not in region:
            return region.values()
        found = (self._model.get(key) for _, key in self._by_key.groups.get(group, ()))
        return (record for record in found if record is not None)

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
        wrong = self._model.unsound.get(record.key)
        if wrong is not None:
            return said(wrong[:MOST_SHOWN], "bad")
        commit, value = self._excerpts.get(record.key, ("", Span("")))
        if commit != record.commit:
            try:
                value = said(excerpt(record, MOST_SHOWN))
            except (Corrupt, ValueError, TypeError) as error:
                value = said(str(error)[:MOST_SHOWN], "bad")
            if len(self._excerpts) >= MOST_KEPT:
                self._excerpts.clear()
            self._excerpts[record.key] = (record.commit, value)
        return value


def _group_identity(group: str) -> str:
    return _GROUP + group


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
