"""The ids of activations and the one table of their transitions."""

from __future__ import annotations

import subprocess
import sys
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from blackboard.control_records import Activation, State
from blackboard.errors import BlackboardError
from controller.activation import FINAL, TRANSITIONS, activation_id, advance, check_transition, work_item
from controller.errors import IllegalTransition

STATES: tuple[State, ...] = get_args(State)
states = st.sampled_from(STATES)
texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=6)
firings = st.tuples(
    texts,
    st.dictionaries(texts, texts, max_size=3),
    st.lists(st.tuples(texts, texts, texts), max_size=3),
)


def a_record(state: State = "running") -> Activation:
    return {
        "agent": "refund",
        "capability": "refund",
        "state": state,
        "case": "return/R-1",
        "work_item": "refund|return/R-1",
        "captures": {"rma": "R-1"},
        "triggers": [["item", "return/R-1", "1-42"]],
        "worker": "w1",
        "attempt": 1,
        "eligible_ms": 10,
        "dispatched_ms": 20,
        "decision": {
            "revision": 42,
            "eligible": 1,
            "rank": 1,
            "level": "normal",
            "rating": 0.0,
            "waited_ms": 10,
            "score": 0.0,
            "override": None,
            "runners_up": [],
        },
    }


@given(firings, firings)
def test_two_firings_share_an_id_only_if_they_are_the_same(
    one: tuple[str, dict[str, str], list[tuple[str, str, str]]],
    other: tuple[str, dict[str, str], list[tuple[str, str, str]]],
) -> None:
    """Name, captures and triggers cannot run into one another, and the order of triggers says nothing."""
    same = (one[0], one[1], sorted(one[2])) == (other[0], other[1], sorted(other[2]))
    assert (activation_id(*one) == activation_id(*other)) is same


def test_the_order_of_captures_and_triggers_says_nothing() -> None:
    """An id does not depend on how the matcher came upon the match."""
    item, label = ("item", "return/R-1", "1-42"), ("label", "label/R-1", "1-57")
    assert activation_id("notify", {"a": "1", "b": "2"}, [item, label]) == activation_id(
        "notify", {"b": "2", "a": "1"}, [label, item]
    )


def test_another_commit_of_a_trigger_is_another_activation() -> None:
    """What was written again may fire again, even with the value that it had before."""
    assert activation_id("refund", {}, [("item", "return/R-1", "1-42")]) != activation_id(
        "refund", {}, [("item", "return/R-1", "1-43")]
    )


def test_an_id_is_the_same_in_every_process() -> None:
    """The id depends on nothing of the process: it is written down here, and another hash seed gives it too."""
    wanted = "2c9a8343b5b2ccc190f8a2e6"
    firing = 'activation_id("refund", {"rma": "Ü-1"}, [("item", "return/Ü-1", "1-42")])'
    code = f"from controller.activation import activation_id; print({firing})"
    other = subprocess.run(
        [sys.executable, "-X", "utf8", "-c", code],
        env={"PYTHONHASHSEED": "7"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert other.stdout.strip() == wanted
    assert activation_id("refund", {"rma": "Ü-1"}, [("item", "return/Ü-1", "1-42")]) == wanted


def test_a_work_item_is_a_capability_for_a_case() -> None:
    """What retries count for is named so that a person can read it."""
    assert work_item("refund", "return/R-1") == "refund|return/R-1"


def test_the_table_speaks_of_every_state_and_of_no_other() -> None:
    """Each state that a record may hold has its row."""
    assert set(TRANSITIONS) == set(STATES)
    assert set().union(*TRANSITIONS.values()) <= set(STATES)


def test_the_final_states_are_the_five_that_end_an_activation() -> None:
    """Nothing else ends one."""
    assert {"executed", "obviated", "vetoed", "cancelled", "abandoned"} == FINAL


@pytest.mark.parametrize("state", sorted(set(STATES) - FINAL))
def test_no_activation_is_stuck_for_ever(state: State) -> None:
    """From every state that is not final some way leads to a final one."""
    reached, new = {state}, {state}
    while new:
        new = {after for old in new for after in TRANSITIONS[old]} - reached
        reached |= new
    assert reached & FINAL


@given(states, st.lists(states, max_size=30))
def test_no_sequence_of_transitions_leaves_a_final_state(start: State, wanted: list[State]) -> None:
    """Whatever is tried, refused steps change nothing and a final state is the last one."""
    record = a_record(start)
    for new in wanted:
        before = dict(record)
        if new in TRANSITIONS[record["state"]]:
            assert record["state"] not in FINAL
            advanced = advance(record, new)
            assert dict(record) == before
            record = advanced
        else:
            with pytest.raises(IllegalTransition):
                advance(record, new)
            assert dict(record) == before


def test_a_refused_transition_names_both_states() -> None:
    """The refusal is one of the runtime's errors and can be read."""
    with pytest.raises(BlackboardError, match="executed cannot become running"):
        check_transition("executed", "running")


def test_advancing_gives_a_new_record_and_leaves_the_old_one() -> None:
    """The record that was read from the board stays as it was read."""
    old = a_record("running")
    new = advance(old, "executed", wrote=["refund/R-1"], ended_ms=30)
    assert (new["state"], new["wrote"], new["ended_ms"]) == ("executed", ["refund/R-1"], 30)
    assert old == a_record("running")


def test_a_field_that_no_activation_has_is_refused() -> None:
    """A misspelt field would otherwise be stored for good."""
    with pytest.raises(TypeError, match="endet_ms"):
        advance(a_record("running"), "executed", endet_ms=30)
