"""Agents that fire again and again for a case and say only what has been said: calls are paid for, nothing is gained.

A firing that writes nothing is none of these: it wakes nobody, so it keeps nothing going.
"""

from __future__ import annotations


class Idling:
    """Firings in a row without a new value, by agent and case; ``limit`` is how many there may be."""

    def __init__(self, limit: int | None) -> None:
        self.limit = limit
        self.in_vain: dict[tuple[str, str], int] = {}
        """agent and case → such firings in a row; empty where there are none"""

    def note(self, agent: str, case: str, *, new: bool) -> None:
        """``agent`` has contributed to ``case``; ``new`` where something of it had not stood there before."""
        if not new:
            self.in_vain[agent, case] = self.in_vain.get((agent, case), 0) + 1
        elif self.in_vain:
            self.in_vain.pop((agent, case), None)

    def holds(self, agent: str, case: str) -> int:
        """How many firings in a row were in vain, where that is too many; else 0."""
        times = self.in_vain.get((agent, case), 0)
        return times if self.limit is not None and times >= self.limit else 0
