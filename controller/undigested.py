"""Matches over their agent's token budget: they wait, on no agenda, for the digests that bring them within it."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from knowledge_sources.tokens import Shortage, fit

if TYPE_CHECKING:
    from collections.abc import Callable

    from blackboard.record import Record
    from controller.matching import Match
    from knowledge_sources.tokens import Counter


class Arrival(NamedTuple):
    """A match as it was to be put on the agenda."""

    match: Match
    attempt: int
    not_before_ms: int
    since_ms: int


class Undigested:
    """Who waits for which digest.  Empty, and asked for nothing, where no agent has a token budget."""

    def __init__(self, get: Callable[[str], Record | None], counter: Counter | None) -> None:
        self.waiting: dict[str, tuple[Arrival, Shortage]] = {}
        """by activation"""
        self._get = get
        self._counter = counter
        self._by_key: dict[str, dict[str, None]] = {}

    def hold(self, arrival: Arrival, budget: int) -> bool:
        """Whether ``arrival`` is over ``budget``, so that it waits here."""
        found = fit(arrival.match.records, budget, self._get, self._counter)
        activation = arrival.match.activation
        self.drop(activation)
        if not isinstance(found, Shortage):
            return False
        self.waiting[activation] = arrival, found
        for key in found.missing:
            self._by_key.setdefault(key, {})[activation] = None
        return True

    def drop(self, activation: str) -> None:
        """It waits no longer; nothing happens if it does not."""
        found = self.waiting.pop(activation, None)
        for key in found[1].missing if found is not None else ():
            asking = self._by_key[key]
            del asking[activation]
            if not asking:
                del self._by_key[key]

    def touched(self, key: str) -> list[Arrival]:
        """Those that wait for the digest at ``key``, in the order in which they came: to be tried again."""
        return [self.waiting[activation][0] for activation in self._by_key.get(key, ())]

    def sentence(self) -> str:
        """For a person: how many wait, and for what the first of them does."""
        arrival, shortage = next(iter(self.waiting.values()))
        more = f"{len(self.waiting)} wait for digests, among them " if len(self.waiting) > 1 else ""
        return f"{more}{arrival.match.source.name}: {shortage.sentence()}"
