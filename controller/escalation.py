"""Questions to people: what is asked, what may be answered, and what an answer does.

An answer is one commit: it is guarded by the question still being open, by the activation still waiting
for it and by the records that the question is about, so a stale answer changes nothing.  One that
contributes in the agent's place is held to what the agent's ``unless`` names as the agent is.
"""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any, Final

from blackboard.codec import check_value
from blackboard.commit import Absent, At, Put
from blackboard.control_records import ACTIVATIONS, ESCALATIONS
from blackboard.errors import Conflict
from blackboard.pattern import Pattern
from controller.activation import advance, own_triggers
from controller.approval import critical_keys
from controller.approving import answer_proposal, choices_of
from controller.desk import contents
from controller.given_answer import (
    ABANDON,
    DECIDE,
    NOBODY,
    RETRY,
    Answer,
    Refusal,
    Unfit,
    answered,
    decides,
    exclusions_of,
    moved,
    read,
)
from knowledge_sources.answer_schema import answer_fault
from knowledge_sources.region_schemas import hold_to_schemas

if TYPE_CHECKING:
    from collections.abc import Sequence

    from blackboard.board import Board
    from blackboard.commit import Guard, Write
    from blackboard.control_records import Activation, Escalation, FailureClass, Proposal
    from blackboard.record import Record

__all__ = ["ABANDON", "DECIDE", "RETRY", "Answer", "Refusal", "Unfit", "answer", "proposed_question", "question_of"]


_TRIES: Final = 3


def question_of(
    activation: str,
    record: Activation,
    *,
    question: str,
    choices: Sequence[str],
    schema: dict[str, Any] | None,
    answer_to: str,
    asked_ms: int,
    revision: int,
    context: Sequence[Sequence[str]],
    failure: FailureClass | None,
) -> tuple[str, Escalation]:
    """The key and record of a question that ``activation`` waits for."""
    escalation: Escalation = {
        "status": "open",
        "question": question,
        "choices": list(choices),
        "schema": schema,
        "answer_to": answer_to,
        "activation": activation,
        "agent": record["agent"],
        "case": record["case"],
        "asked_ms": asked_ms,
        "context_revision": revision,
        "context": [list(pair) for pair in context],
        "failure": failure,
    }
    return ESCALATIONS + activation, escalation


def proposed_question(
    activation: str,
    record: Activation,
    proposal: Proposal,
    *,
    question: str,
    answer_to: str,
    critical: Sequence[Pattern],
    asked_ms: int,
    revision: int,
    failure: FailureClass | None,
) -> tuple[str, Escalation]:
    """The key and record of the question whether ``activation`` may contribute ``proposal``."""
    about = [[key, commit] for kind, key, commit in proposal["guards"] if kind in ("at", "absent")]
    key, escalation = question_of(
        activation,
        record,
        question=question,
        choices=choices_of(proposal, answer_to),
        schema=None,
        answer_to=answer_to,
        asked_ms=asked_ms,
        revision=revision,
        context=about,
        failure=failure,
    )
    escalation["proposal"] = proposal
    return key, reviewing(escalation, critical)


def reviewing(escalation: Escalation, critical: Sequence[Pattern]) -> Escalation:
    """``escalation`` with what makes an answer to it a critical decision, where the settings say that."""
    return {**escalation, "critical": [pattern.text for pattern in critical]} if critical else escalation


async def answer(board: Board, key: str, given: Answer, now_ms: int) -> Escalation:
    """Give ``given`` to the question at ``key``; returns the question as answered.

    What moves in the very moment is looked at again, so that who comes second hears who was first.  Raises
    :class:`Refusal`, of which :class:`Unfit` is one, :class:`InvalidValue`, :class:`SchemaMismatch`, :class:`Conflict`
    where something moves each time, and :class:`Corrupt` where a record about it is not what the runtime writes.
    """
    await hold_to_schemas(board)
    for _ in range(_TRIES - 1):
        with contextlib.suppress(Conflict):
            return await _answer_now(board, key, given, now_ms)
    return await _answer_now(board, key, given, now_ms)


