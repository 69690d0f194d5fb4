"""The cycle: changes of the board come in, who is eligible is revised, and who may fire fires.

There is no barrier: an agent fires when its inputs exist and it is its turn.  Everything is decided on
the state of the board; a change only says that it is time to look.
"""

from __future__ import annotations

import asyncio
from time import perf_counter
from typing import TYPE_CHECKING

from blackboard.control_records import (
    ACTIVATIONS,
    ATTENTION,
    BREAKERS,
    CLAIMS,
    CONTROL,
    ESCALATIONS,
    FLOW,
    FOCUS,
    LEADER,
    OVERRIDES,
    TIMERS,
    activation_key,
)
from blackboard.control_shapes import checked
from blackboard.errors import Corrupt
from blackboard.keys import CONTROL_REGION
from blackboard.record import revision_of
from blackboard.wording import counted
from controller.activation import FINAL
from controller.alarm import Alarm
from controller.breaker import Call
from controller.breakers import breaker_record
from controller.collecting import shortfall
from controller.confirming import Confirming
from controller.crew import OPEN, Crew
from controller.desk import packed_control
from controller.entry import FOREVER
from controller.errors import LostLeadership
from controller.firing import Firing
from controller.gate import Gate
from controller.intake import Intake
from controller.lineup import Lineup
from controller.matching import Match
from controller.overseer import Overseer
from controller.patience import Patience
from controller.retracting import justification_of, retract
from controller.run_end import RunEnd
from controller.side_work import SideWork
from controller.timers import Timers
from controller.wait_for import standing_still
from knowledge_sources.tokens import DIGEST

if TYPE_CHECKING:
    from collections.abc import Iterator

    from blackboard.control_records import Activation, BreakerRecord
    from blackboard.log import Change
    from blackboard.record import Record
    from controller.agenda import Agenda
    from controller.desk import Desk
    from controller.ended import Ended
    from controller.entry import Entry
    from controller.gate import Step
    from controller.registration import Registration
    from controller.strategy import Choice
    from knowledge_sources.source import KnowledgeSource


