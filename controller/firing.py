"""One activation, from the pick to its contribution.

Dispatch writes the activation's record, guarded by the leader, by its own absence and by its triggers; the
agent starts when that is acknowledged; the contribution is guarded by the activation and moves it to
its end in the same commit.  Whoever lost the activation meanwhile is refused by that guard.
"""

from __future__ import annotations

import asyncio
import math
import os
import re
import traceback
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING, Final, NamedTuple

from blackboard.backoff import backoff_s
from blackboard.commit import Absent, At
from blackboard.control_records import ACTIVATIONS, OVERRIDES, PROGRESS
from blackboard.errors import BlackboardError, Conflict, InvalidInput, TooLarge
from blackboard.record import FULL_TRUST, Stamp
from blackboard.wording import first_line
from controller.activation import advance
from controller.aftermath import after_failure
from controller.desk import packed_activation, packed_control, removal
from controller.escalation import question_of
from controller.hot_records import HotRecords
from controller.matching import candidates, exclusions
from controller.opening import opened
from knowledge_sources import declaration
from knowledge_sources.context import Context
from knowledge_sources.errors import ActivationEnded, InvalidContribution, failure_of
from knowledge_sources.invocation import invoke
from knowledge_sources.outcome import Contribution, Escalate

if TYPE_CHECKING:
    from collections.abc import Sequence

    from blackboard.commit import Committed, Guard
    from blackboard.control_records import Activation, FailureClass, Override, Progress, State, Usage
    from blackboard.errors import GuardFailure
    from blackboard.group import Packed
    from blackboard.log import Change
    from blackboard.record import Record
    from controller.desk import Desk
    from controller.entry import Entry
    from controller.strategy import Choice
    from knowledge_sources.outcome import Order, Outcome
    from knowledge_sources.source import KnowledgeSource

RERUNS: Final = 50
"""How often an agent runs again because what it read had changed, before that counts as a failed call."""

_FOLDER_PACKAGE: Final = re.compile(r"\bblackboard_agents_[0-9a-f]{16}\.")
"""what a file of agents is imported under, which says nothing to a person"""
_OWN_CODE: Final = tuple(str(Path(path).parent) + os.sep for path in (__file__, declaration.__file__))
"""where errors pass through that come out of an agent"""


class Ended(NamedTuple):
    """How a firing ended: the activation as last written and by which commit; ``None``: it was not ours to end."""

    record: Activation | None
    commit: str


LOST: Final = Ended(None, "")
"""The replica shows by then what stood against it."""


