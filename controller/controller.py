"""The controller: it sees who is eligible, picks who fires next, and sees to what goes wrong.

There is no barrier: an agent fires when its inputs exist and it is its turn.  Everything is decided on
the state of the board; a change only says that it is time to look.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from time import perf_counter
from typing import TYPE_CHECKING, Any, Final, Literal, Self

from blackboard.control_records import ACTIVATIONS, AGENTS, ATTENTION, LEADER, OVERRIDES, activation_key
from blackboard.errors import BlackboardError
from blackboard.group import Packed
from controller.activation import FINAL
from controller.agenda import Agenda
from controller.aftermath import ask_person
from controller.budgets import Limits
from controller.desk import Desk, packed_activation, packed_control
from controller.entry import Entry
from controller.errors import LostLeadership
from controller.firing import Firing
from controller.leadership import Leadership, new_member
from controller.matching import Match, Matcher
from controller.opening import opened, unchosen
from controller.overseer import Overseer
from controller.strategy import Policy
from controller.takeover import hand_back, obviate, stored_match, take_over
from knowledge_sources.capture import intercepted
from knowledge_sources.registry import agent_record, broken_agent_record

if TYPE_CHECKING:
    from collections.abc import Coroutine, Iterable, Iterator

    from blackboard.board import Board
    from blackboard.commit import Guard
    from blackboard.control_records import Activation, Agent, State
    from blackboard.log import Change
    from blackboard.record import Record
    from controller.budgets import OverBudget
    from controller.firing import Ended
    from controller.strategy import Choice
    from knowledge_sources.source import KnowledgeSource

DEFAULT_LEVELS: Final = ("critical", "high", "normal", "low")
SWEEP_EVERY_S: Final = 0.05

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class RunEnd:
    """Why a run ended: nothing is left to do, only people are awaited, or a limit of the run was reached."""

    status: Literal["finished", "awaiting", "timed_out", "stalled"]
    reason: str = ""


class Controller:
    """Leads one board with the agents that it is given, which run in this process."""

    def __init__(self, desk: Desk, *, policy: Policy, max_running: int) -> None:
        self.desk = desk
        self._max_running = max_running
        self._agenda = Agenda(policy)
        self._supervisors = Agenda(policy)
        """supervisors do not wait behind those whom they supervise"""
        self._matcher = Matcher(desk.replica, self)
        self._overseer = Overseer(desk, self)
        self._firings: dict[str, Firing] = {}
        self._stored: dict[str, tuple[Activation, str]] = {}
        """pending activations that have a record: to be tried again"""
        self._awaited: set[str] = set()
        """activations that wait for a person"""
        self._parked: list[Entry] = []
        """entries that wait for a budget which running calls hold"""
        self._running: dict[str, int] = {}
        """agent → how many of its activations run"""
        self._ordinary = 0
        """running activations that are no supervisor's"""
        self._side: set[asyncio.Task[None]] = set()
        self._attending = False
        self._scheduled = False
        self._timer: asyncio.TimerHandle | None = None
        self._expecting = 0
        self._paused = True
        self._stirred = asyncio.Event()
        self._end: RunEnd | None = None
        self._failure: BaseException | None = None
        self._loop = asyncio.get_running_loop()
        self._unsubscribe = desk.replica.subscribe(self._changed)

    @classmethod
    async def start(
        cls,
        board: Board,
        sources: Iterable[KnowledgeSource],
        *,
        levels: tuple[str, ...] = DEFAULT_LEVELS,
        policy: Policy | None = None,
        limits: Limits | None = None,
        max_running: int = 16,
        guarded: bool = True,
    ) -> Self:
        """Lead ``board``: wait until nobody else does, register the agents, take up what was left undone.

        Nothing fires before :meth:`run_until_quiescent`.
        """
        replica = await board.replica()
        leadership = Leadership(board, new_member())
        await leadership.acquire()
        await replica.caught_up(await board.revision())
        executor = ThreadPoolExecutor(max_workers=max_running + 8, thread_name_prefix="agent")
        desk = Desk(board, replica, leadership, levels, limits or Limits(), guarded, executor)
        controller = cls(desk, policy=policy or Policy(), max_running=max_running)
        try:
            for source in sources:
                await controller.register(source)
            for activation, record, commit in await take_over(desk, controller._overseer):
                controller._note(activation, record["state"])
                if record["state"] == "pending":
                    controller._requeue(activation, record, commit)
            for source in desk.sources.values():
                controller._matcher.add(source)
        except BaseException:
            await controller.close()
            raise
        return controller

    # -- agents -----------------------------------------------------------------------------

    async def register(self, source: KnowledgeSource) -> None:
        """Put an agent into the registry; it fires once it has also joined."""
        self.desk.sources[source.name] = source
        await self._write_agent(agent_record(source))

    async def join(self, source: KnowledgeSource) -> None:
        """Take an agent in while others run."""
        await self.register(source)
        self._matcher.add(source)
        for key, record in list(self.desk.replica.region("control").items()):
            if key.startswith(ACTIVATIONS) and record.value["agent"] == source.name:
                self._activation_changed(key.removeprefix(ACTIVATIONS), record)
        self._look()

    async def report_broken(self, name: str, source: str, traceback: str) -> None:
        """Register an agent that could not be loaded, so that people see why it is missing."""
        await self._write_agent(broken_agent_record(name, source, traceback))

    async def _write_agent(self, record: Agent) -> None:
        write = packed_control(AGENTS + record["name"], record, self.desk.member)
        await self.desk.store.submit([self.desk.leadership.guard], [write], self.desk.member)

    # -- running ----------------------------------------------------------------------------

    async def run_until_quiescent(self) -> RunEnd:
        """Fire agents until nothing is pending or running and the log is drained, or a limit of the run is reached.

        Raises what made it impossible to go on: :class:`LostLeadership`, :class:`Unknown`, :class:`HistoryLost`.
        """
        self._paused = False
        self._look()
        with intercepted():
            while True:
                self._stirred.clear()
                if self._failure is not None:
                    raise self._failure
                if self._end is not None:
                    return self._end
                if self._idle() and await self._drained() and self._idle():
                    return self._quiescent()
                await self._stirred.wait()

    @contextlib.contextmanager
    def expecting(self) -> Iterator[None]:
        """While inside, the run does not end: more is about to come."""
        self._expecting += 1
        try:
            yield
        finally:
            self._expecting -= 1
            self._look()

    async def close(self) -> None:
        """Stop: hand back what runs, so that the next controller need not wait for it, and give up the lead."""
        self._paused = True
        if self._timer is not None:
            self._timer.cancel()
        firings = list(self._firings.values())
        for firing in firings:
            if firing.task is not None and not firing.committing:
                firing.task.cancel()
        await asyncio.gather(*(f.task for f in firings if f.task is not None), *self._side, return_exceptions=True)
        self._unsubscribe()
        with contextlib.suppress(BlackboardError):  # the server is away: the next controller sees them as dead
            await hand_back(self.desk, firings)
            await self.desk.leadership.release()
        self.desk.executor.shutdown(wait=False, cancel_futures=True)

    def agenda(self, limit: int) -> list[Entry]:
        """The first ``limit`` pending entries in the order in which they would fire."""
        now_ms = self.desk.now_ms()
        return self._supervisors.first(limit, now_ms) + self._agenda.first(limit, now_ms)

    @property
    def pending_count(self) -> int:
        return len(self._agenda) + len(self._supervisors) + len(self._parked)

    @property
    def running_count(self) -> int:
        return len(self._firings)

    def _idle(self) -> bool:
        return not (
            self._expecting
            or self._firings
            or self._side
            or self.pending_count
            or self._overseer.busy
            or self._attending
        )

    async def _drained(self) -> bool:
        """Whether the replica shows everything that is on the board."""
        await self.desk.replica.caught_up(await self.desk.board.revision())
        return not self._stirred.is_set()

    def _quiescent(self) -> RunEnd:
        if self._awaited:
            return RunEnd("awaiting", f"{len(self._awaited)} wait for a person")
        return RunEnd("finished")

    # -- what the matcher tells -------------------------------------------------------------

    def matched(self, match: Match) -> None:
        if match.activation in self._firings:
            return
        self._queue(match, attempt=1, not_before_ms=0)

    def unmatched(self, match: Match, change: Change) -> None:
        activation = match.activation
        self._agenda.remove(activation)
        self._supervisors.remove(activation)
        self._parked = [entry for entry in self._parked if entry.activation != activation]
        self._overseer.forget(activation)
        stored = self._stored.pop(activation, None)
        if stored is not None:
            self._aside(obviate(self.desk, activation, *stored, change))

    def misjudged(self, source: KnowledgeSource, error: Exception) -> None:
        """An agent's rating or precondition raised: shown with the agent, once."""
        _log.warning("the rating or precondition of %s raised: %r", source.name, error)
        record = agent_record(source)
        record["error"] = f"its rating or precondition raised {error!r}"
        self._aside(self._write_agent(record))

    def _queue(self, match: Match, *, attempt: int, not_before_ms: int) -> None:
        source, records = match.source, match.records
        triggers = tuple(records.values())
        latest = max(triggers, key=lambda record: record.revision) if len(triggers) > 1 else triggers[0]
        rating = 0.0
        if source.rating_binding is not None or source.rating:
            try:
                rating = source.rating_of(records, match.captures)
            except Exception as error:  # noqa: BLE001  # an agent's own code: it counts as unrated, and people are told
                self.misjudged(source, error)
        entry = Entry(
            match.activation,
            source.name,
            source.provides,
            triggers[0].case or triggers[0].key,
            level=self.desk.level_of(source),
            rating=rating,
            eligible_ms=max(record.time_ms for record in triggers),
            sequence=latest.revision,
            captures=match.captures,
            triggers=records,
            attempt=attempt,
            not_before_ms=not_before_ms,
        )
        agenda = self._supervisors if source.kind == "supervisor" else self._agenda
        agenda.add(entry)
        if source.respond_within_ms is not None and source.kind == "agent":
            self._overseer.expect(match.activation, source, entry.eligible_ms)

    def _requeue(self, activation: str, record: Activation, commit: str) -> None:
        """Put an activation that is to be tried again on the agenda; one whose agent is not here waits for it."""
        if record["agent"] not in self.desk.sources:
            return
        match = stored_match(self.desk, activation, record)
        if match is None:
            self._aside(obviate(self.desk, activation, record, commit, None))
            return
        self._stored[activation] = (record, commit)
        self._matcher.hold(match)
        self._queue(match, attempt=record["attempt"] + 1, not_before_ms=record.get("not_before_ms", 0))

    # -- what the overseer asks and tells ---------------------------------------------------

    def pending(self, activation: str) -> Entry | None:
        return self._agenda.get(activation) or self._supervisors.get(activation)

    def taken_away(self, activation: str, record: Activation, commit: str) -> None:
        self._note(activation, record["state"])
        self._agenda.remove(activation)
        self._supervisors.remove(activation)
        self._matcher.drop(activation)
        self._stored.pop(activation, None)
        firing = self._firings.get(activation)
        if firing is not None and firing.task is not None:
            firing.task.cancel()

    # -- changes of the board ---------------------------------------------------------------

    def _changed(self, change: Change) -> None:
        started = perf_counter()
        key = change.key
        if key.startswith("control/"):
            self._control_changed(key, change)
        else:
            self._matcher.changed(change)
        self.desk.meter.routing += perf_counter() - started
        self._look()

    def _control_changed(self, key: str, change: Change) -> None:
        if key.startswith(ACTIVATIONS):
            activation = key[len(ACTIVATIONS) :]
            firing = self._firings.get(activation)
            if firing is None or not firing.committing:
                self._activation_changed(activation, change.record)
            return
        if key == LEADER:
            leads = self.desk.leadership.commit
            if leads and (change.record is None or change.record.commit != leads):
                self._fail(LostLeadership(self.desk.board.name))
            return
        if key.startswith((ATTENTION, OVERRIDES)):
            self._overseer.changed(change)
        self._matcher.changed(change)

    def _note(self, activation: str, state: State) -> None:
        """Keep count of those that wait for a person."""
        if state == "escalated":
            self._awaited.add(activation)
        elif self._awaited:
            self._awaited.discard(activation)

    def _activation_changed(self, activation: str, record: Record | None) -> None:
        """Somebody else, a person for one, or our overseer has written an activation."""
        firing = self._firings.get(activation)
        if firing is not None:
            if firing.task is not None and (record is None or record.commit != firing.commit):
                firing.task.cancel()
            return
        if record is None:
            return
        state = record.value["state"]
        self._note(activation, state)
        if state == "pending" and self.pending(activation) is None:
            self._requeue(activation, record.fresh().value, record.commit)
        elif state in FINAL:
            self._overseer.forget(activation)

    # -- the cycle --------------------------------------------------------------------------

    def _look(self) -> None:
        self._stirred.set()
        if not self._scheduled and not self._paused:
            self._scheduled = True
            self._loop.call_soon(self._cycle)

    def _cycle(self) -> None:
        """Let fire who may, attend to what is late, and set the clock for what comes next."""
        self._scheduled = False
        if self._paused or self._end is not None or self._failure is not None:
            return
        now_ms = self.desk.now_ms()
        self._fire_from(self._supervisors, now_ms, limited=False)
        self._fire_from(self._agenda, now_ms, limited=True)
        if self._parked and not self._firings:
            self._unpark()
        due = self._overseer.next_ms()
        if due is not None and due <= now_ms and not self._attending:
            self._attending = True
            self._aside(self._attend())
        self._set_timer(now_ms)
        self._stirred.set()

    def _fire_from(self, agenda: Agenda, now_ms: int, *, limited: bool) -> None:
        desk = self.desk
        while not limited or self._ordinary < self._max_running:
            started = perf_counter()
            choice = agenda.pick(now_ms)
            desk.meter.router += perf_counter() - started
            if choice is None:
                return
            entry = choice.entry
            agenda.remove(entry.activation)
            over = desk.ledger.check(entry, desk.limits, now_ms)
            if over is None:
                self._fire(choice, now_ms, limited=limited)
            elif over.scope == "run":
                agenda.add(entry)
                if not over.waits or not self._firings:
                    self._end = RunEnd("timed_out" if over.what == "time" else "stalled", over.sentence())
                return
            elif over.waits:
                self._parked.append(entry)
            else:
                self._refuse(entry, over)

    def _fire(self, choice: Choice, now_ms: int, *, limited: bool) -> None:
        entry = choice.entry
        activation, agent = entry.activation, entry.agent
        source = self.desk.sources[agent]
        self._matcher.drop(activation)
        firing = Firing(self.desk, source, entry, self._stored.pop(activation, None))
        self._firings[activation] = firing
        self.desk.ledger.note_dispatch(entry, now_ms)
        self._ordinary += limited
        running = self._running.get(agent, 0) + 1
        self._running[agent] = running
        if source.max_running is not None and running >= source.max_running:
            (self._agenda if limited else self._supervisors).block(agent)
        firing.task = self._loop.create_task(self._drive(firing, choice))

    async def _drive(self, firing: Firing, choice: Choice) -> None:
        """Fire, then put away."""
        try:
            ended = await firing.fire(choice)
            if ended.record is None and firing.record is None and firing.lost_at:
                await self.desk.replica.caught_up(firing.lost_at)
        except asyncio.CancelledError:
            self._put_away(firing)
            if not self._paused:
                return
            raise
        except BaseException as error:  # noqa: BLE001  # the run cannot go on: its caller is told
            self._put_away(firing)
            self._fail(error)
        else:
            self._put_away(firing)
            self._ended(firing, ended)

    def _put_away(self, firing: Firing) -> None:
        agent, source = firing.entry.agent, firing.source
        del self._firings[firing.activation]
        self._running[agent] -= 1
        supervisor = source.kind == "supervisor"
        self._ordinary -= not supervisor
        if source.max_running is not None:
            (self._supervisors if supervisor else self._agenda).unblock(agent)
        # Settled already if it failed; a firing that was taken away or handed back was no failure.
        record = firing.record
        cost = sum(u["cost"] for u in record.get("usage", ())) if record is not None else 0.0
        self.desk.ledger.note_end(firing.activation, self.desk.now_ms(), cost=cost)
        if self._parked:
            self._unpark()
        self._look()

    def _ended(self, firing: Firing, ended: Ended) -> None:
        activation, record = firing.activation, ended.record
        if record is None:
            present = self.desk.replica.get(activation_key(activation))
            if present is not None:
                self._activation_changed(activation, present)
            else:
                self._matcher.again(firing.source, dict(firing.entry.captures))
            return
        self.desk.meter.activations += 1
        self._note(activation, record["state"])
        if record["state"] == "pending":
            self._requeue(activation, record, ended.commit)
        elif record["state"] != "failed":
            self._overseer.forget(activation)
            if self._overseer.settled(activation):
                self._aside(self._overseer.clear(activation))

    def _unpark(self) -> None:
        parked, self._parked = self._parked, []
        for entry in parked:
            source = self.desk.sources[entry.agent]
            (self._supervisors if source.kind == "supervisor" else self._agenda).add(entry)

    def _refuse(self, entry: Entry, over: OverBudget) -> None:
        """A limit is used up for this one: a person decides."""
        self._matcher.drop(entry.activation)
        self._overseer.forget(entry.activation)
        self._aside(self._ask_about(entry, over))

    async def _ask_about(self, entry: Entry, over: OverBudget) -> None:
        desk, activation = self.desk, entry.activation
        stored = self._stored.pop(activation, None)
        if stored is not None:
            record, commit = stored
        else:
            decision = unchosen(entry, desk.replica.revision, desk.levels[entry.level], None)
            record, commit = opened(entry, "pending", worker="", now_ms=desk.now_ms(), decision=decision), ""
        sentence = f"{entry.agent} was not called for {entry.case}: {over.sentence()}; waiting for a person"
        source = desk.sources[entry.agent]
        aftermath = ask_person(desk, source, activation, record, "over_budget", sentence)
        await desk.write_over(activation, commit, aftermath.record, aftermath.writes)

    async def _attend(self) -> None:
        try:
            await self._overseer.attend()
        finally:
            self._attending = False

    # -- time and side work -----------------------------------------------------------------

    def _set_timer(self, now_ms: int) -> None:
        """Look again when the next retry, deadline or expiry is due, or the run's time is over."""
        limit_ms = self.desk.limits.run.time_ms
        times = [self._agenda.next_ms(), self._supervisors.next_ms(), self._overseer.next_ms()]
        if limit_ms is not None:
            times.append(self.desk.ledger.started_ms + limit_ms)
        expiry_ms = self.desk.replica.next_expiry_ms()
        due = min((t for t in times if t is not None), default=None)
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if expiry_ms is not None and (due is None or expiry_ms <= due):
            delay = max(SWEEP_EVERY_S, (expiry_ms - now_ms) / 1000)
            self._timer = self._loop.call_later(delay, self._sweep)
        elif due is not None:
            self._timer = self._loop.call_later(max(0.001, (due - now_ms) / 1000), self._wake)

    def _wake(self) -> None:
        self._timer = None
        limit_ms = self.desk.limits.run.time_ms
        if limit_ms is not None and self.desk.now_ms() >= self.desk.ledger.started_ms + limit_ms:
            self._end = RunEnd("timed_out", f"the run has used its {limit_ms / 1000:g} s")
        self._look()

    def _sweep(self) -> None:
        self._timer = None
        self._aside(self.desk.board.sweep())
        self._look()

    def _aside(self, work: Coroutine[Any, Any, None]) -> None:
        """Do ``work`` beside the cycle; what it raises ends the run."""
        task = self._loop.create_task(work)
        self._side.add(task)
        task.add_done_callback(self._aside_done)

    def _aside_done(self, task: asyncio.Task[None]) -> None:
        self._side.discard(task)
        if not task.cancelled() and task.exception() is not None:
            self._fail(task.exception())
        self._look()

    def _fail(self, error: BaseException | None) -> None:
        self._failure = self._failure or error
        self._stirred.set()
