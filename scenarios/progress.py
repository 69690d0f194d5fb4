"""A run as it goes by: how far its cases are, and what a person wants to be told at once."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from blackboard.control_records import ACTIVATIONS, AGENTS, ESCALATIONS, OVERRIDES
from blackboard.control_shapes import is_sound, sound
from blackboard.keys import CONTROL_REGION, region_of
from blackboard.wording import seconds
from controller.activation import FINAL

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from typing import Any

    from blackboard.control_records import Activation, Agent, Escalation, Override
    from blackboard.log import Change
    from blackboard.record import Record


class Note(NamedTuple):
    """Something that is told when it happens; ``grave`` where somebody is needed."""

    text: str
    grave: bool = False


class Progress:
    """Told every change of a board, it knows how many cases there are, are at rest, and wait for a person.

    A case is at rest when somebody fired for it and none of its activations is under way or waits.
    """

    def __init__(self) -> None:
        self.cases = 0
        self._of: dict[str, Activation] = {}
        """activation → as last seen, while it is not at its end"""
        self._open: dict[str, int] = {}
        """case → how many of its activations are not at their end"""
        self._questions: set[str] = set()

    @property
    def resting(self) -> int:
        """How many cases have come to rest."""
        return sum(1 for number in self._open.values() if number == 0)

    @property
    def questions(self) -> int:
        """How many questions wait for a person."""
        return len(self._questions)

    def begin_with(self, records: Iterable[Record[Any]]) -> None:
        """Take in a board as it stands, where a run is taken up again."""
        for record in sorted(sound(records), key=lambda record: record.revision):
            for _ in self._put(record, new=True):
                pass

    def see(self, change: Change) -> list[Note]:
        """Take in one change; returns what is to be told of it."""
        record = change.record
        if record is None or not is_sound(record):
            return []
        return [*self._put(record, new=not change.previous_commit)]

    def _put(self, record: Record[Any], *, new: bool) -> Iterator[Note]:
        key = record.key
        if region_of(key) != CONTROL_REGION:
            self.cases += new and record.case == key
        elif key.startswith(ACTIVATIONS):
            yield from self._activation(key.removeprefix(ACTIVATIONS), record.value)
        elif key.startswith(ESCALATIONS):
            yield from self._question(key, record.value)
        elif key.startswith(OVERRIDES):
            yield from self._order(record.value)
        elif key.startswith(AGENTS):
            yield from _agent(record.value)

    def _activation(self, activation: str, value: Activation) -> Iterator[Note]:
        case, was_open, ended = value["case"], activation in self._of, value["state"] in FINAL
        self._open[case] = self._open.get(case, 0) + (not ended) - was_open
        if ended:
            self._of.pop(activation, None)
        else:
            self._of[activation] = value
        if value["state"] == "abandoned":
            yield Note(f"given up: {value['agent']} for {case}: {value.get('reason', '')}", grave=True)

    def _question(self, key: str, value: Escalation) -> Iterator[Note]:
        if value["status"] == "open":
            self._questions.add(key)
            asked = f"question from {value['agent']} for {value['case']}: {value['question']}"
            yield Note(asked + _waits(value), grave=True)
            return
        self._questions.discard(key)
        if value["status"] == "answered":
            yield Note(
                f"answered: {value['agent']} for {value['case']}: {value.get('answer')!r} by {value.get('answered_by')}"
            )

    def _order(self, value: Override) -> Iterator[Note]:
        if value["status"] in ("applied", "standing", "expired", "revoked"):
            yield Note(value.get("outcome", ""))
        elif value["status"] == "refused":
            target = self._of.get(value["activation"])
            whom = f" for {target['agent']} on {target['case']}" if target is not None else ""
            yield Note(f"refused: {value['author']} ordered {value['verb']}{whom}: {value.get('outcome', '')}")


def _waits(question: Escalation) -> str:
    """How long the run waits for an answer, and for whom; what follows then."""
    if "deadline_ms" not in question:
        return ""
    if heirs := question.get("next_assignees"):
        then = f"{heirs[0]} is asked"
    else:
        then = f"the answer is {question['default']!r}" if "default" in question else "nobody is waited for"
    whom = question.get("assignee", "an answer")
    return f" (the run waits {seconds(question.get('within_ms', 0))} for {whom}, then {then})"


def _agent(value: Agent) -> Iterator[Note]:
    if value["status"] == "broken":
        yield Note(f"{value['source']} is broken:\n{value.get('error', '').rstrip()}", grave=True)
