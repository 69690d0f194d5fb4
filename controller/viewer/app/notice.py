"""What has just been done, or could not be, above the keys for as long as it takes to read it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from textual.strip import Strip

from controller.viewer.app.drawing import Drawing, strip_of
from controller.viewer.folding import folded
from controller.viewer.line import said

if TYPE_CHECKING:
    from textual import events
    from textual.timer import Timer

    from controller.viewer.line import Line, Meaning

MOST_LINES: Final = 4
SHOWN_S: Final = 4.0
"""a line; as many more for each line that follows"""


class Notice(Drawing):
    """One sentence, folded into as many lines as it needs; gone after a while."""

    DEFAULT_CSS = "Notice { height: 1; width: 1fr; background: $panel; display: none; }"

    def __init__(self, *, id: str) -> None:  # noqa: A002  Textual's name
        super().__init__(id=id)
        self._lines: list[Line] = []
        self._lasting: tuple[str, Meaning, int] | None = None
        self._timer: Timer | None = None

    def say(self, text: str, meaning: Meaning, width: int, *, lasting: bool = False) -> None:
        """Show ``text`` on ``width`` cells from now on, instead of what was said before.

        What is ``lasting`` is shown again whenever something else has been.
        """
        if lasting:
            self._lasting = text, meaning, width
        self._show(text, meaning, width)
        if self._timer is not None:
            self._timer.stop()
        self._timer = self.set_timer(SHOWN_S * len(self._lines), self._be_gone)

    def _show(self, text: str, meaning: Meaning, width: int) -> None:
        self._lines = folded((said(text[:2_000], meaning),), max(1, width), 0)[:MOST_LINES]
        self.styles.height = len(self._lines)
        self.display = True
        self.refresh()

    def render_line(self, y: int) -> Strip:
        if y < len(self._lines):
            return strip_of(self._lines[y], self.size.width, self.styled)
        return Strip.blank(self.size.width)

    def on_resize(self, event: events.Resize) -> None:
        """Fold what lasts anew."""
        if self._lasting is not None and event.size.width != self._lasting[2]:
            text, meaning, _ = self._lasting
            self._lasting = text, meaning, event.size.width
            self._be_gone()

    def _be_gone(self) -> None:
        if self._lasting is not None:
            self._show(*self._lasting)
        else:
            self.display = False
