"""The cycle: changes of the board come in, who is eligible is revised, and who may fire fires.

There is no barrier: an agent fires when its inputs exist and it is its turn.  Everything is decided on
the state of the board; a change only says that it is time to look.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from blackboard.control_records import ACTIVATIONS, TIMERS
from blackboard.keys import CONTROL_REGION
from blackboard.wording import seconds
from controller.absorbing import Absorbing
from controller.alarm import Alarm
from controller.arranging import arrange_reserve
from controller.attending import Attending
from controller.collecting import shortfall
from controller.confirming import Confirming
from controller.consequences import Consequences
from controller.crew import Crew
from controller.entry import FOREVER
from controller.gate import Gate
from controller.heeding import heed_breakers
from controller.intake import Intake
from controller.lineup import Lineup
from controller.overseer import Overseer
from controller.patience import Patience
from controller.picking import Picking
from controller.quiescence import Quiescence
from controller.retracting import retract
from controller.run_end import RunEnd
from controller.side_work import SideWork
from controller.timers import Timers

if TYPE_CHECKING:
    from collections.abc import Iterator

    from blackboard.control_records import Activation
    from controller.desk import Desk
    from controller.ended import Ended
    from controller.entry import Entry
    from controller.firing import Firing
    from controller.matching import Match
    from controller.registration import Registration
    from knowledge_sources.source import KnowledgeSource


class Cycle:
    """What fires, what is pending and what goes on beside it.  Stands still until it is started."""

    def __init__(self, desk: Desk, registration: Registration) -> None:
        self.desk = desk
        self.gate = gate = Gate(desk)
        self.lineup = lineup = Lineup(desk, desk.settings.policy)
        self._side = side = SideWork(self.fail, self.look)
        self.crew = crew = Crew(desk, lineup, side, self)
        self.overseer = overseer = Overseer(desk, self, lineup)
        self.intake = intake = Intake(desk, registration, lineup, firings=crew.firings, overseer=overseer, side=side)
        self.matcher = intake.matcher
        self.confirming = confirming = Confirming(desk, side, self.look)
        desk.reserve.blocked = desk.breakers.blocked
        desk.reserve.pending = lambda activation: lineup.get(activation) is not None
        self.patience = patience = Patience(desk)
        self.timers = timers = Timers(desk, side, self._works_on_tick)
        self._consequences = Consequences(desk, intake, gate=gate, lineup=lineup, crew=crew, overseer=overseer)
        self._picking = Picking(desk, intake, gate=gate, lineup=lineup, crew=crew, side=side, look=self.look)
        self._attending = Attending(overseer, gate, side)
        self._quiescence = Quiescence(
            desk, intake, gate=gate, lineup=lineup, crew=crew, side=side, overseer=overseer,
            attending=self._attending, confirming=confirming, patience=patience, timers=timers,
        )  # fmt: skip
        self.stirred = asyncio.Event()
        """set whenever it may have come to an end"""
        self.turns = 0
        """how often it was gone through"""
        self.end: RunEnd | None = None
        """set where a limit of the run was reached"""
        self.failure: BaseException | None = None
        """why it cannot go on"""
        self.expecting = 0
        """how many said that more is about to come"""
        self._scheduled = False
        self._paused = True
        self._loop = asyncio.get_running_loop()
        self._alarm = Alarm(desk, self._wake, self._sweep)
        absorbing = Absorbing(
            desk, intake, self._consequences, gate=gate, lineup=lineup, crew=crew, overseer=overseer,
            confirming=confirming, patience=patience, look=self.look, fail=self.fail,
        )  # fmt: skip
        self._unsubscribe = desk.replica.subscribe(absorbing.changed)

    def take_over_flow(self) -> None:
        """Go by what people have said of the flow of the board; raises :class:`Corrupt`."""
        self.gate.take_over()
        self.lineup.refocus(self.gate.focus)

    def start(self) -> None:
        """Let fire who may, from now on."""
        self._paused = False
        self.look()

    async def stop(self) -> list[Firing]:
        """Fire nobody more and stop who runs; returns the firings that ran."""
        self._paused = True
        self._alarm.cancel()
        firings = await self.crew.stop_all()
        await self.confirming.stop()
        await self._side.finish()
        self._unsubscribe()
        return firings

    @property
    def idle(self) -> bool:
        """Whether nothing is pending, running, asked or expected, and nobody has stopped the flow."""
        return not self.expecting and self._quiescence.reached

    @property
    def quiescent(self) -> RunEnd:
        """How the run ends, now that it is idle."""
        return self._quiescence.end

    def join(self, source: KnowledgeSource) -> None:
        """Let an agent take part: tell what it matches, and go on with what waited for it."""
        arrange_reserve(self.desk, self.intake, self.lineup, self.crew)
        self.matcher.add(source)
        self.timers.enter(source)
        self.intake.expected_no_more(source.name)
        self.confirming.joined(source.name)
        for key, record in list(self.desk.replica.region(CONTROL_REGION).items()):
            if key.startswith(ACTIVATIONS) and record.value["agent"] == source.name:
                self._consequences.written(key[len(ACTIVATIONS) :], record)
        self.look()

    def pending(self, activation: str) -> Entry | None:
        return self.lineup.get(activation)

    def fires(self, activation: str) -> bool:
        return activation in self.crew.firings

    def firing(self) -> Iterator[Entry]:
        return (firing.entry for firing in self.crew.firings.values())

    def matches_of(self, agent: str) -> Iterator[Match]:
        return (match for match in self.matcher.live().values() if match.source.name == agent)

    def shortfall(self, activation: str) -> str:
        match = self.matcher.live().get(activation)
        if match is None or match.ready is None or match.ready.not_before_ms != FOREVER:
            return ""
        return shortfall(match.source, self.matcher.membership.members(match.source, match.captures))

    def taken_away(self, activation: str, record: Activation, commit: str) -> None:
        self._consequences.taken_away(activation, record)

    def ended(self, firing: Firing, ended: Ended) -> None:
        self._consequences.ended(firing, ended)

    def fail(self, error: BaseException) -> None:
        """The run cannot go on: its caller is told the first reason."""
        self.failure = self.failure or error
        self.stirred.set()

    def look(self) -> None:
        """Go through the cycle soon: something may have changed."""
        if not self._scheduled and not self._paused:
            self._scheduled = True
            self._loop.call_soon(self._turn)

    def _turn(self) -> None:
        self._scheduled = False
        self.turns += 1
        if not self._paused and self.end is None and self.failure is None:
            self._proceed()
        if self.end is not None or self.failure is not None or self.idle:
            self.stirred.set()

    def _proceed(self) -> None:
        """Let fire who may, attend to what is late, and set the clock for what comes next."""
        desk = self.desk
        now_ms = desk.now_ms()
        if desk.breakers.machines or desk.breakers.turned:
            heed_breakers(desk, self.lineup, self._side, now_ms)
        if desk.support.moved:
            self._retract()
        if desk.reserve.dirty:
            self.intake.settle_reserve()
        self._picking.let_fire(now_ms)
        self.end = self._picking.end
        if len(self.confirming):
            self.confirming.attend(now_ms)
        self._attending.attend(now_ms)
        answer_ms = self.patience.next_ms()
        if answer_ms is not None and answer_ms <= now_ms:
            self._side.do(self.patience.attend())
            answer_ms = None  # what follows is told by the change that it makes
        next_ms = self.lineup.next_ms() if self.gate.looks else None
        tick_ms = None
        if self.timers:
            self.timers.tick(now_ms)
            tick_ms = self.timers.next_ms()
        breakers_ms, claims_ms = desk.breakers.next_ms(), self.confirming.next_ms()
        self._alarm.set(now_ms, next_ms, self._attending.next_ms(), breakers_ms, answer_ms, claims_ms, tick_ms)

    def _works_on_tick(self, agent: str) -> bool:
        return self.crew.runs(agent) or self.matcher.triggers(TIMERS + agent)

    def _retract(self) -> None:
        """Take back what rests on nothing any more: on its way before anybody contributes on what is there now."""
        retraction = self.desk.support.retraction(self.desk.replica)
        if retraction is not None:
            self._side.do(retract(self.desk, retraction))

    def _wake(self) -> None:
        limit_ms = self.desk.settings.limits.run.time_ms
        if limit_ms is not None and self.desk.steady_ms() >= self.desk.ledger.started_ms + limit_ms:
            self.end = RunEnd("timed_out", f"the run has used its {seconds(limit_ms)}")
        self.look()

    def _sweep(self) -> None:
        self._side.do(self.desk.board.sweep())
        self.look()
