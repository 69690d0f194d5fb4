"""A list to choose one from, a line each; only the lines in sight are drawn."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Final

from rich.cells import cell_len
from rich.segment import Segment
from rich.style import Style
from textual.geometry import Region, Size
from textual.message import Message
from textual.reactive import reactive
from textual.scroll_view import ScrollView
from textual.strip import Strip

from blackboard.terminal import sanitize
from controller.viewer.line import cut

if TYPE_CHECKING:
    from collections.abc import Sequence

    from textual import events
    from textual.binding import BindingType

_MARKED: Final = "●"
_UNMARKED: Final = "○"
_MARKS: Final = 4
"""cells before a label"""
_NUMBERED: Final = 9
"""of the lines that a digit chooses"""


class Choices(ScrollView, can_focus=True):
    """``labels`` to choose from: by arrows, ``j`` ``k``, digits and mouse; nothing is chosen until somebody does.

    Those at the places of ``headings`` stand above others, and cannot be chosen.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        ("up,k", "move(-1)", "previous"),
        ("down,j", "move(1)", "next"),
        ("home,g", "to(0)", "first"),
        ("end,G", "to(-1)", "last"),
        ("pageup", "page(-1)", "page up"),
        ("pagedown", "page(1)", "page down"),
        *[(str(number), f"pick({number - 1})", "") for number in range(1, _NUMBERED + 1)],
    ]
    DEFAULT_CSS = """
    Choices { height: auto; width: 1fr; overflow-x: hidden; scrollbar-size-vertical: 1; }
    """
    chosen: reactive[int | None] = reactive(None)

    class Changed(Message):
        """Another one is chosen."""

        def __init__(self, choices: Choices) -> None:
            super().__init__()
            self.choices = choices

        @property
        def control(self) -> Choices:
            return self.choices

    class Picked(Message):
        """One is chosen outright, by its digit or by the mouse: where nothing else is asked, that is all."""

    def __init__(
        self,
        labels: Sequence[str],
        chosen: int | None = None,
        *,
        headings: frozenset[int] = frozenset(),
        id: str | None = None,  # noqa: A002  # as every widget names it
    ) -> None:
        super().__init__(id=id)
        self.labels = tuple(labels)
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
        self.post_message(self.Changed(self))

    def action_move(self, by: int) -> None:
        """Choose the next in a direction; the first one where nothing is chosen."""
        at = self._numbers[self.chosen] if self.chosen is not None else -max(by, 1)
        self.action_to(min(max(at + by, 0), len(self._open) - 1))

    def action_page(self, by: int) -> None:
        self.action_move(by * max(1, self.size.height - 1))

    def action_to(self, number: int) -> None:
        """Choose the one of that number, from 0, or from the end where it is below 0; nothing where there is none."""
        if number < len(self._open):
            self.chosen = self._open[number]

    def action_pick(self, number: int) -> None:
        """Choose the one of that number outright."""
        if number < len(self._open):
            self.chosen = self._open[number]
            self.post_message(self.Picked())

    def on_click(self, event: events.Click) -> None:
        event.stop()
        place = event.y + self.scroll_offset.y
        if place in self._numbers:
            self.action_pick(self._numbers[place])

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
