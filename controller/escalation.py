"""Questions to people: what is asked, what may be answered, and what an answer does.

An answer is one commit: it is guarded by the question still being open, by the activation still waiting
for it and by the records that the question is about, so a stale answer changes nothing.  One that
contributes in the agent's place is held to what the agent's ``unless`` names as the agent is.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple

from blackboard import exit_codes
from blackboard.codec import check_value
from blackboard.commit import Absent, At, Put
from blackboard.control_records import ACTIVATIONS, AGENTS, ESCALATIONS
from blackboard.control_shapes import checked
from blackboard.errors import UsageError
from blackboard.pattern import Pattern
from blackboard.record import Stamp
from controller.activation import advance
from controller.matching import excluded_by, exclusions
from knowledge_sources.answer_schema import answer_fault

if TYPE_CHECKING:
    from collections.abc import Sequence

    from blackboard.board import Board
    from blackboard.commit import Guard, Write
    from blackboard.control_records import Activation, Escalation, FailureClass
    from blackboard.record import Record

RETRY: Final = "retry"
ABANDON: Final = "abandon"
DECIDE: Final = "decide"


class Refusal(UsageError):
    """An answer that cannot be given: to another question, twice, or after what it was about had changed."""

    exit_code = exit_codes.FAILED


class Unfit(Refusal):
    """An answer that is not what the schema of the question asks for; ``fault`` names the path."""

    exit_code = exit_codes.INVALID

    def __init__(self, fault: str) -> None:
        self.fault = fault
        super().__init__(f"the answer does not fit the question's schema: {fault}")


class Answer(NamedTuple):
    """A person's answer: one of the choices, ``decide`` with a value to contribute instead of the agent's,
    or, where the question names no choices, a value of any kind.
    """

    choice: str
    by: str
    reason: str = ""
    value: Any = None


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


async def answer(board: Board, key: str, given: Answer, now_ms: int) -> Escalation:
    """Give ``given`` to the question at ``key``; returns the question as answered.

    Raises :class:`Refusal`, of which :class:`Unfit` is one, :class:`InvalidValue`, :class:`Conflict` where
    something moved in the very moment, and :class:`Corrupt` where a record about it is not what the runtime writes.
    """
    asked = await _read(board, key)
    if asked is None:
        raise Refusal(f"no question {key.removeprefix(ESCALATIONS)!r} on board {board.name}")
    waiting = await _read(board, ACTIVATIONS + asked.value["activation"])
    refusal = _refusal(asked, waiting, given)
    if refusal or waiting is None:
        raise Refusal(refusal)
    _check_fits(asked.value, given)
    contributes = _contributes(asked.value, given)
    basis = _basis(asked.value, waiting.value, contributes=contributes)
    excluded, unless = await _exclusions(board, waiting.value) if contributes else ("", [])
    moved = await _moved(board, basis) or excluded
    if moved:
        if asked.value["failure"] is None:  # else it may still be tried again or given up
            stale: Escalation = asked.fresh().value
            stale["status"], stale["reason"] = "stale", moved
            await board.commit([At(key, asked.commit)], [Put(key, stale)], stamp=_stamp(given, asked.value))
        raise Refusal(f"the answer is stale: {moved}")
    guards, writes, answered = _commit(key, asked, waiting, given, now_ms)
    await board.commit([*guards, *basis, *unless], writes, stamp=_stamp(given, asked.value))
    return answered


async def _read(board: Board, key: str) -> Record | None:
    record = await board.get(key)
    return checked(record) if record is not None else None


def _contributes(question: Escalation, given: Answer) -> bool:
    """Whether the answer is written where the agent would have contributed."""
    return bool(question["answer_to"]) and (question["failure"] is None or given.choice == DECIDE)


def _basis(question: Escalation, activation: Activation, *, contributes: bool) -> list[At | Absent]:
    """What must be as it was for the answer to count: what the question is about and, for one that contributes
    in the place of an agent that failed, what set that off.
    """
    basis: dict[str, str] = dict(question["context"])
    if contributes and question["failure"] is not None:
        basis |= {key: commit for _, key, commit in activation["triggers"]}
    return [_as_was(key, commit) for key, commit in basis.items()]


async def _exclusions(board: Board, activation: Activation) -> tuple[str, list[Guard]]:
    """What the agent's ``unless`` names: the change that excludes an answer in its place, or ``""``, and the guards."""
    agent = await _read(board, AGENTS + activation["agent"])
    unless = [Pattern.parse(text) for text in agent.value["unless"]] if agent is not None else []
    if not unless:
        return "", []
    replica = await board.replica()
    await replica.caught_up(await board.revision())
    excluding = excluded_by(replica, unless, activation["captures"])
    told = f"{excluding.key} has changed since it was asked" if excluding is not None else ""
    return told, exclusions(replica, unless, activation["captures"])


