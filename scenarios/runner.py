"""Running a scenario: on a board of its own, from its first record to the judgement of what came of it."""

from __future__ import annotations

import asyncio
import dataclasses
from functools import partial
from typing import TYPE_CHECKING, Any, Final, Literal, NamedTuple, Protocol

from blackboard.commit import Put
from blackboard.control_records import FLOW, LEADER, RUN
from blackboard.control_shapes import checked, is_sound
from blackboard.errors import Conflict
from blackboard.record import Stamp
from controller.controller import Controller, RunEnd
from controller.errors import LostLeadership
from controller.flow import Person, halt
from scenarios.control_settings import control_settings
from scenarios.events import let_happen
from scenarios.feeding import check_files, fed_before, feed_scenario
from scenarios.flow_note import flow_note
from scenarios.loading import load_scenario
from scenarios.newcomers import Newcomers
from scenarios.run_boards import RUNNER, claim_named, claim_new, claim_unfinished
from scenarios.run_log import keep_log
from scenarios.run_record import ended, opened, resumed_from, settings_of
from scenarios.schemas import require_schemas
from scenarios.team import require_named
from scenarios.verdict import judged

if TYPE_CHECKING:
    from collections.abc import Collection, Coroutine
    from pathlib import Path

    from blackboard.backend import Backend
    from blackboard.board import Board
    from blackboard.control_records import Run
    from blackboard.log import Change
    from blackboard.replica import Replica
    from blackboard.schemas import Schema
    from knowledge_sources.source import KnowledgeSource
    from scenarios.feeding import Fed
    from scenarios.run_boards import Claimed
    from scenarios.scenario import Scenario
    from scenarios.verdict import Finished

PATIENCE_S: Final = 0.5
"""after which a person is told whom the run waits for"""
REST_EVERY_S: Final = 0.25


@dataclasses.dataclass(frozen=True, slots=True)
class Options:
    """How a scenario is run.  ``sets`` are ``a.b=value``; ``board`` is ``""`` for a board of the scenario's own.

    ``resume`` goes on with the last unfinished run, with that run's ``sets`` and input where none are given.
    ``stay`` goes on serving when nothing is left to do, and without the limit of the run's time.  ``halted`` stops the
    flow of the board before anything fires, in the name of ``by``.
    """

    sets: tuple[str, ...] = ()
    input_file: Path | None = None
    board: str = ""
    resume: bool = False
    stay: bool = False
    halted: Literal["", "paused", "recommend"] = ""
    by: str = RUNNER


class Onlooker(Protocol):
    """Who is told how a run goes while it goes; called on the loop, and expected to be quick but where it is awaited."""

    async def opened(self, board: Board, replica: Replica, *, resumed: bool) -> None:
        """The run has its board, and begins when this returns."""

    def changed(self, change: Change, running: int, pending: int) -> None:
        """One change of the board, and how many activations run and are pending."""

    def note(self, text: str) -> None:
        """Something that no change tells."""

    def rested(self) -> None:
        """With ``stay``: nothing is left to do for now."""

    def stopped(self, text: str) -> None:
        """People have stopped the flow of the board, or let it go on: who, and what to type."""

    async def ended(self, finished: Finished | None) -> None:
        """The run has ended, with ``None`` by an error; its board is open until this returns."""


async def run_scenario(backend: Backend, name: str, options: Options, onlooker: Onlooker) -> Finished:
    """Run the scenario ``name`` (a shipped name, a file, a folder) on ``backend`` until it comes to rest.

    Cancelled, it hands back what runs and returns a run that was interrupted.  Raises what loading raises, before
    any board is made; :class:`NothingSelected`, :class:`UsageError` where there is no such board to run on;
    :class:`LostLeadership`, :class:`Unknown`, :class:`HistoryLost` where it cannot go on: the run can be resumed.
    """
    ready = _prepared(name, options)
    scenario = ready.scenario
    run_at = partial(opened, scenario, options.input_file)
    if options.board:
        claimed = await claim_named(backend, options.board, run_at, resume=options.resume)
    elif options.resume:
        claimed = await claim_unfinished(backend, scenario.name, run_at)
    else:
        claimed = await claim_new(backend, scenario.name, run_at)
    async with claimed.board:
        if claimed.resumed:
            sets, input_file = resumed_from(claimed.run)
            options = dataclasses.replace(
                options, sets=(*sets, *options.sets), input_file=options.input_file or input_file
            )
            ready = _prepared(name, options)
        finished = None
        try:
            finished = await _Session(ready, options, claimed, onlooker).run()
        finally:
            await onlooker.ended(finished)
        return finished


class _Ready(NamedTuple):
    """A scenario whose files and agents could be read."""

    scenario: Scenario
    named: tuple[KnowledgeSource, ...]
    newcomers: Newcomers
    schemas: tuple[Schema, ...]


def _prepared(name: str, options: Options) -> _Ready:
    scenario = load_scenario(name, options.sets)
    check_files(scenario, options.input_file)
    named = require_named(scenario)
    return _Ready(scenario, named, Newcomers(scenario, named), require_schemas(scenario))


