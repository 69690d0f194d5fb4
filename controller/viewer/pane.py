"""What the screen draws: rows, of which only those in sight are asked for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Protocol

if TYPE_CHECKING:
    from controller.viewer.filtering import Filter
    from controller.viewer.line import Line
    from controller.viewer.target import Target

LIT_MS: Final = 2_000
"""how long what has changed is lit"""


class Rows(Protocol):
    """Lines under a title.  Rows are numbered from 0; what a row is about stays the same wherever it moves."""

    @property
    def title(self) -> str:
        """What stands in the frame, such as ``Board · 1,204 records``."""

    def heading(self, width: int) -> Line | None:
        """The names of the columns, where there are any."""

    def __len__(self) -> int: ...

    def line(self, row: int, width: int, now_ms: int) -> Line:
        """One row on at most ``width`` cells; longer ones are cut by who draws."""

    def identity(self, row: int) -> str:
        """What the row is about, as a name that no other row has."""

    def row_of(self, identity: str) -> int | None:
        """Where the row of that name is now."""

    def target(self, row: int) -> Target | None:
        """What enter opens."""

    def text(self, row: int) -> str:
        """What is copied: the key, or the line itself."""


class Pane(Rows, Protocol):
    """One of the views: rows of a model that changes, sorted and filtered as the user likes."""

    name: str
    """as ``:`` takes it: ``board``"""
    sorts: tuple[str, ...]
    """what it can be sorted by, the first unless told"""
    sort: str
    hidden: set[str]
    """the columns that the user does not want"""

    @property
    def columns(self) -> tuple[str, ...]:
        """The names of the columns that can be hidden, in order."""

    @property
    def busy(self) -> bool:
        """Whether there is more to sort, filter or count than :meth:`refresh` does at once: it is called again soon."""

    def sort_by(self, name: str) -> None:
        """Sort by one of :attr:`sorts`."""

    def filter_by(self, wanted: Filter | None) -> None:
        """Show what ``wanted`` accepts, ``None`` for everything."""

    def refresh(self) -> None:
        """Take in what has changed in the model since the last call; the screen calls it before it draws."""
