"""Whose turn it is to answer a question, until when, and what follows when nobody has.  Nothing here does I/O."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, TypeAlias

if TYPE_CHECKING:
    from blackboard.control_records import Escalation
    from knowledge_sources.outcome import Escalate

Next: TypeAlias = Literal["asked on", "default", "waits on"]


def with_deadline(question: Escalation, asked: Escalate) -> Escalation:
    """``question`` with the first assignee and deadline that ``asked`` names; as it is where it names none."""
    given: Escalation = {**question}
    if asked.assignees:
        given["assignee"], rest = asked.assignees[0], list(asked.assignees[1:])
        if rest:
            given["next_assignees"] = rest
    if asked.deadline_ms:
        given["within_ms"] = asked.deadline_ms
        given["deadline_ms"] = question["asked_ms"] + asked.deadline_ms
    if asked.default is not None:
        given["default"] = asked.default
    return given


def after_deadline(question: Escalation, now_ms: int) -> tuple[Next, Escalation]:
    """What follows the deadline of ``question`` that has passed: the next assignee, the default answer, or nothing.

    Where nothing follows the question stays open without a deadline.
    """
    later: Escalation = {**question}
    rest = later.get("next_assignees", [])
    if rest:
        later["assignee"], left = rest[0], rest[1:]
        if left:
            later["next_assignees"] = left
        else:
            del later["next_assignees"]
        later["deadline_ms"] = now_ms + question.get("within_ms", 0)
        return "asked on", later
    if "default" in later:
        return "default", later
    later.pop("deadline_ms", None)
    return "waits on", later
