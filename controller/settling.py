"""What a run comes to, committed: a contribution, a question to a person, or a supervisor's order."""

from __future__ import annotations

from time import perf_counter
from typing import TYPE_CHECKING

from blackboard.commit import Absent, At
from blackboard.control_records import OVERRIDES
from blackboard.errors import Conflict
from blackboard.record import FULL_TRUST, Stamp
from blackboard.wording import first_line
from controller.desk import packed_control
from controller.ended import Ended
from controller.escalation import question_of
from controller.hot_records import HotRecords
from controller.ordering import override_of
from controller.proposals import proposal_of, settle_verdict, to_be_validated
from controller.setback import refused
from knowledge_sources.outcome import Contribution, Escalate
from knowledge_sources.verdict import Pass, Reject

if TYPE_CHECKING:
    from collections.abc import Sequence

    from blackboard.commit import Guard
    from blackboard.control_records import Activation
    from blackboard.group import Packed
    from blackboard.record import Record
    from controller.firing import Firing
    from knowledge_sources.context import Context
    from knowledge_sources.orders import Order
    from knowledge_sources.outcome import Outcome


async def settle(firing: Firing, ctx: Context, outcome: Outcome) -> Ended | None:
    """Commit what the run came to; ``None`` where what it read has changed, so that it must run again."""
    if isinstance(outcome, Contribution):
        return await _contribute(firing, ctx, outcome)
    if isinstance(outcome, Escalate):
        return await _ask(firing, ctx, outcome)
    if isinstance(outcome, Pass | Reject):
        return await settle_verdict(firing, ctx, outcome, _guards(firing, ctx))
    return await _order(firing, ctx, outcome)


async def _contribute(firing: Firing, ctx: Context, outcome: Contribution) -> Ended | None:
    desk = firing.desk
    started = perf_counter()
    stamp = _stamp(firing, ctx)
    if firing.source.proposed or desk.settings.validate:
        wanted = to_be_validated(firing.source, desk, outcome.writes)
        if wanted:
            return await _propose(firing, ctx, outcome, wanted, stamp)
    writes = [desk.board.pack(write, stamp) for write in outcome.writes]
    desk.meter.validation += perf_counter() - started
    wrote = [write.key for write in outcome.writes] + [update.key for update in outcome.updates]
    record = firing.finished(ctx, "executed", wrote)
    rewrote = desk.stalls.rewritten(desk.replica.get, writes, stamp)
    if rewrote:
        # What many count together says nothing of its own.
        record["rewrote"] = rewrote + [[update.key, "", ""] for update in outcome.updates]
    writes += firing.closing(record, firing.source.name)
    guards = _guards(firing, ctx)
    firing.contributing = record
    desk.hit("controller.before_contribution")
    try:
        if outcome.updates:
            hot = HotRecords(desk, outcome.updates, stamp)
            done = await hot.commit(guards, writes, firing.source.name, firing.submit)
        else:
            done = await firing.submit(guards, writes, firing.source.name)
    except Conflict as conflict:
        return await refused(firing, ctx, conflict)
    desk.hit("controller.after_contribution")
    firing.note_contributed()
    return Ended(record, done.commit)


async def _propose(
    firing: Firing, ctx: Context, outcome: Contribution, wanted: list[str], stamp: Stamp
) -> Ended | None:
    """The contribution waits until a validator has passed what is ``wanted``."""
    guards = _guards(firing, ctx)
    record, writes = proposal_of(firing, ctx, outcome, wanted=wanted, stamp=stamp, guards=guards)
    writes += firing.closing(record, firing.source.name)
    try:
        done = await firing.submit(guards, writes, firing.source.name)
    except Conflict as conflict:
        return await refused(firing, ctx, conflict)
    firing.desk.hit("controller.after_proposal")
    return Ended(record, done.commit)


async def _ask(firing: Firing, ctx: Context, asked: Escalate) -> Ended | None:
    """A question to a person; the activation waits for the answer."""
    desk, source = firing.desk, firing.source
    question_key, question = question_of(
        firing.activation,
        firing.as_dispatched(),
        question=asked.question,
        choices=asked.choices,
        schema=asked.schema if isinstance(asked.schema, dict) else None,
        answer_to=asked.answer_to,
        asked_ms=desk.now_ms(),
        revision=desk.replica.revision,
        context=[_as_seen(firing, about) for about in asked.context or firing.entry.triggers.values()],
        failure=None,
    )
    record = firing.finished(ctx, "escalated", [])
    record["escalation"] = question_key
    record["reason"] = f"{source.name} asks: {first_line(asked.question)}"
    del record["ended_ms"]
    return await _end(firing, ctx, record, [packed_control(question_key, question, source.name, firing.entry.case)])


def _as_seen(firing: Firing, about: Record | str) -> list[str]:
    """A record that a question is about, as key and commit; a key stands for what is there now."""
    if not isinstance(about, str):
        return [about.key, about.commit]
    present = firing.desk.replica.get(about)
    return [about, present.commit if present is not None else ""]


async def _order(firing: Firing, ctx: Context, orders: Sequence[Order]) -> Ended | None:
    """A supervisor's order is a record; the controller judges and applies it when it appears on the board."""
    attention = next(iter(firing.entry.triggers.values())).value
    author, now_ms = firing.source.name, firing.desk.now_ms()
    writes, keys = [], []
    for number, order in enumerate(orders, 1):
        key = OVERRIDES + firing.activation + (f"-{number}" if number > 1 else "")
        override = override_of(order, author=author, about=attention["activation"], now_ms=now_ms)
        writes.append(packed_control(key, override, author, firing.entry.case))
        keys.append(key)
    record = firing.finished(ctx, "executed", keys)
    return await _end(firing, ctx, record, writes)


async def _end(firing: Firing, ctx: Context, record: Activation, extra: Sequence[Packed]) -> Ended | None:
    writes = [*extra, *firing.closing(record, firing.source.name)]
    try:
        done = await firing.submit(_guards(firing, ctx), writes, firing.source.name)
    except Conflict as conflict:
        return await refused(firing, ctx, conflict)
    return Ended(record, done.commit)


def _guards(firing: Firing, ctx: Context) -> list[Guard]:
    own = At(firing.key, firing.commit)
    if not (firing.source.guarded and firing.desk.settings.guarded):
        return [own]
    guards = [own, *firing.trigger_guards, *firing.excluded_guards]
    known = {guard.key for guard in guards if isinstance(guard, At | Absent)}
    guards += [g for g in ctx.guards() if not (isinstance(g, At | Absent) and g.key in known)]
    return guards


def _stamp(firing: Firing, ctx: Context) -> Stamp:
    triggers = firing.entry.triggers.values()
    depth, trust = 0, FULL_TRUST
    for record in triggers:
        head = record.head
        depth = max(depth, head.depth)
        trust = min(trust, head.trust)
    causes = [f"{record.key}@{record.commit}" for record in triggers]
    causes += [f"{key}@{commit}" for key, commit in ctx.reads if commit]
    return Stamp(firing.source.name, firing.activation, firing.entry.case, tuple(causes), depth + 1, trust)
