"""What an agent's run comes to: a contribution, a question to a person, or a supervisor's orders."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, NamedTuple, TypeAlias

from blackboard.codec import check_value
from blackboard.durations import parse_duration
from blackboard.errors import InvalidInput, InvalidValue
from blackboard.record import Record

if TYPE_CHECKING:
    from collections.abc import Sequence

    from blackboard.commit import Update, Write
    from knowledge_sources.orders import Order
    from knowledge_sources.verdict import Said

MAX_QUESTION: Final = 100_000


class Contribution(NamedTuple):
    """What an agent adds to the board in one commit; keys are complete, values are what a record can hold.

    ``confidence`` is ``None`` where the agent did not say how sure it is, else from 0 to 1, ``because`` why.
    """

    writes: tuple[Write, ...] = ()
    updates: tuple[Update, ...] = ()
    confidence: float | None = None
    because: str = ""


NOTHING: Final = Contribution()
"""The agent ran and had nothing to say."""


@dataclass(frozen=True, slots=True)
class Escalate:
    """A question to a person; the activation waits for the answer.

    ``choices`` are the answers that may be given, ``schema`` a JSON Schema (or a pydantic model) of a
    free one.  ``answer_to`` is the key at which the answer is written, captures in braces; by default
    the one key that the agent contributes to.  ``context`` are the records, or keys, that the question
    is about; by default those that set the agent off.  ``assignees`` are asked one after the other, each
    for ``deadline`` (a duration like ``4h``); after the last of them ``default`` is the answer, if any.
    """

    question: str
    choices: Sequence[str] = ()
    schema: dict[str, Any] | type | None = None
    answer_to: str = ""
    context: Sequence[Record[Any] | str] = ()
    assignees: Sequence[str] = ()
    deadline: str = ""
    default: Any = None
    deadline_ms: int = field(init=False, default=0)

    def __post_init__(self) -> None:
        if not _is_text(self.question):
            raise ValueError("Escalate needs a question")
        if isinstance(self.choices, str) or not all(_is_text(choice) for choice in self.choices):
            raise ValueError('Escalate: choices is a list of texts, as in choices=["approve", "reject"]')
        if len(self.question) + sum(map(len, self.choices)) > MAX_QUESTION:
            raise ValueError(f"Escalate: question and choices have at most {MAX_QUESTION:,} characters in all")
        object.__setattr__(self, "choices", tuple(self.choices))
        if isinstance(self.context, str) or not all(isinstance(about, str | Record) for about in self.context):
            raise ValueError("Escalate: context is a list of records or of their keys")
        object.__setattr__(self, "context", tuple(self.context))
        if isinstance(self.schema, type):
            describe = getattr(self.schema, "model_json_schema", None)
            if describe is None:
                raise ValueError(f"Escalate: {self.schema.__name__} is neither a JSON Schema nor a pydantic model")
            object.__setattr__(self, "schema", describe())
        try:
            check_value(self.schema)
        except InvalidValue as error:
            raise ValueError(f"Escalate: the schema is none: {error}") from error
        self._check_deadline()

    def _check_deadline(self) -> None:
        if isinstance(self.assignees, str) or not all(_is_text(name) for name in self.assignees):
            raise ValueError('Escalate: assignees is a list of names, as in assignees=["ana", "bo"]')
        object.__setattr__(self, "assignees", tuple(self.assignees))
        if self.deadline:
            try:
                object.__setattr__(self, "deadline_ms", parse_duration(self.deadline))
            except InvalidInput as error:
                raise ValueError(f"Escalate: deadline: {error.reason}") from error
        if self.default is None:
            return
        if not self.deadline_ms:
            raise ValueError(
                "Escalate: a default is the answer when a deadline has passed: give one, as in deadline='4h'"
            )
        if self.choices and self.default not in self.choices:
            raise ValueError(
                f"Escalate: the default {self.default!r} is none of the choices: {', '.join(self.choices)}"
            )
        try:
            check_value(self.default)
        except InvalidValue as error:
            raise ValueError(f"Escalate: the default is no value: {error}") from error


Outcome: TypeAlias = "Contribution | Escalate | tuple[Order, ...] | Said"


def _is_text(given: object) -> bool:
    return isinstance(given, str) and bool(given.strip())
