"""What is told of a run while it goes on, from the changes of its board alone."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any, cast

import pytest

from blackboard import codec
from blackboard.console import SafeConsole
from blackboard.log import Change
from blackboard.record import Record, Stamp
from scenarios.commands.run_screen import RunScreen
from scenarios.progress import Progress
from tests.control_values import completed

if TYPE_CHECKING:
    from blackboard.board import Board
    from blackboard.replica import Replica
    from scenarios.progress import Note


class Told:
    """A board that changes, and a progress that is told of it."""

    def __init__(self) -> None:
        self.progress = Progress()
        self.records: dict[str, Record[Any]] = {}

    def put(self, key: str, value: Any, *, case: str = "") -> list[Note]:
        return self.progress.see(self.change(key, value, case=case))

    def change(self, key: str, value: Any, *, case: str = "") -> Change:
        revision = len(self.records) + 1
        packed, _ = codec.pack_record(Stamp(case=case), "", 0, codec.pack_value(completed(key, value)))
        before = self.records.get(key)
        record: Record[Any] = Record(key, f"1-{revision}", revision, 1, 0, packed)
        self.records[key] = record
        return Change(key, "put", record.commit, revision, 0, "", record, before.commit if before else "")

    def activation(self, name: str, state: str, case: str = "return/1", **fields: Any) -> list[str]:
        value = {"agent": "refund", "case": case, "state": state, **fields}
        return [note.text for note in self.put(f"control/activations/{name}", value, case=case)]


def test_a_case_is_at_rest_when_somebody_fired_and_nothing_of_it_is_open() -> None:
    told = Told()
    told.put("return/1", {}, case="return/1")
    told.put("return/2", {}, case="return/2")
    told.put("purchase/1", {}, case="return/1")
    assert (told.progress.cases, told.progress.resting) == (2, 0)
    told.activation("a", "running")
    told.activation("b", "running")
    told.activation("a", "executed")
    assert told.progress.resting == 0
    told.activation("b", "escalated")
    assert told.progress.resting == 0
    told.activation("b", "executed")
    told.activation("b", "executed")
    assert told.progress.resting == 1


def test_a_record_that_is_written_again_is_no_second_case() -> None:
    told = Told()
    told.put("return/1", {}, case="return/1")
    told.put("return/1", {"x": 1}, case="return/1")
    assert told.progress.cases == 1


def test_questions_orders_broken_agents_and_what_is_given_up_are_told() -> None:
    told = Told()
    question = {"agent": "clerk", "case": "return/1", "question": "Pay?", "status": "open"}
    (note,) = told.put("control/escalations/a", question)
    assert (note.text, note.grave) == ("question from clerk for return/1: Pay?", True)
    assert told.progress.questions == 1
    answered = {**question, "status": "answered", "answer": "yes", "answered_by": "ann"}
    (note,) = told.put("control/escalations/a", answered)
    assert note.text == "answered: clerk for return/1: 'yes' by ann"
    assert told.progress.questions == 0
    told.activation("a", "running")
    order = {"verb": "decide", "author": "boss", "activation": "a", "reason": "late"}
    assert told.put("control/overrides/o", {**order, "status": "open"}) == []
    (note,) = told.put("control/overrides/o", {**order, "status": "applied", "outcome": "boss ordered decide: late"})
    assert note.text == "boss ordered decide: late"
    (note,) = told.put("control/overrides/o", {**order, "status": "revoked", "outcome": "human/ana revoked it: no"})
    assert note.text == "human/ana revoked it: no"
    (note,) = told.put("control/overrides/o", {**order, "status": "refused", "outcome": "no authority"})
    assert note.text == "refused: boss ordered decide for refund on return/1: no authority"
    (note,) = told.put("control/agents/x.py", {"status": "broken", "source": "x.py", "error": "Traceback\nOops\n"})
    assert note.text == "x.py is broken:\nTraceback\nOops"
    assert told.activation("a", "abandoned", reason="too often") == ["given up: refund for return/1: too often"]


@pytest.mark.parametrize(
    ("terms", "told"),
    [
        ({}, ""),
        ({"within_ms": 600_000, "default": "no"}, " (the run waits 10 min for an answer, then the answer is 'no')"),
        (
            {"within_ms": 90_000, "assignee": "ann", "next_assignees": ["bob", "cem"], "default": "no"},
            " (the run waits 1 min 30 s for ann, then bob is asked)",
        ),
        ({"within_ms": 500, "assignee": "cem"}, " (the run waits 500 ms for cem, then nobody is waited for)"),
    ],
)
def test_a_question_with_a_deadline_says_how_long_the_run_waits_and_what_follows(
    terms: dict[str, Any], told: str
) -> None:
    question = {"agent": "clerk", "case": "return/1", "question": "Pay?", "status": "open", **terms}
    if terms:
        question["deadline_ms"] = 1_000_000
    (note,) = Told().put("control/escalations/a", question)
    assert note.text == f"question from clerk for return/1: Pay?{told}"


def test_a_run_that_is_taken_up_again_counts_what_was_there_and_tells_nothing_of_it() -> None:
    before = Told()
    before.put("return/1", {}, case="return/1")
    before.activation("a", "escalated")
    before.put("control/escalations/a", {"agent": "c", "case": "return/1", "question": "?", "status": "open"})
    progress = Progress()
    progress.begin_with(before.records.values())
    assert (progress.cases, progress.resting, progress.questions) == (1, 0, 1)


class _Board:
    name = "b@1"


class _Replica:
    def records(self) -> list[Record[Any]]:
        return []


async def test_away_from_a_terminal_lines_are_plain_and_what_records_say_cannot_act_on_it() -> None:
    written = io.StringIO()
    screen = RunScreen(SafeConsole(written), "returns")
    await screen.opened(cast("Board", _Board()), cast("Replica", _Replica()), resumed=True)
    question = {"agent": "clerk", "case": "return/1", "question": "Pay?\x1b]52;c;x\x07", "status": "open"}
    screen.changed(Told().change("control/escalations/a", question), 1, 2)
    screen.note("late joined from late.py")
    screen.rested()
    screen.close()
    assert written.getvalue().splitlines() == [
        "returns on board b@1, going on where it was left",
        "  question from clerk for return/1: Pay?\\x1b]52;c;x\\x07",
        "  late joined from late.py",
        "  at rest, 1 question to people open; serving board b@1 until interrupted",
    ]
