"""What the panes have in common that list items of one kind: order, filter, columns that fit the width."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any, Generic, NamedTuple, TypeVar

from controller.viewer.line import Column, Line, Span, fitted, headings
from controller.viewer.line import row as joined
from controller.viewer.listing import Listing, Place

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from controller.viewer.filtering import Filter
    from controller.viewer.model import Model
    from controller.viewer.target import Target

T = TypeVar("T")


class Cell(NamedTuple):
    """A column of a pane, drawn from ``least`` cells of width on."""

    column: Column
    least: int = 0


class ListedPane(ABC, Generic[T]):
    """A :class:`controller.viewer.pane.Pane` of items by identity; what is listed and how, the panes say."""

    name: str
    sorts: tuple[str, ...]
    cells: tuple[Cell, ...]

    def __init__(self, model: Model) -> None:
        self.sort = self.sorts[0]
        self.hidden: set[str] = set()
        self._model = model
        self._wanted: Filter | None = None
        self._listing: Listing[T] = Listing(self._placed)
        self._layout: tuple[tuple[int, frozenset[str]], tuple[Column, ...], list[int]] | None = None

    @property
    def columns(self) -> tuple[str, ...]:
        """The names of the columns that can be hidden."""
        return tuple(cell.column.name for cell in self.cells)

    @property
    def busy(self) -> bool:
        """There is never more to do than one call of :meth:`refresh` does."""
        return False

    @property
    @abstractmethod
    def title(self) -> str:
        """What stands in the frame."""

    @abstractmethod
    def refresh(self) -> None:
        """Take in what has changed in the model since the last call."""

    @abstractmethod
    def place(self, identity: str, item: T) -> Place:
        """What the item is ordered by as things are sorted now."""

    @abstractmethod
    def told(self, identity: str, item: T, now_ms: int) -> Mapping[str, Span]:
        """Its cells by the name of the column."""

    @abstractmethod
    def document(self, identity: str, item: T) -> Mapping[str, Any]:
        """What a condition of ``/`` can speak of."""

    @abstractmethod
    def words(self, identity: str, item: T) -> str:
        """What a bare word of ``/`` is looked for in."""

    @abstractmethod
    def target_of(self, identity: str, item: T) -> Target | None:
        """What enter opens."""

    def sort_by(self, name: str) -> None:
        """Sort by one of :attr:`sorts`; raises ``ValueError`` for any other name."""
        self.sort = self.sorts[self.sorts.index(name)]
        self._listing.rearrange()

    def filter_by(self, wanted: Filter | None) -> None:
        """List what ``wanted`` accepts, ``None`` for everything."""
        self._wanted = wanted
        self._listing.rearrange()

    def heading(self, width: int) -> Line | None:
        """The names of the columns."""
        return headings(*self._fitted(width))

    def __len__(self) -> int:
        return len(self._listing)

    def line(self, row: int, width: int, now_ms: int) -> Line:
        """One row on at most ``width`` cells."""
        columns, widths = self._fitted(width)
        told = self.told(*self._listing.at(row), now_ms)
        return joined(columns, widths, [told[column.name] for column in columns])

    def identity(self, row: int) -> str:
        """What the row is about, as a name that no other row has."""
        return self._listing.at(row)[0]

    def row_of(self, identity: str) -> int | None:
        """Where the row of that name is now."""
        return self._listing.row_of(identity)

    def target(self, row: int) -> Target | None:
        """What enter opens."""
        return self.target_of(*self._listing.at(row))

    def text(self, row: int) -> str:
        """What is copied: the name of what the row is about."""
        target = self.target(row)
        return target.name if target is not None else self.words(*self._listing.at(row))

    def _placed(self, identity: str, item: T) -> Place | None:
        return self.place(identity, item) if self._wanted is None or self._accepts(identity, item) else None

    def _accepts(self, identity: str, item: T) -> bool:
        assert self._wanted is not None  # noqa: S101  # asked only where something is wanted
        return self._wanted.accepts(self.document(identity, item), self.words(identity, item))

    def _fitted(self, width: int) -> tuple[Sequence[Column], Sequence[int]]:
        asked = width, frozenset(self.hidden)
        if self._layout is None or self._layout[0] != asked:
            columns = tuple(
                cell.column for cell in self.cells if cell.least <= width and cell.column.name not in self.hidden
            )
            self._layout = asked, columns, fitted(columns, width)
        return self._layout[1], self._layout[2]
