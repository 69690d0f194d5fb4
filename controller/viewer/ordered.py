"""Many items kept in order, where a change costs the same whether there are a hundred or a hundred thousand."""

from __future__ import annotations

from bisect import bisect_left, bisect_right, insort
from itertools import accumulate
from typing import TYPE_CHECKING, Final, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from _typeshed import SupportsRichComparison

T = TypeVar("T", bound="SupportsRichComparison")
CHUNK: Final = 512


class Ordered(Generic[T]):
    """Items that all differ, sorted, by place and by value: chunks of a list, each short enough to insert into."""

    __slots__ = ("_chunks", "_lasts", "_length", "_starts")

    def __init__(self, items: Iterable[T] = ()) -> None:
        whole = sorted(items)
        self._chunks = [whole[start : start + CHUNK] for start in range(0, len(whole), CHUNK)]
        self._lasts = [chunk[-1] for chunk in self._chunks]
        self._length = len(whole)
        self._starts: list[int] | None = None
        """where each chunk begins; ``None`` since a change"""

    def __len__(self) -> int:
        return self._length

    def __iter__(self) -> Iterator[T]:
        return (item for chunk in self._chunks for item in chunk)

    def __getitem__(self, place: int) -> T:
        """The item at ``place``, from 0; raises ``IndexError`` beyond the last."""
        if not 0 <= place < self._length:
            raise IndexError(place)
        starts = self._begins()
        at = bisect_right(starts, place) - 1
        return self._chunks[at][place - starts[at]]

    def place_of(self, item: T) -> int | None:
        """Where ``item`` is, ``None`` where it is not there."""
        at = bisect_left(self._lasts, item)
        if at == len(self._chunks):
            return None
        within = bisect_left(self._chunks[at], item)
        return self._begins()[at] + within if self._chunks[at][within] == item else None

    def add(self, item: T) -> None:
        """Put ``item`` in its place; it is not there yet."""
        self._starts = None
        self._length += 1
        if not self._chunks:
            self._chunks.append([item])
            self._lasts.append(item)
            return
        at = min(bisect_left(self._lasts, item), len(self._chunks) - 1)
        chunk = self._chunks[at]
        insort(chunk, item)
        if len(chunk) > 2 * CHUNK:
            self._chunks[at : at + 1] = [chunk[:CHUNK], chunk[CHUNK:]]
            self._lasts[at : at + 1] = [chunk[CHUNK - 1], chunk[-1]]
        else:
            self._lasts[at] = chunk[-1]

    def remove(self, item: T) -> None:
        """Take ``item`` out, which is there."""
        self._starts = None
        self._length -= 1
        at = bisect_left(self._lasts, item)
        chunk = self._chunks[at]
        del chunk[bisect_left(chunk, item)]
        if chunk:
            self._lasts[at] = chunk[-1]
        else:
            del self._chunks[at], self._lasts[at]

    def _begins(self) -> list[int]:
        if self._starts is None:
            self._starts = list(accumulate(map(len, self._chunks), initial=0))[:-1]
        return self._starts
