"""What a run comes to, committed: a contribution, a question to a person, or a supervisor's order."""

from __future__ import annotations

from time import perf_counter
from typing import TYPE_CHECKING

from blackboard.control_records import OVERRIDES
from blackboard.errors import Conflict
from blackboard.wording import first_line
from controller.approval import critical_keys, verdict
from controller.claiming import claim_of, packed_claim, reversal_of
from controller.desk import contents, packed_control
from controller.ended import Ended
from controller.escalation import proposed_question, question_of, reviewing
from controller.hot_records import HotRecords
from controller.ordering import override_of
from controller.proposals import proposal_of, settle_verdict, to_be_validated
from controller.proposing import held_contribution, how_sure, question_about, shortly, unsure_because
from controller.read_set import guards_of, stamp_of
from controller.retracting import note_support
from controller.setback import fail, refused
from controller.turns import with_deadline
from knowledge_sources.outcome import Contribution, Escalate
from knowledge_sources.verdict import Pass, Reject

if TYPE_CHECKING:
    from collections.abc import Sequence

    from blackboard.control_records import Activation, Proposal
    from blackboard.group import Packed
    from blackboard.record import Record
    from controller.approval import Marks
    from controller.firing import Firing
    from knowledge_sources.context import Context
    from knowledge_sources.orders import Order
    from knowledge_sources.outcome import Outcome


async def settle(firing: Firing, ctx: Context, outcome: Outcome) -> Ended | None:
    """Commit what the run came to; ``None`` where what it read has changed, so that it must run again."""
    if isinstance(outcome, Contribution):
        source = firing.source
        if (
            outcome.confidence is not None
            or source.approval is not None
            or source.compensation is not None
            or firing.desk.settings.review.always
        ):
            return await _review(firing, ctx, outcome)
        return await _contribute(firing, ctx, outcome)
    if isinstance(outcome, Escalate):
        return await _ask(firing, ctx, outcome)
    if isinstance(outcome, Pass | Reject):
        return await settle_verdict(firing, ctx, outcome, guards_of(firing, ctx))
    return await _order(firing, ctx, outcome)


async def _review(firing: Firing, ctx: Context, outcome: Contribution) -> Ended | None:
    """Contribute, or wait for a person, as the settings and the agent's confidence say."""
    desk, source = firing.desk, firing.source
    review = desk.settings.review
    marks: Marks = {}
    if outcome.confidence is not None:
        marks["confidence"] = outcome.confidence
        if outcome.because:
            marks["because"] = outcome.because
    if review.critical:
        stamp = stamp_of(firing, ctx)
        packed = [desk.board.pack(write, stamp) for write in outcome.writes]
        critical = critical_keys(review.critical, contents(packed), (update.key for update in outcome.updates))
        if critical:
            marks["critical"] = critical
    if source.compensation is not None and (outcome.writes or outcome.updates):
        reversal = reversal_of(firing, source.compensation, outcome.writes)
        if reversal is not None:
            marks["compensation"] = reversal
    found = verdict(source.approval, source.threshold, outcome.confidence, review)
    if source.kind == "supervisor" or not (outcome.writes or outcome.updates):
        found = "contribute"
    if found == "contribute":
        return await _contribute(firing, ctx, outcome, marks)
    if found == "let through":
        return await _contribute(firing, ctx, outcome, {**marks, "let_through": True})
    _, *rests_on = guards_of(firing, ctx)
    proposal = held_contribution(source, outcome, rests_on, stamp_of(firing, ctx))
    if source.claim is not None:
        wrote = [write.key for write in outcome.writes]
        proposal["claim"] = claim_of(source.claim, firing.as_dispatched(), wrote)
    if found == "unsure":
        marks["proposal"] = proposal
        return await fail(firing, ctx, "unsure", unsure_because(source, review, outcome), marks=marks)
    return await _await_approval(firing, ctx, proposal, marks)


async def _await_approval(firing: Firing, ctx: Context, proposal: Proposal, marks: Marks) -> Ended | None:
    """Put the contribution before a person; the activation waits for the answer."""
    desk, source, case = firing.desk, firing.source, firing.entry.case
    confidence = marks.get("confidence")
    sure = how_sure(confidence, marks.get("because", "")) if confidence is not None else ""
    question_key, question = proposed_question(
        firing.activation,
        firing.as_dispatched(),
        proposal,
        question=question_about(source.name, case, proposal, sure),
        answer_to=_target(firing),
        critical=desk.settings.review.critical,
        asked_ms=desk.now_ms(),
        revision=desk.replica.revision,
        failure=None,
    )
    record: Activation = {**firing.finished(ctx, "escalated", []), **marks}
    record["escalation"] = question_key
    record["reason"] = f"{source.name} waits for the approval of {shortly(proposal)}"
    del record["ended_ms"]
    return await _end(firing, ctx, record, [packed_control(question_key, question, source.name, case)])


def _target(firing: Firing) -> str:
    """The one key that the agent contributes to, ``""`` where that is not one."""
    target = firing.source.target
    return (target.bind(firing.entry.captures) or "") if target is not None else ""


async def _contribute(firing: Firing, ctx: Context, outcome: Contribution, marks: Marks | None = None) -> Ended | None:
    """Commit a contribution; ``marks`` are added to the activation's record."""
    desk = firing.desk
    started = perf_counter()
    stamp = stamp_of(firing, ctx)
    if firing.source.proposed or desk.settings.validate:
        wanted = to_be_validated(firing.source, desk, outcome.writes)
        if wanted:
            return await _propose(firing, ctx, outcome, wanted, marks or {})
    writes = [desk.board.pack(write, stamp) for write in outcome.writes]
    desk.meter.validation += perf_counter() - started
    wrote = [write.key for write in outcome.writes] + [update.key for update in outcome.updates]
    record = firing.finished(ctx, "executed", wrote)
    if marks is not None:
        record = {**record, **marks}
    rewrote = desk.stalls.rewritten(desk.replica.get, writes, stamp)
    if rewrote:
        # What many count together says nothing of its own.
        record["rewrote"] = rewrote + [[update.key, "", ""] for update in outcome.updates]
    if ctx.logical:
        note_support(firing, ctx, outcome, record)
    if firing.source.claim is not None and wrote:
        claim = claim_of(firing.source.claim, record, wrote)
        writes.append(packed_claim(firing.activation, claim, record["case"]))
    writes += firing.closing(record, firing.source.name)
    guards = guards_of(firing, ctx)
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
    firing: Firing, ctx: Context, outcome: Contribution, wanted: list[str], marks: Marks
) -> Ended | None:
    """The contribution waits until a validator has passed what is ``wanted``."""
    guards, stamp = guards_of(firing, ctx), stamp_of(firing, ctx)
    record, writes = proposal_of(firing, ctx, outcome, wanted=wanted, stamp=stamp, guards=guards)
    record = {**record, **marks}
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
        context=[_as_seen(firing, about) for about in asked.context or firing.triggers],
        failure=None,
    )
    question = with_deadline(reviewing(question, desk.settings.review.critical), asked)
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
        done = await firing.submit(guards_of(firing, ctx), writes, firing.source.name)
    except Conflict as conflict:
        return await refused(firing, ctx, conflict)
    return Ended(record, done.commit)
