"""What a failed call leaves behind: the activation's next state and whoever is asked, as one commit's writes."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from blackboard.wording import first_line, seconds
from controller.activation import advance
from controller.breaker import Call
from controller.budgets import tokens_of
from controller.desk import packed_control
from controller.escalation import ABANDON, DECIDE, RETRY, proposed_question, question_of, reviewing
from controller.opening import undispatched
from controller.proposing import question_about
from controller.recovery import AskPerson, Failure, PassOn, Supervise, TryAgain, decide, tale
from controller.supervision import AskSupervisor, Ladder, Subject, attention, attention_key

if TYPE_CHECKING:
    from blackboard.control_records import Activation, Attempt, FailureClass
    from blackboard.group import Packed
    from controller.desk import Desk
    from controller.entry import Entry
    from knowledge_sources.source import KnowledgeSource


class Aftermath(NamedTuple):
    """The activation as it is to be written, with the records that go into the same commit."""

    record: Activation
    writes: tuple[Packed, ...]


def subject_of(activation: str, record: Activation) -> Subject:
    """``record`` as its supervisors see it."""
    told, attempts = "", record.get("attempts", [])
    if attempts:
        last = attempts[-1]
        failed = Failure(
            last["failure"], last["error"], activation, record["agent"], record["case"], attempts[0]["started_ms"],
            last["ended_ms"],
        )  # fmt: skip
        told = tale(failed, len(attempts))
    elif record["state"] == "held" and record.get("failure") == "stalled":
        told = record.get("reason", "").rpartition("; ")[0]
    return Subject(
        activation,
        record["agent"],
        record["capability"],
        record["case"],
        record["captures"],
        record["eligible_ms"],
        told,
    )


def ladder_of(source: KnowledgeSource) -> Ladder:
    """Whom an agent is answerable to."""
    return Ladder(source.escalate, source.respond_within_ms)


def after_failure(
    desk: Desk,
    source: KnowledgeSource,
    activation: str,
    record: Activation,
    *,
    failure: FailureClass,
    error: str,
    cost: float,
    ended_ms: int | None = None,
    retry_after_ms: int = 0,
) -> Aftermath:
    """What follows a call of ``record`` (in state ``failed``) that ended in ``failure``; books it in the ledger.

    ``ended_ms`` is when it ended, where that is not now; ``retry_after_ms`` how long it asked to be left alone.
    """
    now_ms = desk.now_ms()
    booked_ms = desk.steady_ms() if ended_ms is None else ended_ms
    ended_ms = now_ms if ended_ms is None else ended_ms
    started_ms = record["dispatched_ms"]
    attempt: Attempt = {
        "started_ms": started_ms, "ended_ms": ended_ms, "failure": failure, "error": error, "cost": cost,
        "agent": source.name,
    }  # fmt: skip
    if retry_after_ms:
        attempt["retry_after_ms"] = retry_after_ms
    if "usage" in record:
        attempt["usage"] = record["usage"]
    attempts = [*record.get("attempts", []), attempt]
    desk.ledger.note_end(activation, booked_ms, cost=cost, tokens=tokens_of(record.get("usage", ())), failed=True)
    record = {**record, "attempts": attempts, "failure": failure}
    for ended in ("ended_ms", "usage", "read", "log"):
        record.pop(ended, None)  # type: ignore[misc]  # optional fields, all of them
    if desk.breakers.machines:
        desk.breakers.ended(source.name, activation, Call(ended_ms, failure, error, cost=cost), now_ms)
    told_before = any(_told_alike(attempt, one) for one in attempts[:-1])
    failed = Failure(
        failure, error, activation, record["agent"], record["case"], attempts[0]["started_ms"], ended_ms, told_before,
        retry_after_ms,
    )  # fmt: skip
    work_item_attempts = max(desk.ledger.attempts(record["work_item"]), len(attempts))
    step = decide(
        failed,
        len(attempts),
        work_item_attempts,
        source.retry,
        desk.settings.limits,
        heir=desk.reserve.heir(activation, source.name),
        left_ms=_left_ms(desk, source, record),
    )
    if isinstance(step, PassOn):
        passed = advance(record, "abandoned", ended_ms=ended_ms, reason=step.sentence, passed_to=step.heir)
        passed.pop("proposal", None)
        return Aftermath(passed, ())
    if isinstance(step, TryAgain):
        again = advance(record, "pending", not_before_ms=now_ms + step.after_ms, reason=step.sentence)
        again.pop("proposal", None)
        return Aftermath(again, ())
    if source.kind == "supervisor":  # the next on the ladder is asked what it was asked
        return Aftermath(advance(record, "abandoned", ended_ms=ended_ms, reason=step.sentence), ())
    return ask_somebody(desk, source, activation, record, failure=failure, step=step)


def _told_alike(one: Attempt, other: Attempt) -> bool:
    return one["failure"] == other["failure"] and first_line(one["error"]) == first_line(other["error"])


def _left_ms(desk: Desk, source: KnowledgeSource, record: Activation) -> int | None:
    """The time that is left until the activation is late or the run is over; ``None``: any time."""
    left = []
    if source.respond_within_ms is not None:
        left.append(record["eligible_ms"] + source.respond_within_ms - desk.now_ms())
    run_ms = desk.settings.limits.run.time_ms
    if run_ms is not None:
        left.append(desk.ledger.started_ms + run_ms - desk.steady_ms())
    return min(left, default=None)


def pass_on_late(desk: Desk, source: KnowledgeSource, activation: str, record: Activation) -> Aftermath | None:
    """What becomes of one that is late and has no supervisor, pending or running: ``None`` where nobody goes on."""
    heir = desk.reserve.heir(activation, source.name)
    if not heir:
        return None
    now_ms = desk.now_ms()
    late = f"{source.name} has taken {seconds(now_ms - record['eligible_ms'])} for {record['case']}; {heir} goes on"
    if record["state"] == "pending":
        return Aftermath(advance(record, "obviated", ended_ms=now_ms, reason=late, passed_to=heir, failure="slow"), ())
    attempt: Attempt = {
        "started_ms": record["dispatched_ms"], "ended_ms": now_ms, "failure": "slow", "error": late, "cost": 0.0,
        "agent": source.name,
    }  # fmt: skip
    failed = advance(record, "failed", attempts=[*record.get("attempts", []), attempt], failure="slow")
    return Aftermath(advance(failed, "abandoned", ended_ms=now_ms, reason=late, passed_to=heir), ())


def ask_somebody(
    desk: Desk,
    source: KnowledgeSource,
    activation: str,
    record: Activation,
    *,
    failure: FailureClass,
    step: Supervise | AskPerson,
) -> Aftermath:
    """Ask the first supervisor on the ladder, a person where there is none; ``record`` is in state ``failed``."""
    now_ms = desk.now_ms()
    subject = subject_of(activation, record)
    asked = ladder_of(source).ask(subject, now_ms, desk.roster())
    if isinstance(asked, AskSupervisor):
        note = attention(asked, subject, now_ms, kind="failed", failure=failure, reason=step.sentence)
        key = attention_key("failed", activation)
        return Aftermath({**record, "reason": step.sentence}, (packed_control(key, note, desk.member, record["case"]),))
    sentence = step.sentence if isinstance(step, AskPerson) else asked.sentence
    return ask_person(desk, source, activation, record, failure=failure, sentence=sentence)


def ask_person(
    desk: Desk,
    source: KnowledgeSource | None,
    activation: str,
    record: Activation,
    *,
    failure: FailureClass,
    sentence: str,
) -> Aftermath:
    """The activation waits for a person, who may have it tried again, give it up, or decide in its place."""
    target = source.target.bind(record["captures"]) or "" if source is not None and source.target is not None else ""
    critical = desk.settings.review.critical
    if "proposal" in record:
        record = record.copy()
        proposal = record.pop("proposal")
        key, question = proposed_question(
            activation,
            record,
            proposal,
            question=question_about(record["agent"], record["case"], proposal, record["attempts"][-1]["error"]),
            answer_to=target,
            critical=critical,
            asked_ms=desk.now_ms(),
            revision=desk.replica.revision,
            failure=failure,
        )
    else:
        key, question = question_of(
            activation,
            record,
            question=f"{sentence}. What now?",
            choices=[RETRY, ABANDON] + ([DECIDE] if target else []),
            schema=None,
            answer_to=target,
            asked_ms=desk.now_ms(),
            revision=desk.replica.revision,
            context=[],
            failure=failure,
        )
        question = reviewing(question, critical)
    waiting = advance(record, "escalated", escalation=key, reason=sentence, failure=failure)
    return Aftermath(waiting, (packed_control(key, question, desk.member, record["case"]),))


async def refuse_call(
    desk: Desk, entry: Entry, stored: tuple[Activation, str] | None, *, failure: FailureClass, why: str
) -> None:
    """Ask a person instead of calling the agent of ``entry``; ``stored`` is its record and commit, if it has one."""
    activation = entry.activation
    if stored is not None:
        record, commit = stored
    else:
        record, commit = undispatched(entry, desk), ""
    sentence = f"{entry.agent} was not called for {entry.case}: {why}; waiting for a person"
    aftermath = ask_person(desk, desk.sources[entry.agent], activation, record, failure=failure, sentence=sentence)
    await desk.write_over(activation, commit, aftermath.record, aftermath.writes)
