"""The one widget that draws: lines under a title, of which only those that changed are painted again."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from rich.cells import cell_len, set_cell_size
from rich.segment import Segment
from textual.geometry import Region
from textual.message import Message
from textual.strip import Strip

from blackboard.terminal import sanitize
from controller.viewer.app.drawing import Drawing, strip_of
from controller.viewer.line import Line, Span

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from textual import events

    from controller.viewer.pane import Rows
    from controller.viewer.target import Target

MARK: Final = "▌"
"""before the line that the keys act on: seen without colours too"""
WHEEL: Final = 3
"""lines a turn of the wheel"""


class _Drawn(NamedTuple):
    """What stands on one line of the screen."""

    line: Line
    mark: str = ""
    under: str = ""
    skipped: int = 0


_NOTHING: Final = _Drawn((), "?")


def _runs(numbers: Iterable[int]) -> Iterator[tuple[int, int]]:
    """Ascending ``numbers`` as runs of neighbours: the first of each, and how many it has."""
    first = count = 0
    for number in numbers:
        if count and number == first + count:
            count += 1
            continue
        if count:
            yield first, count
        first, count = number, 1
    if count:
        yield first, count


class LineView(Drawing, can_focus=True):
    """Rows under their title.  The cursor stays with what somebody put it on, wherever that moves; before, on top."""

    DEFAULT_CSS = "LineView { height: 1fr; width: 1fr; }"

    class Opened(Message):
        """Enter, or a second click, on a line."""

        def __init__(self, view: LineView, target: Target | None) -> None:
            self.view = view
            self.target = target
            super().__init__()

    def __init__(self, rows: Rows, *, id: str) -> None:  # noqa: A002  Textual's name
        super().__init__(id=id)
        self._rows = rows
        self._top = 0
        self._skipped = 0
        self._row = 0
        self._identity = ""
        self._placed = False
        self._drawn: list[_Drawn] = []
        self._strips: list[Strip] = []
        self._heading: Line | None = None
        self._now_ms = 0
        self.following = False
        """whether the cursor stays on the last line"""
        self.only = ""
        """the filter that the rows have passed, for the title"""

    @property
    def rows(self) -> Rows:
        return self._rows

    def show(self, rows: Rows, identity: str = "") -> None:
        """Draw ``rows`` from now on, at their beginning, or with the cursor on that one."""
        self._rows = rows
        self._top = self._skipped = self._row = 0
        self._identity, self._placed = identity, bool(identity)
        self.paint(self._now_ms)

    @property
    def row(self) -> int:
        """The row that the keys act on, -1 where there is none."""
        return self._row if len(self._rows) else -1

    @property
    def identity(self) -> str:
        """What that row is about, ``""`` where there is none."""
        return self._identity if len(self._rows) else ""

    @property
    def target(self) -> Target | None:
        """What that row is about."""
        return self._rows.target(self._row) if len(self._rows) else None

    @property
    def text(self) -> str:
        """What is copied of it."""
        return self._rows.text(self._row) if len(self._rows) else ""

    def go_to(self, row: int) -> None:
        """Put the cursor on ``row``, or on the first or last."""
        count = len(self._rows)
        self._row, self._placed = max(0, min(row, count - 1)), True
        self._identity = self._rows.identity(self._row) if count else ""
        self.paint(self._now_ms)

    def move(self, by: int) -> None:
        """Move the cursor ``by`` rows; upwards ends following."""
        if by < 0:
            self.following = False
        self.go_to(self._row + by)

    def shift(self, by: int) -> None:
        """Move long lines ``by`` cells to the left."""
        self._skipped = max(0, self._skipped + by)
        self.paint(self._now_ms)

    @property
    def page(self) -> int:
        """How many rows are in sight."""
        return max(1, self.size.height - self._above())

    def paint(self, now_ms: int) -> None:
        """Draw again what has changed since the last time."""
        self._now_ms = now_ms
        width, height = self.size
        if not width or not height:
            return
        self._heading = self._rows.heading(width - 1)
        self._keep_place()
        if len(self._drawn) != height or self._strips[0].cell_length != width:
            self._drawn = [_NOTHING] * height
            self._strips = [Strip.blank(width)] * height
        changed = []
        for y, drawn in enumerate(self._wanted(width, height)):
            if self._drawn[y] != drawn:
                self._drawn[y] = drawn
                self._strips[y] = self._strip(drawn, width)
                changed.append(y)
        if changed:
            self.refresh(*(Region(0, first, width, count) for first, count in _runs(changed)))

    def _strip(self, drawn: _Drawn, width: int) -> Strip:
        mark = drawn.mark
        strip = strip_of(drawn.line, width - len(mark), self.styled, skipped=drawn.skipped, under=drawn.under)
        return Strip([Segment(mark, self.styled("name", drawn.under)), *strip], width) if mark else strip

    def repaint(self) -> None:
        """Draw everything again, as after a change of the theme."""
        self._drawn = []
        super().repaint()
        self.paint(self._now_ms)

    def render_line(self, y: int) -> Strip:
        if len(self._strips) != self.size.height:
            self.paint(self._now_ms)
        return self._strips[y] if y < len(self._strips) else Strip.blank(self.size.width)

    def _above(self) -> int:
        """Lines above the rows: the title, and the headings where there are any."""
        return 1 if self._heading is None else 2

    def _keep_place(self) -> None:
        """The cursor on what it was on; the top so that it is in sight."""
        count, page = len(self._rows), self.page
        if self.following:
            self._row = max(0, count - 1)
        elif self._identity and self._placed:
            found = self._rows.row_of(self._identity)
            if found is not None:
                self._top += found - self._row
                self._row = found
        self._row = max(0, min(self._row, count - 1))
        self._identity = self._rows.identity(self._row) if count else ""
        self._top = max(min(self._top, self._row, max(0, count - page)), self._row - page + 1, 0)

    def _wanted(self, width: int, height: int) -> list[_Drawn]:
        drawn = [_Drawn(self._title_line(width))]
        if self._heading is not None:
            drawn.append(_Drawn((Span(" "), *self._heading), skipped=self._skipped))
        for row in range(self._top, min(len(self._rows), self._top + height - len(drawn))):
            here = row == self._row and self.has_focus
            line = self._rows.line(row, width - 1 + self._skipped, self._now_ms)
            drawn.append(_Drawn(line, MARK if here else " ", "cursor" if here else "", self._skipped))
        drawn += [_Drawn(())] * (height - len(drawn))
        return drawn[:height]

    def _title_line(self, width: int) -> Line:
        count, page = len(self._rows), self.page
        place = f" {min(self._top + page, count):,}/{count:,} " if count > page else ""
        rule = "━" if self.has_focus else "─"
        title = sanitize(f"{self._rows.title} · only {self.only}" if self.only else self._rows.title)
        room = max(0, width - 4 - len(place))
        if cell_len(title) > room:
            title = set_cell_size(title, room)
        filling = max(0, width - 3 - cell_len(title) - len(place))
        return (
            Span(f"{rule} ", "frame"),
            Span(title, "title"),
            Span(f" {rule * filling}", "frame"),
            Span(place, "dim"),
        )

    def on_focus(self) -> None:
        self.paint(self._now_ms)

    def on_blur(self) -> None:
        self.paint(self._now_ms)

    def on_resize(self) -> None:
        self.paint(self._now_ms)

    def on_mouse_scroll_down(self) -> None:
        self.move(WHEEL)

    def on_mouse_scroll_up(self) -> None:
        self.move(-WHEEL)

    def on_click(self, event: events.Click) -> None:
        """Put the cursor on the line that was clicked; a second click opens it."""
        row = self._top + event.y - self._above()
        if not self._top <= row < len(self._rows):
            return
        before, self.following = self._row, False
        self.go_to(row)
        if row == before and event.chain > 1:
            self.post_message(self.Opened(self, self.target))
