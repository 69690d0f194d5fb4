"""The cycle: changes of the board come in, who is eligible is revised, and who may fire fires.

There is no barrier: an agent fires when its inputs exist and it is its turn.  Everything is decided on
the state of the board; a change only says that it is time to look.
"""

from __future__ import annotations

import asyncio
import logging
import math
from time import perf_counter
from typing import TYPE_CHECKING, Any, Final

from blackboard.control_records import ACTIVATIONS, ATTENTION, CONTROL, LEADER, OVERRIDES, activation_key
from blackboard.keys import CONTROL_REGION
from blackboard.record import revision_of
from controller.activation import FINAL
from controller.aftermath import refuse_call
from controller.alarm import Alarm
from controller.crew import Crew
from controller.entry import Entry
from controller.errors import LostLeadership
from controller.firing import Firing
from controller.lineup import Lineup
from controller.matching import Match, Matcher
from controller.overseer import Overseer
from controller.run_end import RunEnd
from controller.takeover import obviate, stored_match

if TYPE_CHECKING:
    from collections.abc import Coroutine

    from blackboard.control_records import Activation, FailureClass, State
    from blackboard.log import Change
    from blackboard.record import Record
    from controller.agenda import Agenda
    from controller.desk import Desk
    from controller.ended import Ended
    from controller.registration import Registration
    from controller.strategy import Choice, Policy
    from knowledge_sources.source import KnowledgeSource

STOP_WITHIN_S: Final = 5.0
"""after which an agent that does not heed its cancellation is left alone"""

_log = logging.getLogger(__name__)


