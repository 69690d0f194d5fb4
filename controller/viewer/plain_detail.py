"""Details that are made of plain rows and need no reading, such as the help."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from controller.viewer.line import plain

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from controller.viewer.line import Line
    from controller.viewer.sight import Sight
    from controller.viewer.target import Target


class Entry(NamedTuple):
    """One row of a listing, under a name that no other row has."""

    name: str
    line: Line
    target: Target | None = None


class PlainDetail:
    """Rows as they are given."""

    def __init__(self, title: str, entries: Sequence[Entry]) -> None:
        self.title = title
        self.about: Target | None = None
        self.actions: Mapping[str, str] = {}
        self.entries = list(entries)

    async def load(self) -> None:
        """Nothing needs to be read."""

    def see(self, sight: Sight) -> None:
        """It is the same at any moment."""

    def concerns(self, key: str) -> bool:
        return False

    async def do(self, action: str) -> None:
        """Nothing can be done but to read it."""

    def fit(self, width: int) -> None:
        """Rows are cut where they are too long."""

    def heading(self, width: int) -> Line | None:
        return None

    def __len__(self) -> int:
        return len(self.entries)

    def line(self, row: int, width: int, now_ms: int) -> Line:
        return self.entries[row].line

    def identity(self, row: int) -> str:
        return self.entries[row].name

    def row_of(self, identity: str) -> int | None:
        return next((row for row, entry in enumerate(self.entries) if entry.name == identity), None)

    def target(self, row: int) -> Target | None:
        return self.entries[row].target

    def text(self, row: int) -> str:
        return plain(self.entries[row].line).strip()