class _Session:
    """One process's part in a run, from taking the lead to giving it up."""

    def __init__(self, ready: _Ready, options: Options, claimed: Claimed, onlooker: Onlooker) -> None:
        self._ready = ready
        self._scenario = ready.scenario
        self._options = options
        self._board = claimed.board
        self._run = claimed.run
        self._resumed = claimed.resumed
        self._onlooker = onlooker
        self._fed: Fed | None = None

    async def run(self) -> Finished:
        (scenario, named, newcomers, schemas), board = self._ready, self._board
        settings = control_settings(scenario, schemas, timed=not self._options.stay)
        before = await fed_before(board) if self._resumed else frozenset[str]()
        if self._options.halted:
            await halt(board, self._options.halted, Person(self._options.by, "the run began so"))
        controller = await self._lead(
            Controller.start(
                board,
                [*named, *newcomers.present],
                settings,
            )
        )
        try:
            await keep_log(board, scenario, stay=self._options.stay)
            end = await self._work(controller, newcomers, before)
            run = await self._write_end(controller, end)
        finally:
            await controller.close()
        return await judged(board, scenario, end, run, settings.limits)

    async def _lead(self, starting: Coroutine[Any, Any, Controller]) -> Controller:
        """Start, and say for whom it waits where that takes long."""
        task: asyncio.Task[Controller] = asyncio.create_task(starting)
        try:
            done, _ = await asyncio.wait({task}, timeout=PATIENCE_S)
            leader = None if done else await self._board.get(LEADER)
            if leader is not None:
                self._onlooker.note(
                    f"waiting for {checked(leader).value['member']}, which leads board {self._board.name}"
                )
            return await task
        except asyncio.CancelledError:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
            raise

    async def _work(self, controller: Controller, newcomers: Newcomers, before: Collection[str]) -> RunEnd | None:
        """Feed and fire until the end; ``None`` where it was interrupted."""
        onlooker, replica = self._onlooker, await self._board.replica()
        await onlooker.opened(self._board, replica, resumed=self._resumed)
        flow = replica.get(FLOW)
        if flow is not None and flow.value["mode"] != "running":
            onlooker.stopped(flow_note(self._board.name, flow.value))

        def changed(change: Change) -> None:
            onlooker.changed(change, controller.running_count, controller.pending_count)
            if change.key == FLOW and change.record is not None and is_sound(change.record):
                onlooker.stopped(flow_note(self._board.name, change.record.value))

        unsubscribe = replica.subscribe(changed)
        # Feeding is under way before the controller first looks whether anything is left to do.
        beside = [
            asyncio.create_task(self._begin(controller, before)),
            asyncio.create_task(newcomers.welcome(controller, onlooker.note)),
        ]
        if self._options.stay:
            beside.append(asyncio.create_task(self._stay(controller)))
        leading = asyncio.create_task(controller.run_until_quiescent())
        try:
            return await _first(leading, beside)
        except asyncio.CancelledError:
            task = asyncio.current_task()
            if task is not None:
                task.uncancel()
            return None
        finally:
            unsubscribe()
            for each in (leading, *beside):
                each.cancel()
            await asyncio.gather(leading, *beside, return_exceptions=True)

    async def _begin(self, controller: Controller, before: Collection[str]) -> None:
        with controller.expecting():
            if self._resumed:
                await self._write_run(controller, {**self._run, "status": "running"})
            self._fed = await feed_scenario(self._board, self._scenario, self._options.input_file, before=before)
            controller.desk.hit("runner.after_feeding")
            await let_happen(self._board, self._scenario, self._run["started_ms"])

    async def _stay(self, controller: Controller) -> None:
        """Keep the run from ending, and say each time it comes to rest."""
        replica, rested_at = await self._board.replica(), -1
        with controller.expecting():
            while True:
                await asyncio.sleep(REST_EVERY_S)
                busy = self._fed is None or bool(controller.running_count or controller.pending_count)
                if not busy and replica.revision != rested_at:
                    rested_at = replica.revision
                    self._onlooker.rested()

    async def _write_end(self, controller: Controller, end: RunEnd | None) -> Run:
        run = ended(
            self._run,
            controller.desk,
            status=end.status if end is not None else "interrupted",
            settings=settings_of(self._scenario, self._options.input_file),
            ended_ms=controller.desk.now_ms(),
            fed=self._fed,
        )
        run.pop("waits", None)
        if end is not None and end.waits is not None:
            run["waits"] = end.waits.as_record()
        await self._write_run(controller, run)
        return run

    async def _write_run(self, controller: Controller, run: Run) -> None:
        """Write ``control/run``, guarded by the lead, so that only who still leads says how it goes."""
        leads = [controller.desk.leadership.guard]
        try:
            await self._board.commit(leads, [Put(RUN, run)], stamp=Stamp(author=RUNNER))
        except Conflict as conflict:
            raise LostLeadership(self._board.name) from conflict


async def _first(leading: asyncio.Task[RunEnd], beside: list[asyncio.Task[None]]) -> RunEnd:
    """The end that ``leading`` comes to; raises what one of ``beside`` raises before that."""
    tasks: set[asyncio.Task[Any]] = {leading, *beside}
    while not leading.done():
        done, tasks = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        for each in done:
            each.result()
    return leading.result()
