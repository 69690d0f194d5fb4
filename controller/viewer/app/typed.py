"""A line to type into; what is pasted becomes one line, with nothing in it that acts on a terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual.widgets import Input

from blackboard.terminal import sanitize
from controller.viewer.app.passing_on import passed_on

if TYPE_CHECKING:
    from textual import events


class Typed(Input):
    """One line of text as it was typed; the lines of what is pasted are joined by spaces."""

    DEFAULT_CSS = """
    Typed { width: 1fr; }
    """

    def __init__(self, value: str = "", *, id: str | None = None) -> None:  # noqa: A002  # as every widget names it
        self._given = value
        super().__init__(sanitize(value), id=id, compact=True, select_on_focus=False)

    @property
    def said(self) -> str:
        """What was typed; as long as nothing was, what stood there at first, to the letter."""
        return self._given if self.value == sanitize(self._given) else self.value

    def validate_value(self, value: str) -> str:
        """Whoever sets it, nothing in it acts on the terminal: the widget draws it as it is."""
        return sanitize(value)

    async def _on_key(self, event: events.Key) -> None:
        passed_on(self, event)

    def _on_paste(self, event: events.Paste) -> None:
        event.stop()
        event.prevent_default()
        self.replace(sanitize(" ".join(event.text.splitlines())), *self.selection)
