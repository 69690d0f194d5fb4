"""One activation, from the pick to its contribution.

Dispatch writes the activation's record, guarded by the leader, by its own absence and by its triggers; the
agent starts when that is acknowledged; the contribution is guarded by the activation and moves it to
its end in the same commit.  Whoever lost the activation meanwhile is refused by that guard.
"""

from __future__ import annotations

import asyncio
import math
from time import perf_counter
from typing import TYPE_CHECKING, Any, Final

from blackboard.backoff import backoff_s
from blackboard.commit import Absent, At
from blackboard.control_records import ACTIVATIONS, PROGRESS
from blackboard.errors import Conflict, InvalidInput, TooLarge
from controller.activation import advance
from controller.agent_error import told
from controller.candidates import exclusions
from controller.collecting import renewed, with_members
from controller.desk import packed_activation, packed_control, removal
from controller.ended import LOST
from controller.opening import opened
from controller.proposals import as_proposed
from controller.setback import fail
from controller.settling import settle
from controller.within_budget import within_budget
from knowledge_sources.context import Context
from knowledge_sources.errors import ActivationEnded, InvalidContribution, failure_of, retry_after_ms
from knowledge_sources.invocation import invoke

if TYPE_CHECKING:
    from collections.abc import Sequence

    from blackboard.commit import Committed, Guard
    from blackboard.control_records import Activation, Progress, State, Usage
    from blackboard.group import Packed
    from blackboard.log import Change
    from blackboard.record import Record
    from controller.collecting import Gathered
    from controller.desk import Desk
    from controller.ended import Ended
    from controller.entry import Entry
    from controller.gate import Step
    from controller.strategy import Choice
    from knowledge_sources.outcome import Outcome
    from knowledge_sources.source import KnowledgeSource

RERUNS: Final = 50
"""How often an agent runs again because what it read had changed, before that counts as a failed call."""


