"""What all activations of a board add up to, whatever agent they are of."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping

    from controller.viewer.tally import Tally


class Spent(NamedTuple):
    """Sums over activations; ``failed_cost`` is the part of ``cost`` that bought nothing."""

    running: int = 0
    waiting: int = 0
    calls: int = 0
    tokens: int = 0
    conflicts: int = 0
    failed_calls: int = 0
    cost: float = 0.0
    failed_cost: float = 0.0

    @classmethod
    def of(cls, tally: Tally) -> Spent:
        """What one agent adds."""
        did = tally.performance
        return cls(
            did.running, did.waiting, tally.calls, tally.tokens, tally.conflicts, did.failed_calls, did.cost,
            tally.failed_cost,
        )  # fmt: skip


class Spending:
    """The sum over all agents: reckoned anew for those whose tally has changed."""

    def __init__(self) -> None:
        self.total = Spent()
        self._seen: dict[str, int] = {}
        self._parts: dict[str, Spent] = {}

    def refresh(self, tallies: Mapping[str, Tally]) -> None:
        """Take in what has changed."""
        changed = [(name, tally) for name, tally in tallies.items() if self._seen.get(name) != tally.changes]
        gone = self._seen.keys() - tallies.keys()
        for name, tally in changed:
            self._seen[name], self._parts[name] = tally.changes, Spent.of(tally)
        for name in gone:
            del self._seen[name], self._parts[name]
        if changed or gone:
            self.total = Spent(*map(sum, zip(*self._parts.values(), strict=True))) if self._parts else Spent()