async def _answer_now(board: Board, key: str, given: Answer, now_ms: int) -> Escalation:
    """One try of an answer to what is there now."""
    asked = await read(board, key)
    if asked is None:
        raise Refusal(f"no question {key.removeprefix(ESCALATIONS)!r} on board {board.name}")
    waiting = await read(board, ACTIVATIONS + asked.value["activation"])
    if waiting is None or waiting.value["state"] != "escalated":  # perhaps since the question was read, by an answer
        asked = await read(board, key) or asked
    refusal = _refusal(asked, waiting, given)
    if refusal or waiting is None:
        raise Refusal(refusal)
    if "proposal" in asked.value:
        return await answer_proposal(board, asked, waiting, given, now_ms)
    _check_fits(asked.value, given)
    contributes = _contributes(asked.value, given)
    basis = _basis(asked.value, waiting.value, contributes=contributes)
    excluded, unless = await exclusions_of(board, waiting.value) if contributes else ("", [])
    changed = (await moved(board, basis))[1] or excluded
    if changed:
        if asked.value["failure"] is None:  # else it may still be tried again or given up
            stale: Escalation = asked.fresh().value
            stale["status"], stale["reason"] = "stale", changed
            await board.commit([At(key, asked.commit)], [Put(key, stale)], stamp=given.stamp(asked.value))
        raise Refusal(f"the answer is stale: {changed}")
    guards, writes, done = _commit(board, asked, waiting, given, now_ms)
    await board.commit([*guards, *basis, *unless], writes, stamp=given.stamp(asked.value))
    return done


def _contributes(question: Escalation, given: Answer) -> bool:
    """Whether the answer is written where the agent would have contributed."""
    return bool(question["answer_to"]) and (question["failure"] is None or given.choice == DECIDE)


def _basis(question: Escalation, activation: Activation, *, contributes: bool) -> list[At | Absent]:
    """What must be as it was for the answer to count: what the question is about and, for one that contributes
    in the place of an agent that failed, what set that off.
    """
    basis: dict[str, str] = dict(question["context"])
    if contributes and question["failure"] is not None:
        basis |= {key: commit for _, key, commit in own_triggers(activation)}
    return [_as_was(key, commit) for key, commit in basis.items()]


def _as_was(key: str, commit: str) -> At | Absent:
    return At(key, commit) if commit else Absent(key)


def _refusal(asked: Record, waiting: Record | None, given: Answer) -> str:
    """Why ``given`` cannot answer, ``""`` where it can."""
    question: Escalation = asked.value
    if question["status"] == "answered":
        return f"answered already: {question.get('answer')!r} by {question.get('answered_by', 'somebody')}"
    if question["status"] != "open":
        return f"the question is {question['status']}: {question.get('reason', '')}"
    if waiting is None or waiting.value["state"] != "escalated":
        state = "gone" if waiting is None else waiting.value["state"]
        return f"the answer is stale: the activation that asked is {state}"
    if decides(question, given.choice) and "proposal" not in question:
        return "" if question["answer_to"] else "there is no one key to decide for: answer retry or abandon"
    if question["choices"] and given.choice not in question["choices"]:
        return f"{given.choice!r} is none of the choices: {', '.join(question['choices'])}"
    return ""


def _check_fits(question: Escalation, given: Answer) -> None:
    """A free answer is what the question's schema says, and no larger than a record, before the schema runs on it."""
    schema = question["schema"]
    if schema is None or question["choices"] or question["failure"] is not None:
        return
    free = given.said
    check_value(free)
    fault = answer_fault(schema, free)
    if fault and given.value is None:
        fault += "; anything but a text is given as --value JSON"
    if fault:
        raise Unfit(fault)


def _commit(
    board: Board, asked: Record, waiting: Record, given: Answer, now_ms: int
) -> tuple[list[Guard], list[Write], Escalation]:
    """The one commit that an answer is."""
    question: Escalation = asked.value
    activation: Activation = waiting.value
    guards: list[Guard] = [At(asked.key, asked.commit), At(waiting.key, waiting.commit)]
    done = answered(question, given, now_ms)
    writes: list[Write] = [Put(asked.key, done)]
    said = f"{given.by} answered {given.choice!r}" + (f": {given.reason}" if given.reason else "")
    controllers = question["failure"] is not None
    if controllers and given.choice == RETRY:
        after = advance(activation, "pending", not_before_ms=0, decided_by=given.by, reason=said)
    elif controllers and given.choice == ABANDON:
        after = advance(activation, "abandoned", ended_ms=now_ms, decided_by=given.by, reason=said)
    else:
        after = advance(activation, "executed", ended_ms=now_ms, decided_by=given.by, reason=said)
        if question["answer_to"]:
            put = Put(question["answer_to"], given.value if decides(question, given.choice) else _answer_value(given))
            writes.append(put)
            after["wrote"] = [put.key]
            if given.by != NOBODY:
                after["reviewed_by"] = given.by
            if question.get("critical"):
                packed = board.pack(put, given.stamp(question))
                after["critical"] = critical_keys(map(Pattern.parse, question["critical"]), contents([packed]))
    writes.append(Put(waiting.key, after))
    return guards, writes, done


def _answer_value(given: Answer) -> dict[str, Any]:
    return {"answer": given.said, "answered_by": given.by, "reason": given.reason}
