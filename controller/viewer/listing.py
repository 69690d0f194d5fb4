"""What a pane lists, kept in order: a change costs the same however many there are."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Generic, TypeAlias, TypeVar

from controller.viewer.ordered import Ordered

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

T = TypeVar("T")
Place: TypeAlias = tuple[Any, ...]
"""what an item is ordered by; no two items have the same, and all can be compared"""


class Listing(Generic[T]):
    """Items by identity, in the order of their places; one that has no place is kept and not listed."""

    def __init__(self, place: Callable[[str, T], Place | None]) -> None:
        self._place = place
        self._items: dict[str, T] = {}
        self._placed: dict[str, Place] = {}
        self._order: Ordered[tuple[Place, str]] = Ordered()

    def __len__(self) -> int:
        return len(self._order)

    @property
    def count(self) -> int:
        """How many there are, those that are not listed among them."""
        return len(self._items)

    def get(self, identity: str) -> T | None:
        """What has that identity, listed or not."""
        return self._items.get(identity)

    def put(self, identity: str, item: T) -> None:
        """Take ``item`` in, or in the place of what had its identity."""
        self._items[identity] = item
        place = self._place(identity, item)
        if place != self._placed.get(identity):
            self._take_out(identity)
            if place is not None:
                self._placed[identity] = place
                self._order.add((place, identity))

    def fill(self, items: Mapping[str, T]) -> None:
        """Take many in at once."""
        self._items.update(items)
        self.rearrange()

    def drop(self, identity: str) -> None:
        """Forget what has that identity; nothing happens where nothing has."""
        if self._items.pop(identity, None) is not None:
            self._take_out(identity)

    def rearrange(self) -> None:
        """Ask for every place anew: the order, or what is to be listed, is another one."""
        places = ((identity, self._place(identity, item)) for identity, item in self._items.items())
        self._placed = {identity: place for identity, place in places if place is not None}
        self._order = Ordered((place, identity) for identity, place in self._placed.items())

    def at(self, row: int) -> tuple[str, T]:
        """Identity and item of one row, counted from 0."""
        identity = self._order[row][1]
        return identity, self._items[identity]

    def row_of(self, identity: str) -> int | None:
        """The row of what has that identity, ``None`` where it is not listed."""
        place = self._placed.get(identity)
        return self._order.place_of((place, identity)) if place is not None else None

    def _take_out(self, identity: str) -> None:
        place = self._placed.pop(identity, None)
        if place is not None:
            self._order.remove((place, identity))