class Firing:
    """The firing of one entry of the agenda.  ``record`` and ``commit`` are the activation as last written."""

    __slots__ = (
        "_dispatch", "_dispatched_at", "_opened", "_picked_at", "_progressed", "_running_us", "activation", "commit",
        "committing", "conflicts", "contributing", "desk", "entry", "excluded_guards", "given_up", "members", "record",
        "source", "stopping", "superseded", "task", "trigger_guards", "usages",
    )  # fmt: skip

    def __init__(
        self,
        desk: Desk,
        source: KnowledgeSource,
        entry: Entry,
        before: tuple[Activation, str] | None,
        members: Gathered | None = None,
    ) -> None:
        self.desk = desk
        self.source = source
        self.entry = entry
        self.activation = entry.activation
        self.record: Activation | None = before[0] if before is not None else None
        self.commit = before[1] if before is not None else ""
        self.conflicts = 0
        self.committing = False
        """whether a commit of ours that changes the activation is on its way"""
        self.contributing: Activation | None = None
        """the activation as the contribution that is on its way ends it"""
        self.usages: list[Usage] = []
        """what the agent reported, over all its runs"""
        self.stopping = False
        self.given_up = False
        """whether it was stopped because another agent goes on, so that it was a failed call"""
        self.superseded: Change | None = None
        """the change that made it moot, where it was stopped for that"""
        self.task: asyncio.Task[None] | None = None
        self._dispatch: asyncio.Future[Committed] | None = None
        self._opened: Activation | None = None
        """the record that the dispatch writes"""
        self._picked_at = 0.0
        self._dispatched_at = 0.0
        self._running_us = 0
        self._progressed = False
        self.members = members
        """what it collects, frozen when it is dispatched; ``None`` where its agent collects nothing"""
        self.trigger_guards: list[Guard] = self._guards_of_triggers()
        self.excluded_guards: list[Guard] = []
        """what holds the contribution to its agent's ``unless``"""

    @property
    def key(self) -> str:
        return ACTIVATIONS + self.activation

    @property
    def triggers(self) -> list[Record]:
        """The records that set it off, those that it collected among them."""
        triggers = list(self.entry.triggers.values())
        if self.members is not None:
            triggers += [member for members in self.members.values() for member in members]
        return triggers

    def _guards_of_triggers(self) -> list[Guard]:
        guards: list[Guard] = [At(record.key, record.commit) for record in self.triggers]
        # What one collects under two names is guarded once.
        return guards if len(guards) < 2 else list(dict.fromkeys(guards))

    @property
    def dispatched(self) -> bool:
        """Whether the dispatch was acknowledged, so that the agent may have run."""
        return self._dispatched_at > 0

    @property
    def cost(self) -> float:
        """What the agent's runs have cost so far."""
        return math.fsum(usage["cost"] for usage in self.usages)

    def stop(self) -> None:
        """Stop the agent, once, so that it can clean up in peace; a commit that is on its way is seen through first."""
        if self.stopping:
            return
        self.stopping = True
        if self.task is not None and not self.committing:
            self.task.cancel()

    def _ends_us(self, error: BaseException) -> bool:
        """Whether ``error`` came to this firing from outside.

        A ``sys.exit()`` or a ``CancelledError`` of an agent's own is its failure like any other: let through, the
        first would end the run and the second leave the activation running for ever.
        """
        if isinstance(error, asyncio.CancelledError) and not self.stopping and self.task is not None:
            self.task.uncancel()  # where the agent had cancelled its own task
            return False
        return isinstance(error, asyncio.CancelledError | KeyboardInterrupt | GeneratorExit)

    async def fire(self) -> Ended:
        """Run and contribute, once begun.  A cancelled firing writes no more; who cancels it says what becomes of it."""
        if not await self._acknowledged():
            return LOST
        for rerun in range(RERUNS):
            if self.stopping:
                raise asyncio.CancelledError
            ctx = self._context()
            try:
                outcome = await self._run(ctx)
            except BaseException as error:  # whatever an agent raises is its failure, and is recorded
                if self._ends_us(error):
                    raise
                asked_ms = retry_after_ms(error)
                return await fail(self, ctx, failure_of(error), told(error), retry_after_ms=asked_ms)
            try:
                ended = await settle(self, ctx, outcome)
            except (InvalidContribution, InvalidInput, TooLarge) as error:
                return await fail(self, ctx, "invalid", told(error))
            if ended is not None:
                return ended
            await asyncio.sleep(backoff_s(rerun))
        return await fail(self, ctx, "error", f"what it read changed {RERUNS} times while it ran")

    def begin(self, choice: Choice, step: Step | None = None) -> None:
        """Send the dispatch.  What makes that impossible is raised by :meth:`fire`, which is to follow."""
        self.committing = True
        try:
            self._dispatch = self._sent(choice, step)
        except Exception as error:  # noqa: BLE001  # whoever runs the firing is told, as of a refused commit
            self._dispatch = asyncio.get_running_loop().create_future()
            self._dispatch.set_exception(error)

    def _sent(self, choice: Choice, step: Step | None) -> asyncio.Future[Committed]:
        desk, entry = self.desk, self.entry
        self._picked_at = started = perf_counter()
        now_ms = desk.now_ms()
        decision = choice.decision(desk.replica.revision, desk.settings.levels)
        before = self.record
        if before is None:
            record = opened(entry, "running", worker=desk.member, now_ms=now_ms, decision=decision)
            own: Guard = Absent(self.key)
        else:
            record = advance(
                before, "running", worker=desk.member, attempt=entry.attempt, dispatched_ms=now_ms, decision=decision
            )
            for past in (
                "because",
                "compensation",
                "confidence",
                "critical",
                "decided_by",
                "failure",
                "not_before_ms",
                "override",
                "proposal",
                "reason",
            ):
                record.pop(past, None)  # type: ignore[misc]  # optional fields, all of them
            own = At(self.key, self.commit)
        if self.members is not None:
            record = with_members(record, self.members)
        self.excluded_guards = exclusions(desk.replica, self.source.unless, entry.captures)
        guards = [desk.leadership.guard, own, *self.trigger_guards, *self.excluded_guards]
        writes = [packed_activation(self.activation, record, desk.member)]
        if step is not None:
            guards += step.guards
            writes += step.writes
        desk.meter.tracing += perf_counter() - started
        desk.hit("controller.before_dispatch")
        self._opened = record
        dispatch = desk.store.submit(guards, writes, desk.member)
        desk.store.hasten()
        return dispatch

    async def _acknowledged(self) -> bool:
        """Whether the dispatch was applied; the agent starts no sooner."""
        assert self._dispatch is not None  # noqa: S101  # begun
        try:
            done = await self._dispatch
        except Conflict as conflict:
            self.desk.meter.conflicts += 1
            await self.desk.caught_up(conflict)
            return False
        finally:
            self.committing = False
            self.desk.hit("controller.after_dispatch")
        self.record = self._opened
        self.commit = done.commit
        self._dispatched_at = perf_counter()
        return True

    def _context(self) -> Context:
        record, reserve = self.record, self.desk.reserve
        assert record is not None  # noqa: S101  # dispatched
        earlier = record.get("attempts", [])
        if self.source.name in reserve.groups:  # what the agents before it came to is its input
            earlier = [*reserve.earlier(self.activation), *earlier]
        return Context(
            self.source,
            self.desk.replica,
            activation=self.activation,
            case=self.entry.case,
            captures=self.entry.captures,
            attempt=self.entry.attempt,
            earlier=earlier,
            progress=self._progress,
        )

    async def _run(self, ctx: Context) -> Outcome:
        started = perf_counter()
        try:
            records: dict[str, Any] = {alias: record.fresh() for alias, record in self.entry.triggers.items()}
            if self.source.validates is not None:
                judged = next(iter(records))  # what it validates is its first watch
                records[judged] = as_proposed(records[judged])
            if self.source.token_budget is not None:
                records = within_budget(self.desk, ctx, records, self.source.token_budget)
            if self.members is not None:
                records.update(self.members)
            return await invoke(self.source, records, self.entry.captures, ctx, executor=self.desk.executor)
        finally:
            self.usages += ctx.usages
            ran = perf_counter() - started
            self._running_us += round(ran * 1e6)
            self.desk.meter.agents += ran

    def renew(self) -> bool:
        """Go on with the members as they are now; false where those that are left are too few."""
        if self.members is None:
            return True
        members = renewed(self.source, self.members, self.desk.replica.get)
        if members is None:
            return False
        self.members = members
        self.record = with_members(self.as_dispatched(), members)
        self.trigger_guards = self._guards_of_triggers()
        return True

    async def _progress(self, text: str) -> None:
        """Show what the agent does now, beside the activation."""
        desk = self.desk
        value: Progress = {"agent": self.source.name, "text": text, "at_ms": desk.now_ms()}
        write = packed_control(PROGRESS + self.activation, value, self.source.name, self.entry.case)
        self._progressed = True
        try:
            await desk.store.submit([At(self.key, self.commit)], [write], self.source.name)
        except Conflict as conflict:
            raise ActivationEnded(self.source.name, self.activation) from conflict

    def as_dispatched(self) -> Activation:
        """The activation as the dispatch wrote it."""
        assert self.record is not None  # noqa: S101  # dispatched
        return self.record

    def finished(self, ctx: Context, state: State, wrote: list[str]) -> Activation:
        """The record of this activation as it ends: fields that would be empty are left out."""
        started = perf_counter()
        record = advance(self.as_dispatched(), state, ended_ms=self.desk.now_ms(), run_us=self._running_us)
        record["dispatch_us"] = round((self._dispatched_at - self._picked_at) * 1e6)
        if wrote:
            record["wrote"] = wrote
        if self.conflicts:
            record["conflicts"] = self.conflicts
        if ctx.reads:
            record["read"] = ctx.reads
        if ctx.cites:
            record["cites"] = ctx.cites
        if self.usages:
            record["usage"] = self.usages
        if ctx.lines:
            record["log"] = ctx.lines
        self.desk.meter.tracing += perf_counter() - started
        return record

    def note_contributed(self) -> None:
        """The contribution is on the board: known by the change or by the answer, whichever comes first."""
        record, self.contributing = self.contributing, None
        if record is not None:
            self.desk.stalls.contributed(record)

    def closing(self, record: Activation, author: str) -> list[Packed]:
        """The activation as it ends; what it said on the way goes with that."""
        writes = [packed_activation(self.activation, record, author)]
        if self._progressed:
            writes.append(removal(PROGRESS + self.activation))
        return writes

    async def commit_or_lose(self, guards: list[Guard], writes: list[Packed], author: str) -> Committed | None:
        """Commit; ``None`` where a guard did not hold, so that this firing is not ours any more."""
        try:
            return await self.submit(guards, writes, author)
        except Conflict as conflict:
            self.desk.meter.conflicts += 1
            await self.desk.caught_up(conflict)
            return None

    async def submit(self, guards: Sequence[Guard], writes: Sequence[Packed], author: str) -> Committed:
        """Send a commit that changes the activation, and see it through: a cancelled one may have been applied."""
        self.committing = True
        future = self.desk.store.submit(guards, writes, author)
        self.desk.store.hasten()
        try:
            return await future
        finally:
            self.committing = False