class Firing:
    """The firing of one entry of the agenda.  ``record`` and ``commit`` are the activation as last written."""

    __slots__ = (
        "_desk", "_dispatched_at", "_excluded", "_picked_at", "_progressed", "_running_us", "_triggers", "activation",
        "commit", "committing", "conflicts", "entry", "record", "source", "stopping", "superseded", "task", "usages",
    )  # fmt: skip

    def __init__(
        self, desk: Desk, source: KnowledgeSource, entry: Entry, before: tuple[Activation, str] | None
    ) -> None:
        self._desk = desk
        self.source = source
        self.entry = entry
        self.activation = entry.activation
        self.record: Activation | None = before[0] if before is not None else None
        self.commit = before[1] if before is not None else ""
        self.conflicts = 0
        self.committing = False
        """whether a commit of ours that changes the activation is on its way"""
        self.usages: list[Usage] = []
        """what the agent reported, over all its runs"""
        self.stopping = False
        self.superseded: Change | None = None
        """the change that made it moot, where it was stopped for that"""
        self.task: asyncio.Task[None] | None = None
        self._picked_at = 0.0
        self._dispatched_at = 0.0
        self._running_us = 0
        self._progressed = False
        self._triggers: list[Guard] = [At(record.key, record.commit) for record in entry.triggers.values()]
        self._excluded: list[Guard] = []

    @property
    def key(self) -> str:
        return ACTIVATIONS + self.activation

    @property
    def begun(self) -> bool:
        """Whether its task has come as far as the dispatch."""
        return self._picked_at > 0

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

    async def fire(self, choice: Choice) -> Ended:
        """Dispatch, run, contribute.  A cancelled firing writes no more; who cancels it says what becomes of it."""
        if not await self._dispatch(choice):
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
                return await self._fail(ctx, failure_of(error), _told(error))
            try:
                ended = await self._settle(ctx, outcome)
            except (InvalidContribution, InvalidInput, TooLarge) as error:
                return await self._fail(ctx, "invalid", _told(error))
            if ended is not None:
                return ended
            await asyncio.sleep(backoff_s(rerun))
        return await self._fail(ctx, "error", f"what it read changed {RERUNS} times while it ran")

    # -- dispatch ---------------------------------------------------------------------------

    async def _dispatch(self, choice: Choice) -> bool:
        desk, entry = self._desk, self.entry
        self._picked_at = started = perf_counter()
        now_ms = desk.now_ms()
        decision = choice.decision(desk.replica.revision, desk.levels)
        before = self.record
        if before is None:
            record = opened(entry, "running", worker=desk.member, now_ms=now_ms, decision=decision)
            own: Guard = Absent(self.key)
        else:
            record = advance(
                before, "running", worker=desk.member, attempt=entry.attempt, dispatched_ms=now_ms, decision=decision
            )
            for past in ("decided_by", "failure", "not_before_ms", "reason"):
                record.pop(past, None)  # type: ignore[misc]  # optional fields, all of them
            own = At(self.key, self.commit)
        self._excluded = self._exclusions()
        guards = [desk.leadership.guard, own, *self._triggers, *self._excluded]
        write = packed_activation(self.activation, record, desk.member)
        desk.meter.tracing += perf_counter() - started
        desk.hit("controller.before_dispatch")
        done = await self._commit(guards, [write], desk.member)
        desk.hit("controller.after_dispatch")
        if done is None:
            return False
        self.record = record
        self.commit = done.commit
        self._dispatched_at = perf_counter()
        return True

    def _exclusions(self) -> list[Guard]:
        return exclusions(self._desk.replica, self.source.unless, self.entry.captures)

    # -- running ----------------------------------------------------------------------------

    def _context(self) -> Context:
        record = self.record
        assert record is not None  # noqa: S101  # dispatched
        return Context(
            self.source,
            self._desk.replica,
            activation=self.activation,
            case=self.entry.case,
            captures=self.entry.captures,
            attempt=self.entry.attempt,
            earlier=record.get("attempts", ()),
            progress=self._progress,
        )

    async def _run(self, ctx: Context) -> Outcome:
        started = perf_counter()
        try:
            records = {alias: record.fresh() for alias, record in self.entry.triggers.items()}
            return await invoke(self.source, records, self.entry.captures, ctx, executor=self._desk.executor)
        finally:
            self.usages += ctx.usages
            ran = perf_counter() - started
            self._running_us += round(ran * 1e6)
            self._desk.meter.agents += ran

    async def _progress(self, text: str) -> None:
        """Show what the agent does now, beside the activation."""
        desk = self._desk
        value: Progress = {"agent": self.source.name, "text": text, "at_ms": desk.now_ms()}
        write = packed_control(PROGRESS + self.activation, value, self.source.name, self.entry.case)
        self._progressed = True
        try:
            await desk.store.submit([At(self.key, self.commit)], [write], self.source.name)
        except Conflict as conflict:
            raise ActivationEnded(self.source.name, self.activation) from conflict

    # -- contribution -----------------------------------------------------------------------

    async def _settle(self, ctx: Context, outcome: Outcome) -> Ended | None:
        """Commit what the run came to; ``None`` where what it read has changed, so that it must run again."""
        if isinstance(outcome, Contribution):
            return await self._contribute(ctx, outcome)
        if isinstance(outcome, Escalate):
            return await self._ask(ctx, outcome)
        return await self._order(ctx, outcome)

    async def _contribute(self, ctx: Context, outcome: Contribution) -> Ended | None:
        desk = self._desk
        started = perf_counter()
        stamp = self._stamp(ctx)
        writes = [desk.board.pack(write, stamp) for write in outcome.writes]
        desk.meter.validation += perf_counter() - started
        wrote = [write.key for write in outcome.writes] + [update.key for update in outcome.updates]
        record = self._finished(ctx, "executed", wrote)
        writes += self._closing(record, self.source.name)
        guards = self._guards(ctx)
        desk.hit("controller.before_contribution")
        try:
            if outcome.updates:
                hot = HotRecords(desk, outcome.updates, stamp)
                done = await hot.commit(guards, writes, self.source.name, self._submit)
            else:
                done = await self._submit(guards, writes, self.source.name)
        except Conflict as conflict:
            return await self._refused(ctx, conflict)
        desk.hit("controller.after_contribution")
        return Ended(record, done.commit)

    async def _ask(self, ctx: Context, asked: Escalate) -> Ended | None:
        """A question to a person; the activation waits for the answer."""
        desk, source = self._desk, self.source
        question_key, question = question_of(
            self.activation,
            self._now(),
            question=asked.question,
            choices=asked.choices,
            schema=asked.schema if isinstance(asked.schema, dict) else None,
            answer_to=asked.answer_to,
            asked_ms=desk.now_ms(),
            revision=desk.replica.revision,
            context=[self._as_seen(about) for about in asked.context or self.entry.triggers.values()],
            failure=None,
        )
        record = self._finished(ctx, "escalated", [])
        record["escalation"] = question_key
        record["reason"] = f"{source.name} asks: {first_line(asked.question)}"
        del record["ended_ms"]
        return await self._end(ctx, record, [packed_control(question_key, question, source.name, self.entry.case)])

    def _as_seen(self, about: Record | str) -> list[str]:
        """A record that a question is about, as key and commit; a key stands for what is there now."""
        if not isinstance(about, str):
            return [about.key, about.commit]
        present = self._desk.replica.get(about)
        return [about, present.commit if present is not None else ""]

    async def _order(self, ctx: Context, order: Order) -> Ended | None:
        """A supervisor's order is a record; the controller judges and applies it when it appears on the board."""
        attention = next(iter(self.entry.triggers.values())).value
        override: Override = {
            "verb": order.verb,  # type: ignore[typeddict-item]  # the four verbs are the four classes
            "activation": attention["activation"],
            "author": self.source.name,
            "reason": order.reason,
            "status": "open",
        }
        for field in ("by_ms", "value", "key"):
            if hasattr(order, field):
                override[field] = getattr(order, field)
        key = OVERRIDES + self.activation
        record = self._finished(ctx, "executed", [key])
        return await self._end(ctx, record, [packed_control(key, override, self.source.name, self.entry.case)])

    async def _end(self, ctx: Context, record: Activation, extra: Sequence[Packed]) -> Ended | None:
        writes = [*extra, *self._closing(record, self.source.name)]
        try:
            done = await self._submit(self._guards(ctx), writes, self.source.name)
        except Conflict as conflict:
            return await self._refused(ctx, conflict)
        return Ended(record, done.commit)

    def _closing(self, record: Activation, author: str) -> list[Packed]:
        """The activation as it ends; what it said on the way goes with that."""
        writes = [packed_activation(self.activation, record, author)]
        if self._progressed:
            writes.append(removal(PROGRESS + self.activation))
        return writes

    def _guards(self, ctx: Context) -> list[Guard]:
        own = At(self.key, self.commit)
        if not (self.source.guarded and self._desk.guarded):
            return [own]
        guards = [own, *self._triggers, *self._excluded]
        known = {guard.key for guard in guards if isinstance(guard, At | Absent)}
        guards += [g for g in ctx.guards() if not (isinstance(g, At | Absent) and g.key in known)]
        return guards

    def _stamp(self, ctx: Context) -> Stamp:
        triggers = self.entry.triggers.values()
        depth, trust = 0, FULL_TRUST
        for record in triggers:
            head = record.head
            depth = max(depth, head.depth)
            trust = min(trust, head.trust)
        causes = [f"{record.key}@{record.commit}" for record in triggers]
        causes += [f"{key}@{commit}" for key, commit in ctx.reads if commit]
        return Stamp(self.source.name, self.activation, self.entry.case, tuple(causes), depth + 1, trust)

    def _now(self) -> Activation:
        assert self.record is not None  # noqa: S101  # dispatched
        return self.record

    def _finished(self, ctx: Context, state: State, wrote: list[str]) -> Activation:
        """The record of this activation as it ends: fields that would be empty are left out."""
        started = perf_counter()
        record = advance(self._now(), state, ended_ms=self._desk.now_ms(), run_us=self._running_us)
        record["dispatch_us"] = round((self._dispatched_at - self._picked_at) * 1e6)
        if wrote:
            record["wrote"] = wrote
        if self.conflicts:
            record["conflicts"] = self.conflicts
        if ctx.reads:
            record["read"] = ctx.reads
        if self.usages:
            record["usage"] = self.usages
        if ctx.lines:
            record["log"] = ctx.lines
        self._desk.meter.tracing += perf_counter() - started
        return record

    # -- refusals and failures --------------------------------------------------------------

    async def _refused(self, ctx: Context, conflict: Conflict) -> Ended | None:
        """What a refused contribution means: lost, obviated, or run again on what is there now."""
        self.conflicts += 1
        self._desk.meter.conflicts += 1
        failures = {getattr(failure.guard, "key", ""): failure for failure in conflict.failures}
        if self.key in failures:
            await self._desk.caught_up(conflict)
            return LOST
        for record in self.entry.triggers.values():
            if record.key in failures:
                return await self._obviated(ctx, failures[record.key])
        excluding = self._excluding(conflict)
        if excluding is not None:
            return await self._obviated(ctx, excluding)
        await self._desk.caught_up(conflict)
        self._excluded = self._exclusions()
        return None

    def _excluding(self, conflict: Conflict) -> GuardFailure | None:
        """The failed guard that stands for an ``unless`` which now holds."""
        for pattern in self.source.unless:
            for failure in conflict.failures:
                if failure.record is not None and pattern.match(failure.record) is not None:
                    return failure
                region = getattr(failure.guard, "region", None)
                if region == pattern.region and any(candidates(self._desk.replica, pattern, self.entry.captures)):
                    return failure
        return None

    async def _obviated(self, ctx: Context, failure: GuardFailure) -> Ended:
        """The contribution came too late: recorded with who made it moot."""
        record = self._finished(ctx, "obviated", [])
        record["reason"] = f"too late: {failure.sentence()}"
        if failure.record is not None:
            record["winner"] = failure.record.author
        return await self._write_end(record)

    async def _fail(self, ctx: Context, failure: FailureClass, error: str) -> Ended:
        """A failed call: the record says what follows, and why in one sentence."""
        self._desk.meter.activations += 1
        record = self._finished(ctx, "failed", [])
        cost = self.cost
        aftermath = after_failure(
            self._desk, self.source, self.activation, record, failure=failure, error=error, cost=cost
        )
        self._desk.hit("controller.before_escalation")
        return await self._write_end(aftermath.record, aftermath.writes)

    async def _write_end(self, record: Activation, extra: Sequence[Packed] = ()) -> Ended:
        """Write how it ended; nothing guards that but the activation itself."""
        writes = [*extra, *self._closing(record, self._desk.member)]
        done = await self._commit([At(self.key, self.commit)], writes, self._desk.member)
        return LOST if done is None else Ended(record, done.commit)

    async def _commit(self, guards: list[Guard], writes: list[Packed], author: str) -> Committed | None:
        """Commit; ``None`` where a guard did not hold, so that this firing is not ours any more."""
        try:
            return await self._submit(guards, writes, author)
        except Conflict as conflict:
            self._desk.meter.conflicts += 1
            await self._desk.caught_up(conflict)
            return None

    async def _submit(self, guards: Sequence[Guard], writes: Sequence[Packed], author: str) -> Committed:
        """Send a commit that changes the activation, and see it through: a cancelled one may have been applied."""
        self.committing = True
        future = self._desk.store.submit(guards, writes, author)
        try:
            return await future
        finally:
            self.committing = False


def _told(error: BaseException) -> str:
    """An agent's error for its record: what it says first, then where it came from."""
    if isinstance(error, BlackboardError):  # its message says all, its class is the failure's
        said = str(error)
    else:
        said = _FOLDER_PACKAGE.sub("", "".join(traceback.format_exception_only(error)).strip())
    frames = traceback.extract_tb(error.__traceback__)
    inside = [frame for frame in frames if not frame.filename.startswith(_OWN_CODE)]
    place = f"\n  at {inside[-1].filename}:{inside[-1].lineno} in {inside[-1].name}" if inside else ""
    return (said + place)[:4000]
