"""A list to choose one from, a line each; only the lines in sight are drawn."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from rich.cells import cell_len
from rich.segment import Segment
from rich.style import Style
from textual.geometry import Region, Size
from textual.message import Message
from textual.reactive import reactive
from textual.scroll_view import ScrollView
from textual.strip import Strip

from blackboard.terminal import sanitize
from controller.viewer.app.passing_on import passed_on
from controller.viewer.line import cut

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from textual import events

_MARKED: Final = "●"
_UNMARKED: Final = "○"
_MARKS: Final = 4
"""cells before a label"""
_MOVES: Final = {"up": -1, "k": -1, "down": 1, "j": 1}
_PAGES: Final = {"pageup": -1, "pagedown": 1}
_ENDS: Final = {"home": 0, "g": 0, "end": -1, "G": -1}
_NUMBERED: Final = 9
"""of the lines that a digit chooses"""


class Choices(ScrollView, can_focus=True):
    """``labels`` to choose from: by arrows, ``j`` ``k``, digits and mouse; nothing is chosen until somebody does.

    Those at the places of ``headings`` stand above others, and cannot be chosen.  ``changed`` is called when another
    one is.
    """

    DEFAULT_CSS = """
    Choices { height: auto; width: 1fr; overflow-x: hidden; scrollbar-size-vertical: 1; }
    """
    chosen: reactive[int | None] = reactive(None)

    class Picked(Message):
        """One is chosen outright, by its digit or by the mouse: where nothing else is asked, that is all."""

    def __init__(
        self,
        labels: Sequence[str],
        chosen: int | None = None,
        *,
        headings: frozenset[int] = frozenset(),
        changed: Callable[[], None] | None = None,
        id: str | None = None,  # noqa: A002  # as every widget names it
    ) -> None:
        super().__init__(id=id)
        self.labels = tuple(labels)
        self._changed = changed
        self._open = [place for place in range(len(self.labels)) if place not in headings]
        """the places that can be chosen"""
        self._numbers = {place: number for number, place in enumerate(self._open)}
        self.set_reactive(Choices.chosen, chosen)
        self.virtual_size = Size(0, len(self.labels))

    @property
    def label(self) -> str:
        """What is chosen, ``""`` for nothing."""
        return self.labels[self.chosen] if self.chosen is not None else ""

    @property
    def is_cut(self) -> bool:
        """Whether the line of what is chosen is too short for it."""
        return 0 < self.size.width < cell_len(sanitize(self.label)) + _MARKS

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:
        """One line for each label; the style says how many of them are in sight."""
        return len(self.labels)

    def on_mount(self) -> None:
        self.call_after_refresh(self._into_sight)

    def on_resize(self, event: events.Resize) -> None:
        self.virtual_size = Size(event.size.width, len(self.labels))
        self._into_sight()

    def watch_chosen(self) -> None:
        self._into_sight()
        self.refresh()
        if self._changed is not None:
            self._changed()

    async def _on_key(self, event: events.Key) -> None:
        if passed_on(self, event):
            return
        if event.key.isdecimal() and 0 < int(event.key) <= _NUMBERED:
            self.pick(int(event.key) - 1)
        elif event.key in _MOVES:
            self.move(_MOVES[event.key])
        elif event.key in _PAGES:
            self.move(_PAGES[event.key] * max(1, self.size.height - 1))
        elif event.key in _ENDS:
            self.to(_ENDS[event.key])
        else:
            return
        event.stop()
        event.prevent_default()

    def move(self, by: int) -> None:
        """Choose the next in a direction; the first one where nothing is chosen."""
        at = self._numbers[self.chosen] if self.chosen is not None else -max(by, 1)
        self.to(min(max(at + by, 0), len(self._open) - 1))

    def to(self, number: int) -> None:
        """Choose the one of that number, from 0, or from the end where it is below 0; nothing where there is none."""
        if number < len(self._open):
            self.chosen = self._open[number]

    def pick(self, number: int) -> None:
        """Choose the one of that number outright."""
        if number < len(self._open):
            self.chosen = self._open[number]
            self.post_message(self.Picked())

    def on_click(self, event: events.Click) -> None:
        event.stop()
        place = event.y + self.scroll_offset.y
        if place in self._numbers:
            self.pick(self._numbers[place])

    def render_line(self, y: int) -> Strip:
        """The label in line ``y``, with its mark and, for the first nine, its digit."""
        place, width = y + self.scroll_offset.y, self.size.width
        style = self.rich_style
        if place >= len(self.labels):
            return Strip.blank(width, style)
        if place not in self._numbers:
            return Strip([Segment(cut(self.labels[place], width), style + Style(bold=True))], width)
        is_chosen, number = place == self.chosen, self._numbers[place] + 1
        shown = str(number) if number <= _NUMBERED else " "
        if is_chosen:
            style += Style(reverse=True) if self.has_focus else Style(bold=True)
        text = cut(f"{_MARKED if is_chosen else _UNMARKED} {shown} {self.labels[place]}", width)
        return Strip([Segment(text, style)], width)

    def on_focus(self) -> None:
        self.refresh()

    def on_blur(self) -> None:
        self.refresh()

    def _into_sight(self) -> None:
        if self.chosen is not None:
            first = self.chosen if self.chosen > self._open[0] else 0
            self.scroll_to_region(Region(0, first, max(1, self.size.width), 1 + self.chosen - first), animate=False)