class Cycle:
    """What fires, what is pending and what goes on beside it.  Stands still until it is started."""

    def __init__(self, desk: Desk, registration: Registration, policy: Policy, max_running: int) -> None:
        self.desk = desk
        self.lineup = Lineup(desk, policy)
        self.crew = Crew(desk, self.lineup)
        self.matcher = Matcher(desk.replica, self)
        self.overseer = Overseer(desk, self)
        self.stirred = asyncio.Event()
        """set whenever something may have come to an end"""
        self.end: RunEnd | None = None
        """set where a limit of the run was reached"""
        self.failure: BaseException | None = None
        """why it cannot go on"""
        self.expecting = 0
        """how many said that more is about to come"""
        self._registration = registration
        self._max_running = max_running
        self._awaited: set[str] = set()
        """activations that wait for a person"""
        self._orphans: dict[str, str] = {}
        """activations that wait for an agent which is not here"""
        self._side: set[asyncio.Task[None]] = set()
        self._attending = False
        self._scheduled = False
        self._paused = True
        self._loop = asyncio.get_running_loop()
        self._alarm = Alarm(desk, self._wake, self._sweep)
        self._unsubscribe = desk.replica.subscribe(self._changed)

    def start(self) -> None:
        """Let fire who may, from now on."""
        self._paused = False
        self.look()

    async def stop(self) -> list[Firing]:
        """Fire nobody more and stop who runs; returns the firings that ran."""
        self._paused = True
        self._alarm.cancel()
        firings = list(self.crew.firings.values())
        for firing in firings:
            self._stop(firing)
        tasks = [firing.task for firing in firings if firing.task is not None]
        if tasks:
            _, left = await asyncio.wait(tasks, timeout=STOP_WITHIN_S)
            for entry in (firing.entry for firing in firings if firing.task in left):
                _log.warning("%s does not stop; its contribution for %s will be refused", entry.agent, entry.case)
        while self._side:
            await asyncio.wait(self._side)
        self._unsubscribe()
        return firings

    @property
    def idle(self) -> bool:
        """Whether nothing is pending, running, asked or expected."""
        return not (
            self.expecting
            or self.crew.firings
            or self._side
            or len(self.lineup)
            or self.overseer.busy
            or self._attending
        )

    @property
    def awaited(self) -> int:
        """How many wait for a person."""
        return len(self._awaited)

    @property
    def quiescent(self) -> RunEnd:
        """How the run ends, now that it is idle."""
        if self._orphans:
            agents = ", ".join(sorted(set(self._orphans.values())))
            return RunEnd("stalled", f"{len(self._orphans)} wait for agents that are not here: {agents}")
        return RunEnd("awaiting", f"{self.awaited} wait for a person") if self.awaited else RunEnd("finished")

    # -- what the matcher tells -------------------------------------------------------------

    def matched(self, match: Match) -> None:
        if match.activation in self.crew.firings:
            return
        self._queue(match, attempt=1, not_before_ms=0)

    def unmatched(self, match: Match, change: Change) -> None:
        activation = match.activation
        self.lineup.remove(activation)
        self.overseer.forget(activation)
        stored = self.lineup.stored.pop(activation, None)
        if stored is not None:
            self._aside(obviate(self.desk, activation, *stored, change))

    def misjudged(self, source: KnowledgeSource, error: BaseException) -> None:
        self._aside(self._registration.report_misjudged(source, error))

    def _queue(self, match: Match, *, attempt: int, not_before_ms: int) -> None:
        source, records = match.source, match.records
        triggers = tuple(records.values())
        latest = max(triggers, key=lambda record: record.revision) if len(triggers) > 1 else triggers[0]
        entry = Entry(
            match.activation,
            source.name,
            source.provides,
            triggers[0].case or triggers[0].key,
            level=self.desk.level_of(source),
            rating=self._rating(match) if source.rating else 0.0,
            eligible_ms=max(record.time_ms for record in triggers),
            sequence=latest.revision,
            captures=match.captures,
            triggers=records,
            attempt=attempt,
            not_before_ms=not_before_ms,
        )
        self.lineup.add(entry)
        if source.respond_within_ms is not None and source.kind == "agent":
            self.overseer.expect(match.activation, source, entry.eligible_ms)

    def _rating(self, match: Match) -> float:
        """An agent's own code: where it raises or gives no number the match counts as unrated, and people are told."""
        try:
            rating = match.source.rating_of(match.records, match.captures)
        except (Exception, SystemExit) as error:  # noqa: BLE001  # whatever it raises
            self.misjudged(match.source, error)
            return 0.0
        if math.isfinite(rating):
            return rating
        self.misjudged(match.source, ValueError(f"{rating!r} is not a finite number"))
        return 0.0

    def join(self, source: KnowledgeSource) -> None:
        """Let an agent take part: tell what it matches, and go on with what waited for it."""
        self.matcher.add(source)
        self._orphans = {waiting: agent for waiting, agent in self._orphans.items() if agent != source.name}
        for key, record in list(self.desk.replica.region(CONTROL_REGION).items()):
            if key.startswith(ACTIVATIONS) and record.value["agent"] == source.name:
                self._activation_changed(key[len(ACTIVATIONS) :], record)
        self.look()

    def take_up(self, activation: str, record: Activation, commit: str) -> None:
        """Go on with an activation that another controller left: it is to be tried again, or waits for a person."""
        self._note(activation, record["state"])
        if record["state"] == "pending":
            self._requeue(activation, record, commit)

    def _requeue(self, activation: str, record: Activation, commit: str) -> None:
        """Put an activation that is to be tried again on the agenda; one whose agent is not here waits for it."""
        if record["agent"] not in self.desk.sources:
            self._orphans[activation] = record["agent"]
            return
        match = stored_match(self.desk, activation, record)
        if match is None:
            self._aside(obviate(self.desk, activation, record, commit, None))
            return
        self.lineup.stored[activation] = (record, commit)
        self.matcher.hold(match)
        self._queue(match, attempt=record["attempt"] + 1, not_before_ms=record.get("not_before_ms", 0))

    # -- what the overseer asks and tells ---------------------------------------------------

    def pending(self, activation: str) -> Entry | None:
        return self.lineup.get(activation)

    def fires(self, activation: str) -> bool:
        return activation in self.crew.firings

    def taken_away(self, activation: str, record: Activation, commit: str) -> None:
        self._note(activation, record["state"])
        self.lineup.remove(activation)
        self.matcher.drop(activation)
        self.lineup.stored.pop(activation, None)
        firing = self.crew.firings.get(activation)
        if firing is not None:
            self._stop(firing)

    # -- changes of the board ---------------------------------------------------------------

    def _changed(self, change: Change) -> None:
        started = perf_counter()
        key = change.key
        if key.startswith(CONTROL):
            self._control_changed(key, change)
        else:
            self.matcher.changed(change)
        self.desk.meter.routing += perf_counter() - started
        self.look()

    def _control_changed(self, key: str, change: Change) -> None:
        if key.startswith(ACTIVATIONS):
            activation = key[len(ACTIVATIONS) :]
            firing = self.crew.firings.get(activation)
            if firing is None or not firing.committing:
                self._activation_changed(activation, change.record)
            return
        if key == LEADER:
            leads = self.desk.leadership.commit
            if leads and (change.record is None or change.record.commit != leads):
                self._fail(LostLeadership(self.desk.board.name))
            return
        if key.startswith((ATTENTION, OVERRIDES)):
            self.overseer.changed(change)
            self._supersede(change)
        self.matcher.changed(change)

    def _supersede(self, change: Change) -> None:
        """Stop the supervisors that are no longer asked: one that is silent must not keep the run from ending."""
        for firing in self.crew.asked_by(change.key):
            firing.superseded = change
            self._stop(firing)

    def _note(self, activation: str, state: State) -> None:
        """Keep count of those that wait for a person."""
        if state == "escalated":
            self._awaited.add(activation)
        elif self._awaited:
            self._awaited.discard(activation)

    def _activation_changed(self, activation: str, record: Record | None) -> None:
        """Somebody else, a person for one, or our overseer has written an activation."""
        firing = self.crew.firings.get(activation)
        if firing is not None:
            # The log may be behind the answers to our own commits.
            if record is None or record.revision > revision_of(firing.commit):
                self._stop(firing)
            return
        if record is None:
            return
        state = record.value["state"]
        self._note(activation, state)
        if state == "pending" and self.pending(activation) is None:
            self._requeue(activation, record.fresh().value, record.commit)
        elif state in FINAL or state == "escalated":
            self.overseer.forget(activation)

    # -- the cycle --------------------------------------------------------------------------

    def look(self) -> None:
        """Go through the cycle soon: something may have changed."""
        self.stirred.set()
        if not self._scheduled and not self._paused:
            self._scheduled = True
            self._loop.call_soon(self._turn)

    def _turn(self) -> None:
        """Let fire who may, attend to what is late, and set the clock for what comes next."""
        self._scheduled = False
        if self._paused or self.end is not None or self.failure is not None:
            return
        now_ms = self.desk.now_ms()
        self._fire_from(self.lineup.supervisors, now_ms, limited=False)
        self._fire_from(self.lineup.agents, now_ms, limited=True)
        due = self.overseer.next_ms()
        if due is not None and due <= now_ms and not self._attending:
            self._attending = True
            self._aside(self._attend())
        self._alarm.set(now_ms, self.lineup.next_ms(), self.overseer.next_ms())
        self.stirred.set()

    def _fire_from(self, agenda: Agenda, now_ms: int, *, limited: bool) -> None:
        desk = self.desk
        free = self._max_running - self.crew.ordinary if limited else len(agenda)
        choices = agenda.picks(now_ms, free) if free > 0 else iter(())
        while True:
            started = perf_counter()
            choice = next(choices, None)
            if choice is None:
                break
            entry = choice.entry
            agenda.remove(entry.activation)
            desk.meter.router += perf_counter() - started
            over = desk.ledger.check(entry, desk.limits, now_ms)
            if over is not None and over.scope == "run":
                agenda.add(entry)
                if not over.waits or not self.crew.firings:
                    self.end = RunEnd("timed_out" if over.what == "time" else "stalled", over.sentence())
                return
            repeats = desk.repetition.refusal(entry)
            if (over is None and not repeats) or self.lineup.granted(entry.activation):
                self._fire(choice, now_ms)
            elif over is None:
                self._refuse(entry, "stalled", repeats)
            elif over.waits:
                self.lineup.park(entry)
            else:
                self._refuse(entry, "over_budget", over.sentence())
        if limited and agenda.eligible and self.crew.ordinary < self._max_running:
            self.look()  # who was refused or parked took nobody's place

    def _fire(self, choice: Choice, now_ms: int) -> None:
        entry = choice.entry
        activation = entry.activation
        self.matcher.drop(activation)
        firing = Firing(self.desk, self.desk.sources[entry.agent], entry, self.lineup.stored.pop(activation, None))
        self.crew.take(firing, now_ms)
        firing.task = self._loop.create_task(self._drive(firing, choice))

    def _stop(self, firing: Firing) -> None:
        firing.stop()
        if not firing.begun:  # then its task never comes to its own clean-up
            self._put_away(firing)

    async def _drive(self, firing: Firing, choice: Choice) -> None:
        """Fire, then put away."""
        try:
            ended = await firing.fire(choice)
        except asyncio.CancelledError:
            self._put_away(firing)
            if self._paused:
                raise
            if firing.superseded is not None and firing.record is not None and firing.dispatched:
                self._aside(obviate(self.desk, firing.activation, firing.record, firing.commit, firing.superseded))
        except BaseException as error:  # noqa: BLE001  # the run cannot go on: its caller is told
            self._put_away(firing)
            self._fail(error)
        else:
            self._put_away(firing)
            self._ended(firing, ended)

    def _put_away(self, firing: Firing) -> None:
        self.crew.put_away(firing, handed_back=self._paused)
        self.look()

    def _ended(self, firing: Firing, ended: Ended) -> None:
        activation, record = firing.activation, ended.record
        if record is None:
            present = self.desk.replica.get(activation_key(activation))
            if present is not None:
                self._activation_changed(activation, present)
            else:
                self.matcher.again(firing.source, dict(firing.entry.captures))
            return
        self.desk.meter.activations += 1
        self._note(activation, record["state"])
        if record["state"] == "pending":
            self._requeue(activation, record, ended.commit)
        elif record["state"] != "failed":
            self.overseer.forget(activation)
            if firing.source.kind == "supervisor" and not record.get("wrote"):
                attention = next(iter(firing.entry.triggers.values()))
                self.overseer.declined(attention.value["activation"], attention.commit)

    def _refuse(self, entry: Entry, failure: FailureClass, why: str) -> None:
        """A limit is used up for this one: a person decides."""
        self.matcher.drop(entry.activation)
        self.overseer.forget(entry.activation)
        stored = self.lineup.stored.pop(entry.activation, None)
        self._aside(refuse_call(self.desk, entry, stored, failure=failure, why=why))

    async def _attend(self) -> None:
        try:
            await self.overseer.attend()
        finally:
            self._attending = False

    # -- time and side work -----------------------------------------------------------------

    def _wake(self) -> None:
        limit_ms = self.desk.limits.run.time_ms
        if limit_ms is not None and self.desk.now_ms() >= self.desk.ledger.started_ms + limit_ms:
            self.end = RunEnd("timed_out", f"the run has used its {limit_ms / 1000:g} s")
        self.look()

    def _sweep(self) -> None:
        self._aside(self.desk.board.sweep())
        self.look()

    def _aside(self, work: Coroutine[Any, Any, None]) -> None:
        """Do ``work`` beside the cycle; what it raises ends the run."""
        task = self._loop.create_task(work)
        self._side.add(task)
        task.add_done_callback(self._aside_done)

    def _aside_done(self, task: asyncio.Task[None]) -> None:
        self._side.discard(task)
        if not task.cancelled() and task.exception() is not None:
            self._fail(task.exception())
        self.look()

    def _fail(self, error: BaseException | None) -> None:
        self.failure = self.failure or error
        self.stirred.set()
