"""Each id's beginning that no other has, kept up as ids come."""

from __future__ import annotations

from itertools import takewhile
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

SHORT_ID: Final = 8
"""characters of an id that are shown where they are enough to tell it from the others"""


class ShortIds:
    """Beginnings of one length for all; it grows where two ids have the same, and stays."""

    def __init__(self, shortest: int = SHORT_ID) -> None:
        self.length = shortest
        self._ids: dict[str, str] = {}
        """by their beginning"""

    def add(self, identity: str) -> None:
        """Tell ``identity`` from all others from now on."""
        other = self._ids.setdefault(identity[: self.length], identity)
        if other != identity:
            alike = takewhile(lambda pair: pair[0] == pair[1], zip(identity, other, strict=False))
            self.length = sum(1 for _ in alike) + 1
            self._ids = {one[: self.length]: one for one in (*self._ids.values(), identity)}

    def of(self, identity: str) -> str:
        """The beginning of ``identity`` that is shown."""
        return identity[: self.length]


def short_ids(ids: Iterable[str]) -> Mapping[str, str]:
    """Each id's beginning that no other of them has."""
    short, listed = ShortIds(), list(ids)
    for identity in listed:
        short.add(identity)
    return {identity: short.of(identity) for identity in listed}
