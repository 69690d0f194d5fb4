"""Every end of every piece of work has a class and one sentence that a person understands."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from blackboard.control_records import FailureClass, State
from controller.endings import END_CLASSES, ending_of, endings
from controller.run_end import RunEnd

if TYPE_CHECKING:
    from blackboard.control_records import Activation

TEXTS = st.sampled_from(["", "unavailable", "ValueError: \ud800", "x" * 500, "\n\n", "a\nb", "; waiting for a person"])
ATTEMPTS = st.lists(
    st.fixed_dictionaries({
        "started_ms": st.integers(0, 1_000), "ended_ms": st.integers(0, 90_000), "cost": st.just(0.0),
        "failure": st.sampled_from(get_args(FailureClass)), "error": TEXTS,
    }),
    max_size=5,
)  # fmt: skip
RECORDS = st.fixed_dictionaries(
    {
        "agent": st.sampled_from(["card", "bank"]), "capability": st.just("refund"), "case": st.sampled_from(["", "return/R-1"]),
        "work_item": st.just("refund|return/R-1"), "state": st.sampled_from(get_args(State)), "dispatched_ms": st.integers(0, 9),
    },
    optional={
        "attempts": ATTEMPTS, "reason": TEXTS, "failure": st.sampled_from([None, *get_args(FailureClass)]),
        "wrote": st.sampled_from([[], ["refund/R-1"], ["a/1", "b/2"]]), "decided_by": st.sampled_from(["eve", "boss"]),
        "passed_to": st.sampled_from(["bank", "nobody"]), "escalation": st.sampled_from(["q", "gone"]),
    },
)  # fmt: skip
ASKED: Any = {"q": {"asked_ms": 1_764_326_520_000}}


@given(st.lists(RECORDS, min_size=1, max_size=4))
def test_no_end_lacks_a_class_and_a_sentence(records: Any) -> None:
    """Whatever the records of a work item say or leave out."""
    (ending,) = endings(records, ASKED)
    assert ending.kind in END_CLASSES
    assert re.match(r"refund (done|left alone|no longer wanted|ended|not done yet|not done) for (return/R-1|no case): \S",
                    ending.sentence)  # fmt: skip
    assert "\n" not in ending.sentence
    assert len(ending.sentence) < 700


@pytest.mark.parametrize("status", ["finished", "awaiting", "timed_out", "stalled"])
def test_no_end_of_a_run_lacks_a_sentence(status: Any) -> None:
    assert RunEnd(status).sentence
    assert RunEnd(status, "7 wait for a person").sentence == "7 wait for a person"


def tried(failure: str, times: int, agent: str = "card", error: str = "Unavailable: temporarily unavailable") -> Any:
    return [
        {
            "started_ms": n * 23_000,
            "ended_ms": n * 23_000 or 9,
            "failure": failure,
            "error": error,
            "cost": 0.0,
            "agent": agent,
        }
        for n in range(times)
    ]


def record(state: str, **fields: Any) -> Activation:
    made: Any = {
        "agent": "card", "capability": "refund", "case": "return/R-7", "work_item": "refund|return/R-7", "state": state,
        "dispatched_ms": 0,
    }  # fmt: skip
    found: Activation = made | fields
    return found


@pytest.mark.parametrize(
    ("records", "kind", "sentence"),
    [
        ([record("escalated", failure="error", attempts=tried("error", 5), escalation="gone")],
         "error", "refund not done for return/R-7: card said 'temporarily unavailable' 5 times in 1 min 32 s; waiting for a human"),
        ([record("abandoned", failure="error", passed_to="bank", attempts=tried("error", 2)),
          record("executed", agent="bank", wrote=["refund/R-7"])],
         "done", "refund done for return/R-7: bank wrote refund/R-7 after 2 calls that failed"),
        ([record("abandoned", failure="error", passed_to="bank", attempts=tried("error", 1)),
          record("escalated", agent="bank", failure="invalid", attempts=tried("invalid", 1, error="no number"))],
         "invalid", ("refund not done for return/R-7: card and bank failed twice in 9 ms, the last time (invalid) with "
         "'no number'; waiting for a human")),
        ([record("escalated", failure="over_budget",
                 reason="card was not called for return/R-7: the case has used 2 of 1 cost; waiting for a person")],
         "over_budget", ("refund not done for return/R-7: card was not called for return/R-7: the case has used 2 of 1 "
         "cost; waiting for a human")),
        ([record("abandoned", failure="dead", attempts=tried("dead", 3), decided_by="eve", reason="eve answered 'abandon'")],
         "ordered", "refund not done for return/R-7: eve answered 'abandon'; given up by eve"),
        ([record("running")], "going on", "refund not done yet for return/R-7: card is at it"),
        ([record("obviated", reason="too late: refund/R-7 is there")],
         "moot", "refund no longer wanted for return/R-7: too late: refund/R-7 is there"),
        ([record("executed")], "declined", "refund left alone for return/R-7: card had nothing to say"),
        ([record("executed", wrote=["refund/R-7"], decided_by="boss")],
         "done", "refund done for return/R-7: boss in the place of card wrote refund/R-7"),
    ],
)  # fmt: skip
def test_the_sentence_says_who_what_how_often_how_long_and_what_follows(records: Any, kind: str, sentence: str) -> None:
    ending = ending_of(records, {})
    assert (ending.kind, ending.sentence) == (kind, sentence)


def test_a_question_says_since_when_it_waits() -> None:
    waiting = record("escalated", failure="error", attempts=tried("error", 1), escalation="q")
    assert re.search(r"; waiting for a human since \d\d:\d\d$", ending_of([waiting], ASKED).sentence)
