"""What a person answers, why an answer may be refused, and what must be as it was for it to count."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple

from blackboard import exit_codes
from blackboard.commit import Absent, At, Present
from blackboard.control_records import AGENTS
from blackboard.control_shapes import checked
from blackboard.errors import UsageError
from blackboard.pattern import Pattern
from blackboard.record import Stamp
from controller.candidates import excluded_by, exclusions

if TYPE_CHECKING:
    from collections.abc import Sequence

    from blackboard.board import Board
    from blackboard.commit import Guard
    from blackboard.control_records import Activation, Escalation
    from blackboard.record import Record

RETRY: Final = "retry"
ABANDON: Final = "abandon"
DECIDE: Final = "decide"
APPROVE: Final = "approve"
REJECT: Final = "reject"
NOBODY: Final = "nobody"
"""who answered, where a deadline has passed and the question's default is the answer: no person had a part in that"""


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

    @property
    def said(self) -> Any:
        """The value where there is one, else the choice."""
        return self.choice if self.value is None else self.value

    def stamp(self, asked: Escalation) -> Stamp:
        """The stamp of what the person writes."""
        causes = tuple(f"{key}@{commit}" for key, commit in asked["context"])
        return Stamp(author=self.by, activation=asked["activation"], case=asked["case"], causes=causes)


def decides(question: Escalation, choice: str) -> bool:
    """Whether ``choice`` asks for a value that is written in the place of the agent's."""
    return choice == DECIDE and (question["failure"] is not None or "proposal" in question)


def answered(question: Escalation, given: Answer, now_ms: int) -> Escalation:
    """``question`` with its answer."""
    return {
        **question,
        "status": "answered",
        "answer": given.said,
        "answered_by": given.by,
        "answered_ms": now_ms,
        "reason": given.reason,
    }


async def read(board: Board, key: str) -> Record | None:
    """A control record; raises :class:`Corrupt` where it is not what the runtime writes."""
    record = await board.get(key)
    return checked(record) if record is not None else None


async def exclusions_of(board: Board, activation: Activation) -> tuple[str, list[Guard]]:
    """What the agent's ``unless`` names: the change that excludes an answer in its place, or ``""``, and the guards."""
    agent = await read(board, AGENTS + activation["agent"])
    unless = [Pattern.parse(text) for text in agent.value["unless"]] if agent is not None else []
    if not unless:
        return "", []
    replica = await board.replica()
    await replica.caught_up(await board.revision())
    excluding = excluded_by(replica, unless, activation["captures"])
    told = f"{excluding.key} has changed since it was asked" if excluding is not None else ""
    return told, exclusions(replica, unless, activation["captures"])


async def moved(board: Board, basis: Sequence[Guard]) -> tuple[str, str]:
    """The key of the first record that is not as it was and what became of it; ``"", ""`` where all are.

    What others wrote in a region as a whole is left to the commit.
    """
    for guard in basis:
        if not isinstance(guard, At | Absent | Present):
            continue
        present = await board.get(guard.key)
        if isinstance(guard, Present):
            stands = present is not None
        else:
            stands = (present.commit if present is not None else "") == (guard.commit if isinstance(guard, At) else "")
        if not stands:
            gone = f"{guard.key} is gone"
            return guard.key, f"{guard.key} has changed since it was asked" if present is not None else gone
    return "", ""
