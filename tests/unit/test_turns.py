"""A question goes from one assignee to the next, each with its time, and then to its default, if it has one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from controller.turns import after_deadline, with_deadline
from knowledge_sources import Escalate

if TYPE_CHECKING:
    from blackboard.control_records import Escalation

ASKED: Escalation = {
    "status": "open", "question": "?", "choices": ["yes", "no"], "schema": None, "answer_to": "", "activation": "a",
    "agent": "clerk", "case": "c", "asked_ms": 1_000, "context_revision": 1, "context": [], "failure": None,
}  # fmt: skip


def test_a_question_that_names_nobody_and_no_time_is_as_it_was() -> None:
    assert with_deadline(ASKED, Escalate("?")) == ASKED


@given(st.lists(st.sampled_from(["ana", "bo", "cy"]), max_size=5), st.booleans())
def test_each_assignee_has_a_turn_in_order_and_then_the_default_counts_or_it_waits_on(
    names: list[str], has_default: bool
) -> None:
    asked = Escalate("?", ["yes", "no"], assignees=names, deadline="2s", default="no" if has_default else None)
    question, asked_in_turn, now_ms = with_deadline(ASKED, asked), [], 1_000
    while True:
        assert question.get("deadline_ms") == now_ms + 2_000
        asked_in_turn.append(question.get("assignee"))
        now_ms += 2_500
        follows, question = after_deadline(question, now_ms)
        if follows != "asked on":
            break
    assert asked_in_turn == names or (names == [] and asked_in_turn == [None])
    assert follows == ("default" if has_default else "waits on")
    assert ("deadline_ms" in question) == has_default
    assert question["status"] == "open"


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ({"deadline": "soon"}, "deadline"),
        ({"deadline": "5"}, "deadline"),
        ({"default": "yes"}, "give one, as in deadline='4h'"),
        ({"deadline": "1s", "default": "maybe", "choices": ["yes", "no"]}, "'maybe' is none of the choices"),
        ({"assignees": "ana"}, "assignees is a list"),
        ({"assignees": [""]}, "assignees is a list"),
        ({"deadline": "1s", "default": {1: 2}}, "the default is no value"),
    ],
)
def test_what_cannot_be_waited_for_is_refused_when_it_is_asked(wrong: dict[str, Any], told: str) -> None:
    with pytest.raises(ValueError, match="Escalate") as refused:
        Escalate("?", **wrong)
    assert told in str(refused.value)
