"""The lines above and below the views: one line each, drawn through the same gate; words on it can be clicked."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from rich.cells import cell_len
from textual.message import Message
from textual.strip import Strip

from controller.viewer.app.drawing import Drawing, strip_of
from controller.viewer.line import Span

if TYPE_CHECKING:
    from collections.abc import Sequence

    from textual import events

    from controller.viewer.line import Line


class Word(NamedTuple):
    """Something that can be done: its key, a word for it, and the action of :mod:`controller.viewer.keys`."""

    key: str
    word: str
    action: str
    lit: bool = False


class Bar(Drawing):
    """One line."""

    DEFAULT_CSS = "Bar { height: 1; width: 1fr; background: $panel; }"

    def __init__(self, *, id: str) -> None:  # noqa: A002  Textual's name
        super().__init__(id=id)
        self._line: Line = ()

    def say(self, line: Line) -> None:
        """Show ``line`` from now on."""
        if line != self._line:
            self._line = line
            self.refresh()

    def render_line(self, y: int) -> Strip:
        return strip_of(self._line, self.size.width, self.styled) if y == 0 else Strip.blank(self.size.width)


class WordBar(Bar):
    """Keys with what they do; a click on one does it."""

    class Chosen(Message):
        """A word was clicked."""

        def __init__(self, action: str) -> None:
            self.action = action
            super().__init__()

    def __init__(self, *, id: str) -> None:  # noqa: A002  Textual's name
        super().__init__(id=id)
        self._words: Sequence[Word] = ()

    def offer(self, words: Sequence[Word]) -> None:
        """Show as many of ``words``, the most wanted first, as there is room for."""
        self._words = words
        spans: list[Span] = [Span(" ")]
        for word in words:
            spans += [Span(word.key, "name"), Span(f" {word.word}  ", "lit" if word.lit else "")]
        self.say(tuple(spans))

    def on_click(self, event: events.Click) -> None:
        at = 1
        for word in self._words:
            at += cell_len(word.key) + cell_len(word.word) + 3
            if event.x < at:
                self.post_message(self.Chosen(word.action))
                return
