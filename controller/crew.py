"""The firings of one controller: how many there are, of whom, and what they hold."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from controller.desk import Desk
    from controller.firing import Firing
    from controller.lineup import Lineup


class Crew:
    """Who fires.  An agent that runs as often as it may is kept off its agenda until one of its firings ends."""

    def __init__(self, desk: Desk, lineup: Lineup) -> None:
        self.firings: dict[str, Firing] = {}
        """by activation"""
        self.ordinary = 0
        """those that are no supervisor's: only they are bounded together"""
        self._desk = desk
        self._lineup = lineup
        self._running: dict[str, int] = {}
        """agent → how many of its activations run"""

    def take(self, firing: Firing, now_ms: int) -> None:
        """``firing`` begins."""
        entry, source = firing.entry, firing.source
        self.firings[firing.activation] = firing
        self._desk.ledger.note_dispatch(entry, now_ms)
        self._desk.repetition.note(entry, 1)
        self.ordinary += source.kind != "supervisor"
        running = self._running.get(source.name, 0) + 1
        self._running[source.name] = running
        if source.max_running is not None and running >= source.max_running:
            self._lineup.of(source.name).block(source.name)

    def put_away(self, firing: Firing, *, handed_back: bool) -> None:
        """``firing`` has ended, or is ``handed_back`` by a clean stop, so that it was no call."""
        source = firing.source
        del self.firings[firing.activation]
        self._running[source.name] -= 1
        self.ordinary -= source.kind != "supervisor"
        if source.max_running is not None:
            self._lineup.of(source.name).unblock(source.name)
        # Settled already if it failed; one that was taken away or handed back was no failure.
        now_ms, counts = self._desk.now_ms(), firing.dispatched and not handed_back
        self._desk.ledger.note_end(firing.activation, now_ms, cost=firing.cost, counts=counts)
        if not firing.dispatched:
            self._desk.repetition.note(firing.entry, -1)
        self._lineup.unpark()

    def asked_by(self, key: str) -> list[Firing]:
        """The firings of supervisors that the record at ``key`` set off."""
        supervisors = (firing for firing in self.firings.values() if firing.source.kind == "supervisor")
        return [one for one in supervisors if any(record.key == key for record in one.entry.triggers.values())]
