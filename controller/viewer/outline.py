"""Groups one under the other, each a line of its own and the rows under it: which row belongs where."""

from __future__ import annotations

from bisect import bisect_right
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable


class Outline:
    """``groups`` from the top, each with its number of rows, its own line among them."""

    def __init__(self, groups: Iterable[tuple[str, int]] = ()) -> None:
        self._names: list[str] = []
        self._starts: list[int] = []
        self._start_of: dict[str, int] = {}
        self._length = 0
        for name, rows in groups:
            self._names.append(name)
            self._starts.append(self._length)
            self._start_of[name] = self._length
            self._length += rows

    def __len__(self) -> int:
        return self._length

    def at(self, row: int) -> tuple[str, int]:
        """The group of ``row``, and the place within it, from 0; raises ``IndexError`` beyond the last."""
        if not 0 <= row < self._length:
            raise IndexError(row)
        index = bisect_right(self._starts, row) - 1
        return self._names[index], row - self._starts[index]

    def start_of(self, name: str) -> int | None:
        """The first row of the group of that name, ``None`` where there is none."""
        return self._start_of.get(name)