def _as_was(key: str, commit: str) -> At | Absent:
    return At(key, commit) if commit else Absent(key)


def _stamp(given: Answer, asked: Escalation) -> Stamp:
    return Stamp(
        author=given.by,
        activation=asked["activation"],
        case=asked["case"],
        causes=tuple(f"{key}@{commit}" for key, commit in asked["context"]),
    )


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
    if given.choice == DECIDE and question["failure"] is not None:
        return "" if question["answer_to"] else "there is no one key to decide for: answer retry or abandon"
    if question["choices"] and given.choice not in question["choices"]:
        return f"{given.choice!r} is none of the choices: {', '.join(question['choices'])}"
    return ""


def _check_fits(question: Escalation, given: Answer) -> None:
    """A free answer is what the question's schema says, and no larger than a record, before the schema runs on it."""
    schema = question["schema"]
    if schema is None or question["choices"] or question["failure"] is not None:
        return
    free = _said(given)
    check_value(free)
    fault = answer_fault(schema, free)
    if fault and given.value is None:
        fault += "; anything but a text is given as --value JSON"
    if fault:
        raise Unfit(fault)


async def _moved(board: Board, basis: Sequence[At | Absent]) -> str:
    """What became of the first record that is not as it was, ``""`` where all are."""
    for guard in basis:
        present = await board.get(guard.key)
        if (present.commit if present is not None else "") != (guard.commit if isinstance(guard, At) else ""):
            return f"{guard.key} has changed since it was asked" if present is not None else f"{guard.key} is gone"
    return ""


def _commit(
    key: str, asked: Record, waiting: Record, given: Answer, now_ms: int
) -> tuple[list[Guard], list[Write], Escalation]:
    """The one commit that an answer is."""
    question: Escalation = asked.value
    activation: Activation = waiting.value
    guards: list[Guard] = [At(key, asked.commit), At(waiting.key, waiting.commit)]
    answered: Escalation = {
        **question,
        "status": "answered",
        "answer": _said(given),
        "answered_by": given.by,
        "answered_ms": now_ms,
        "reason": given.reason,
    }
    writes: list[Write] = [Put(key, answered)]
    said = f"{given.by} answered {given.choice!r}" + (f": {given.reason}" if given.reason else "")
    controllers = question["failure"] is not None
    if controllers and given.choice == RETRY:
        after = advance(activation, "pending", not_before_ms=0, decided_by=given.by, reason=said)
    elif controllers and given.choice == ABANDON:
        after = advance(activation, "abandoned", ended_ms=now_ms, decided_by=given.by, reason=said)
    else:
        after = advance(activation, "executed", ended_ms=now_ms, decided_by=given.by, reason=said)
        if question["answer_to"]:
            value = given.value if given.choice == DECIDE else _answer_value(given)
            writes.append(Put(question["answer_to"], value))
            after["wrote"] = [question["answer_to"]]
    writes.append(Put(waiting.key, after))
    return guards, writes, answered


def _said(given: Answer) -> Any:
    return given.choice if given.value is None else given.value


def _answer_value(given: Answer) -> dict[str, Any]:
    return {"answer": _said(given), "answered_by": given.by, "reason": given.reason}
