"""The choice of a pane's columns: enter shows or hides one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from controller.viewer.line import Span, said
from controller.viewer.plain_detail import Entry, PlainDetail

if TYPE_CHECKING:
    from controller.viewer.pane import Pane


class ColumnChoice(PlainDetail):
    """The columns of ``pane``."""

    def __init__(self, pane: Pane) -> None:
        super().__init__(f"Columns · {pane.name}", [])
        self._pane = pane
        self._list()

    def turn(self, row: int) -> None:
        """Hide the column in ``row``, or show it again; the last one stays."""
        name, hidden = self._pane.columns[row], self._pane.hidden
        if name in hidden:
            hidden.discard(name)
        elif len(hidden) + 1 < len(self._pane.columns):
            hidden.add(name)
        self._list()

    def _list(self) -> None:
        self.entries = [
            Entry(name, (Span("  · " if name in self._pane.hidden else "  ✓ ", "good"), said(name)))
            for name in self._pane.columns
        ]