class Cycle:
    """What fires, what is pending and what goes on beside it.  Stands still until it is started."""

    def __init__(self, desk: Desk, registration: Registration) -> None:
        self.desk = desk
        self.gate = Gate(desk)
        self._support = desk.support
        self.lineup = Lineup(desk, desk.settings.policy)
        self._side = SideWork(self.fail, self.look)
        self.crew = Crew(desk, self.lineup, self._side, self)
        self.overseer = Overseer(desk, self, self.lineup)
        self.intake = Intake(
            desk, registration, self.lineup, firings=self.crew.firings, overseer=self.overseer, side=self._side
        )
        self.matcher = self.intake.matcher
        self.confirming = Confirming(desk, self._side, self.look)
        desk.reserve.blocked = desk.breakers.blocked
        desk.reserve.pending = lambda activation: self.lineup.get(activation) is not None
        self.patience = Patience(desk)
        self.timers = Timers(desk, self._side, self._works_on_tick)
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
        self._attending = False
        self._scheduled = False
        self._paused = True
        self._loop = asyncio.get_running_loop()
        self._alarm = Alarm(desk, self._wake, self._sweep)
        self._unsubscribe = desk.replica.subscribe(self._changed)

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
        return not (
            self.expecting
            or self.gate.closed
            or self.crew.firings
            or len(self._side)
            or len(self.lineup)
            or self.overseer.busy
            or len(self.confirming)
            or self._attending
            or self.desk.reserve.dirty
            or self._support.moved
            or len(self.patience)
            or (self.timers and self.timers.awaited)
        )

    @property
    def quiescent(self) -> RunEnd:
        """How the run ends, now that it is idle."""
        orphans, awaited, held = self.intake.orphans, len(self.intake.awaited), self.lineup.held
        if orphans:
            agents = ", ".join(sorted(set(orphans.values())))
            return RunEnd("stalled", f"{len(orphans)} wait for agents that are not here: {agents}")
        waiting = []
        if held:
            by = sorted({self.overseer.author_of(ruled.key) for ruled in held.values()})
            waiting.append(f"{len(held)} held by an order of {', '.join(by)}")
        if self.lineup.outside and self.gate.focus is not None:
            outside = len(self.lineup.outside)
            waiting.append(f"{outside} pending are out of the focus on {self.gate.focus.describe()}")
        if awaited:
            waiting.append(f"{awaited} wait for a person")
        if waiting:
            return RunEnd("awaiting", ", ".join(waiting))
        if self.intake.proposed:
            return RunEnd(
                "stalled", f"without a verdict of a validator: {counted(len(self.intake.proposed), 'proposal')}"
            )
        if self.lineup.undigested.waiting:
            return RunEnd("stalled", self.lineup.undigested.sentence())
        graph = standing_still(self.desk.replica, self.desk.sources.values(), self._activations)
        if graph is None:
            return RunEnd("finished")
        if graph.blocks:
            return RunEnd("stalled", graph.sentence(), graph)
        return RunEnd("finished", f"nothing is left to do, but there is {graph.sentence()}", graph)

    def _activations(self) -> Iterator[Activation]:
        control = self.desk.replica.region(CONTROL_REGION)
        return (record.value for key, record in control.items() if key.startswith(ACTIVATIONS))

    def join(self, source: KnowledgeSource) -> None:
        """Let an agent take part: tell what it matches, and go on with what waited for it."""
        if self.desk.reserve.arrange(self.desk.sources.values()):
            self._arranged()
        self.matcher.add(source)
        self.timers.enter(source)
        self.intake.expected_no_more(source.name)
        self.confirming.joined(source.name)
        for key, record in list(self.desk.replica.region(CONTROL_REGION).items()):
            if key.startswith(ACTIVATIONS) and record.value["agent"] == source.name:
                self._activation_changed(key[len(ACTIVATIONS) :], record)
        self.look()

    def _arranged(self) -> None:
        """Tell the reserve, whose groups have changed, of all that works and could work."""
        reserve = self.desk.reserve
        for match in list(self.matcher.live().values()):
            if match.source.name in reserve.groups:
                self.intake.offer(match, queued=self.pending(match.activation) is not None)
        for firing in self.crew.firings.values():
            if firing.source.name in reserve.groups:
                entry = firing.entry
                match = Match(entry.activation, firing.source, dict(entry.captures), dict(entry.triggers))
                self.intake.offer(match, queued=True)
        for key, record in list(self.desk.replica.region(CONTROL_REGION).items()):
            if key.startswith(ACTIVATIONS):
                reserve.note(key[len(ACTIVATIONS) :], checked(record).value)

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
        self.intake.note(activation, record["state"])
        self.desk.reserve.note(activation, record)
        self.desk.stalls.settle(record)
        self.lineup.remove(activation)
        self.matcher.drop(activation)
        self.lineup.stored.pop(activation, None)
        self.intake.resting.pop(activation, None)
        firing = self.crew.firings.get(activation)
        if firing is not None:
            firing.given_up = "passed_to" in record
            if record.get("failure") == "slow":
                now_ms = self.desk.now_ms()
                call = Call(now_ms, "slow", record.get("reason", ""), cost=firing.cost)
                self.desk.breakers.ended(firing.source.name, activation, call, now_ms)
            self.crew.stop(firing)

    def _changed(self, change: Change) -> None:
        started = perf_counter()
        key = change.key
        if key.startswith(CONTROL):
            try:
                self._control_changed(key, change)
            except Corrupt as error:  # others can write there, too, and nothing is decided on what they wrote
                self.fail(error)
        else:
            if self._support.justifications:
                self._support.changed(key, change.record, change.previous)
            if len(self.confirming):
                self.confirming.changed(change)
            self.matcher.changed(change)
            if self.lineup.undigested.waiting and key.startswith(DIGEST):
                self.intake.digested(key)
        self.desk.meter.routing += perf_counter() - started
        self.look()

    def _control_changed(self, key: str, change: Change) -> None:
        if key.startswith(ACTIVATIONS):
            activation = key[len(ACTIVATIONS) :]
            firing = self.crew.firings.get(activation)
            if firing is None or not firing.committing:
                self._activation_changed(activation, checked(change.record) if change.record is not None else None)
            elif firing.contributing is not None and change.author == firing.source.name:
                if "supports" in firing.contributing and change.record is not None:
                    self._justified(change.record)
                firing.note_contributed()
            return
        if change.record is not None:
            checked(change.record)
        if key == LEADER:
            leads = self.desk.leadership.commit
            if leads and (change.record is None or change.record.commit != leads):
                self.fail(LostLeadership(self.desk.board.name))
            return
        self._tell(key, change)
        if self._support.justifications:
            self._support.changed(key, change.record, change.previous)
        self.matcher.changed(change)

    def _tell(self, key: str, change: Change) -> None:
        """Let whoever keeps such records in mind know of a change of one."""
        if key.startswith((ATTENTION, OVERRIDES)):
            self.overseer.changed(change)
            self._supersede(change)
        elif key.startswith(ESCALATIONS):
            self.patience.changed(key, change.record)
        elif key in (FLOW, FOCUS) and self.gate.changed(key, change.record):
            self.lineup.refocus(self.gate.focus)
        elif key.startswith(CLAIMS):
            self.confirming.note(key.removeprefix(CLAIMS), change.record)

    def _supersede(self, change: Change) -> None:
        """Stop the supervisors that are no longer asked: one that is silent must not keep the run from ending."""
        for firing in self.crew.asked_by(change.key):
            firing.superseded = change
            self.crew.stop(firing)

    def _activation_changed(self, activation: str, record: Record | None) -> None:
        """Somebody else, a person for one, or our overseer has written an activation."""
        firing = self.crew.firings.get(activation)
        if firing is not None:
            # The log may be behind the answers to our own commits.
            if record is None or record.revision > revision_of(firing.commit):
                self.crew.stop(firing)
            return
        if record is None:
            return
        state = record.value["state"]
        self.intake.note(activation, state)
        self.desk.reserve.note(activation, record.value)
        if state == "pending" and self.pending(activation) is None:
            self.intake.requeue(activation, record.fresh().value, record.commit)
        elif state in FINAL or state == "escalated":
            self.overseer.forget(activation)
            self.desk.stalls.settle(record.value)
        if "withdrawn" in record.value:
            self._withdrawn(activation, record.value)
        elif "supports" in record.value:
            self._justified(record)

    def _justified(self, record: Record) -> None:
        """A contribution was made that lets something stand only while its causes do."""
        justification = justification_of(record)
        if justification is not None:
            self._support.add(justification, self.desk.replica)

    def _withdrawn(self, activation: str, record: Activation) -> None:
        """What an activation wrote was taken back: where its match still holds, it may fire anew."""
        self._support.drop(activation)
        source = self.desk.sources.get(record["agent"])
        if source is not None:
            self.matcher.again(source, record["captures"])

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
        now_ms = self.desk.now_ms()
        if self.desk.breakers.machines or self.desk.breakers.turned:
            self._heed_breakers(now_ms)
        if self._support.moved:
            self._retract()
        if self.desk.reserve.dirty:
            self.intake.settle_reserve()
        if self.gate.closed:
            self._step(now_ms)
        else:
            self._fire_from(self.lineup.supervisors, now_ms, limited=False)
            self._fire_from(self.lineup.agents, now_ms, limited=True)
        if len(self.confirming):
            self.confirming.attend(now_ms)
        due = self._due_ms()
        if due is not None and due <= now_ms and not self._attending:
            self._attending = True
            self._side.do(self._attend())
        answer_ms = self.patience.next_ms()
        if answer_ms is not None and answer_ms <= now_ms:
            self._side.do(self.patience.attend())
            answer_ms = None  # what follows is told by the change that it makes
        next_ms = self.lineup.next_ms() if self.gate.looks else None
        tick_ms = None
        if self.timers:
            self.timers.tick(now_ms)
            tick_ms = self.timers.next_ms()
        breakers_ms, claims_ms = self.desk.breakers.next_ms(), self.confirming.next_ms()
        self._alarm.set(now_ms, next_ms, self._due_ms(), breakers_ms, answer_ms, claims_ms, tick_ms)

    def _works_on_tick(self, agent: str) -> bool:
        return self.crew.runs(agent) or self.matcher.triggers(TIMERS + agent)

    def _due_ms(self) -> int | None:
        """When the overseer has something to do next; what is late waits while people have stopped the flow."""
        due = self.overseer.next_ms()
        return due if due == 0 or not self.gate.closed else None

    def _step(self, now_ms: int) -> None:
        """Nothing fires by itself: let fire what a person has granted, or say whom one would pick."""
        gate, lineup = self.gate, self.lineup
        if not gate.looks:
            return
        granted, chosen = gate.granted, gate.chosen
        choice: Choice | None
        if granted and chosen:
            entry = lineup.get(chosen)
            choice = lineup.of(entry.agent).chosen(chosen, now_ms, gate.reference) if entry is not None else None
            if choice is None:
                self._side.do(gate.refuse(f"{chosen} is not eligible" if entry else f"{chosen} is not pending"))
                return
        else:
            agent = lineup.agents.pick(now_ms)
            choice = lineup.supervisors.pick(now_ms) or agent
        if not granted:
            if gate.is_news(choice):
                self._side.do(gate.recommend(choice))
        elif choice is not None:
            agenda = lineup.of(choice.entry.agent)
            limited = agenda is lineup.agents
            free = not limited or self.crew.ordinary < self.desk.settings.max_running
            if free and self._let_fire(agenda, iter((choice,)), now_ms, stepping=True) and gate.granted:
                self.look()  # who was refused or parked has taken no step

    def _heed_breakers(self, now_ms: int) -> None:
        """Keep those off the agenda whose breaker is open, and write down what has changed."""
        breakers = self.desk.breakers
        breakers.tick(now_ms)
        turned, breakers.turned = breakers.turned, {}
        for agent, write in turned.items():
            if agent in self.desk.sources:
                agenda = self.lineup.of(agent)
                (agenda.block if agent in breakers.blocked else agenda.unblock)(agent, OPEN)
            self.desk.reserve.breaker_turned(agent)
            if write:
                record = breaker_record(agent, breakers.machines.get(agent), now_ms)
                self._side.do(self._write_breaker(record))

    async def _write_breaker(self, record: BreakerRecord) -> None:
        write = packed_control(BREAKERS + record["agent"], record, self.desk.member)
        await self.desk.commit_leading([], [write])

    def _retract(self) -> None:
        """Take back what rests on nothing any more: on its way before anybody contributes on what is there now."""
        retraction = self._support.retraction(self.desk.replica)
        if retraction is not None:
            self._side.do(retract(self.desk, retraction))

    def _fire_from(self, agenda: Agenda, now_ms: int, *, limited: bool) -> None:
        desk = self.desk
        free = desk.settings.max_running - self.crew.ordinary if limited else len(agenda)
        choices = agenda.picks(now_ms, free) if free > 0 else iter(())
        goes_on = self._let_fire(agenda, choices, now_ms)
        if goes_on and limited and agenda.eligible and self.crew.ordinary < desk.settings.max_running:
            self.look()  # who was refused or parked took nobody's place

    def _let_fire(self, agenda: Agenda, choices: Iterator[Choice], now_ms: int, *, stepping: bool = False) -> bool:
        """Let fire those of ``choices`` that limits allow; false where a limit of the run allows no more."""
        desk, limits, steady_ms = self.desk, self.desk.settings.limits, self.desk.steady_ms()
        while True:
            started = perf_counter()
            choice = next(choices, None)
            if choice is None:
                return True
            entry = choice.entry
            agenda.remove(entry.activation)
            if choice.override is not None:
                agenda.drop_lift(entry.activation)
            desk.meter.router += perf_counter() - started
            over = desk.ledger.check(entry, limits, steady_ms, max_cost=desk.sources[entry.agent].foreseen_cost)
            if over is not None and over.scope == "run":
                agenda.add(entry)
                if not over.waits or not self.crew.firings:
                    self.end = RunEnd("timed_out" if over.what == "time" else "stalled", over.sentence())
                return False
            stalled = desk.stalls.refusal(entry, now_ms)
            if (over is None and stalled is None) or self.lineup.granted(entry.activation):
                self._fire(choice, self.gate.step() if stepping else None)
            elif stalled is not None:
                self.intake.hold_back(entry, stalled)
            elif over is not None and over.waits:
                self.lineup.park(entry, over.sentence())
            elif over is not None:
                self.intake.turn_away(entry, "over_budget", over.sentence())

    def _fire(self, choice: Choice, step: Step | None) -> None:
        entry = choice.entry
        activation = entry.activation
        source, gathered = self.desk.sources[entry.agent], None
        if source.collects:
            gathered = self.matcher.membership.gathered(source, entry.captures)
            if gathered is None:
                self.intake.lapsed(entry)
                return
        self.lineup.agents.served(choice)
        self.matcher.drop(activation)
        firing = Firing(self.desk, source, entry, self.lineup.stored.pop(activation, None), gathered)
        self.crew.begin(firing, choice, step)

    async def _attend(self) -> None:
        try:
            await self.overseer.attend(late=not self.gate.closed)
        finally:
            self._attending = False

    def fail(self, error: BaseException) -> None:
        """The run cannot go on: its caller is told the first reason."""
        self.failure = self.failure or error
        self.stirred.set()

    def ended(self, firing: Firing, ended: Ended) -> None:
        activation, record, breakers = firing.activation, ended.record, self.desk.breakers
        if record is None:
            self.gate.missed()
            breakers.came_to_nothing(firing.source.name, activation)
            present = self.desk.replica.get(activation_key(activation))
            if present is not None:
                self._activation_changed(activation, present)
            else:
                self.desk.reserve.withdraw(activation)
                self.matcher.again(firing.source, dict(firing.entry.captures))
            return
        self.desk.meter.activations += 1
        self.intake.note(activation, record["state"])
        self.desk.reserve.note(activation, record)
        if breakers.machines and not record.get("failure"):  # one that failed was told of as it failed
            said = bool(record.get("wrote")) or record["state"] == "escalated"
            call = Call(self.desk.now_ms(), wrote=said, cost=firing.cost)
            breakers.ended(firing.source.name, activation, call, call.ended_ms)
        if record["state"] == "pending":
            self.intake.requeue(activation, record, ended.commit)
        elif record["state"] != "failed":
            self.overseer.forget(activation)
            if firing.source.kind == "supervisor" and not record.get("wrote"):
                attention = next(iter(firing.entry.triggers.values()))
                self.overseer.declined(attention.value["activation"], attention.commit)

    def _wake(self) -> None:
        limit_ms = self.desk.settings.limits.run.time_ms
        if limit_ms is not None and self.desk.steady_ms() >= self.desk.ledger.started_ms + limit_ms:
            self.end = RunEnd("timed_out", f"the run has used its {limit_ms / 1000:g} s")
        self.look()

    def _sweep(self) -> None:
        self._side.do(self.desk.board.sweep())
        self.look()
