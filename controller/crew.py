"""The firings of one controller: how many there are, of whom, and what they hold."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING, Final, Protocol

from controller.breakers import OPEN
from controller.budgets import tokens_of
from controller.occupancy import Occupancy
from controller.takeover import obviate

if TYPE_CHECKING:
    from controller.desk import Desk
    from controller.ended import Ended
    from controller.firing import Firing
    from controller.gate import Step
    from controller.lineup import Lineup
    from controller.side_work import SideWork
    from controller.strategy import Choice

STOP_WITHIN_S: Final = 5.0
"""after which an agent that does not heed its cancellation is left alone"""

_log = logging.getLogger(__name__)


class Told(Protocol):
    """Who is told of what becomes of the firings."""

    def look(self) -> None:
        """A place is free."""

    def ended(self, firing: Firing, ended: Ended) -> None:
        """It came to its end by itself."""

    def fail(self, error: BaseException) -> None:
        """The run cannot go on."""


class Crew:
    """Who fires.  What runs as often as it may is kept off its agenda until one of its firings ends."""

    def __init__(self, desk: Desk, lineup: Lineup, side: SideWork, told: Told) -> None:
        self.firings: dict[str, Firing] = {}
        """by activation"""
        self.ordinary = 0
        """those that are no supervisor's: only they are bounded together"""
        self._desk = desk
        self._lineup = lineup
        self._side = side
        self._told = told
        self._loop = asyncio.get_running_loop()
        self._stopped = False
        self._occupancy = Occupancy(desk.settings.running)

    def begin(self, firing: Firing, choice: Choice, step: Step | None = None) -> None:
        """Let ``firing`` fire, soon; ``step`` is what granted it, where a person did."""
        entry, source = firing.entry, firing.source
        self.firings[firing.activation] = firing
        self._desk.ledger.note_dispatch(entry, self._desk.steady_ms(), max_cost=source.foreseen_cost)
        self._desk.stalls.note(entry, 1)
        self.ordinary += source.kind != "supervisor"
        if source.name in self._desk.breakers.half_open:
            self._desk.breakers.begins(source.name, entry.activation)
            self._lineup.of(source.name).block(source.name, OPEN)
        if source.max_running is not None or entry.lane != entry.agent:
            for full in self._occupancy.begin(entry, source.max_running):
                self._lineup.of(source.name).block(*full)
        firing.begin(choice, step)
        firing.task = self._loop.create_task(self._drive(firing))

    def runs(self, agent: str) -> bool:
        """Whether an activation of ``agent`` runs."""
        return any(firing.source.name == agent for firing in self.firings.values())

    def stop(self, firing: Firing) -> None:
        """Stop one firing: it writes no more."""
        firing.stop()

    async def stop_all(self) -> list[Firing]:
        """Stop all that run, for good, so that they can be handed back; returns them."""
        self._stopped = True
        firings = list(self.firings.values())
        for firing in firings:
            self.stop(firing)
        tasks = [firing.task for firing in firings if firing.task is not None]
        if tasks:
            _, left = await asyncio.wait(tasks, timeout=STOP_WITHIN_S)
            for entry in (firing.entry for firing in firings if firing.task in left):
                _log.warning("%s does not stop; its contribution for %s will be refused", entry.agent, entry.case)
        return firings

    async def _drive(self, firing: Firing) -> None:
        """Fire, then put away."""
        try:
            ended = await firing.fire()
        except asyncio.CancelledError:
            self._put_away(firing)
            self._desk.breakers.came_to_nothing(firing.source.name, firing.activation)
            if self._stopped:
                raise
            if firing.superseded is not None and firing.record is not None and firing.dispatched:
                self._side.do(obviate(self._desk, firing.activation, firing.record, firing.commit, firing.superseded))
        except BaseException as error:  # noqa: BLE001  # the run cannot go on: its caller is told
            self._put_away(firing)
            self._told.fail(error)
        else:
            self._put_away(firing)
            self._told.ended(firing, ended)

    def _put_away(self, firing: Firing) -> None:
        """``firing`` has ended, or is handed back because all stop, so that it was no call."""
        source = firing.source
        del self.firings[firing.activation]
        self.ordinary -= source.kind != "supervisor"
        if source.max_running is not None or firing.entry.lane != source.name:
            for free in self._occupancy.end(firing.entry, source.max_running):
                self._lineup.of(source.name).unblock(*free)
        # Settled already if it failed; one that was taken away or handed back was no failure.
        now_ms, counts = self._desk.steady_ms(), firing.dispatched and not self._stopped
        self._desk.ledger.note_end(
            firing.activation,
            now_ms,
            cost=firing.cost,
            tokens=tokens_of(firing.usages) if firing.usages else 0,
            failed=firing.given_up,
            counts=counts,
        )
        if not firing.dispatched:
            self._desk.stalls.note(firing.entry, -1)
        self._lineup.unpark()
        self._told.look()

    def asked_by(self, key: str) -> list[Firing]:
        """The firings of supervisors that the record at ``key`` set off."""
        supervisors = (firing for firing in self.firings.values() if firing.source.kind == "supervisor")
        return [one for one in supervisors if any(record.key == key for record in one.entry.triggers.values())]
