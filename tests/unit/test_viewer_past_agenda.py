"""The agenda told from records: bounded, pure, and not to be upset by what somebody wrote under ``control/``."""

from __future__ import annotations

import math
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from blackboard.control_records import ACTIVATIONS, AGENTS, BREAKERS, FLOW, FOCUS, LEADER, OVERRIDES, RUN
from blackboard.control_shapes import wrong_in
from blackboard.keys import region_of
from blackboard.record import Record
from blackboard.state import State
from controller.activation import activation_id
from controller.agenda_view import Agenda
from controller.strategy import DEFAULT_LEVELS, Policy
from controller.viewer.past_agenda import agenda_from
from controller.viewer.run_settings import of_agent, settings_told
from tests.control_values import completed
from tests.still_board import record_of

NOW_MS = 100_000


def agent(name: str, **fields: Any) -> Record[Any]:
    value = {"name": name, "status": "ready", "capabilities": [name], "level": "normal", "watches": {"item": "job/{n}"}}
    return record_of(AGENTS + name, completed(AGENTS + name, {**value, **fields}))


def activation(name: str, commit: str, state: str, number: str = "1", **fields: Any) -> Record[Any]:
    """The activation of ``name`` on ``job/<number>``."""
    identity = activation_id(name, {"n": number}, [("item", f"job/{number}", commit)])
    value = {
        "agent": name, "capability": name, "state": state, "case": f"job/{number}", "captures": {"n": number},
        "triggers": [["item", f"job/{number}", commit]], "attempt": 1, "decision": completed_decision(), **fields,
    }  # fmt: skip
    return record_of(ACTIVATIONS + identity, completed(ACTIVATIONS + identity, value))


def completed_decision() -> dict[str, Any]:
    return {
        "revision": 1, "eligible": 1, "rank": 1, "level": "normal", "rating": 0.0, "waited_ms": 1, "score": 0.0,
        "override": None, "runners_up": [],
    }  # fmt: skip


def state(*records: Record[Any]) -> State:
    regions: dict[str, dict[str, Record[Any]]] = {}
    for record in records:
        regions.setdefault(region_of(record.key), {})[record.key] = record
    return State(regions, 9, NOW_MS)


def run_of(document: dict[str, Any]) -> Any:
    return completed(RUN, {"settings": {"document": document}})


def pending(told: dict[str, Any]) -> list[tuple[str, str, str]]:
    return [(one["agent"], one["case"], one["state"]) for one in told["pending"]]


def test_it_has_the_shape_of_a_published_agenda_and_says_where_it_was_told_from() -> None:
    told = agenda_from(
        state(
            agent("pay"), agent("boss", kind="supervisor"), record_of("job/1", 1), record_of("job/2", 2),
            activation("pay", "1-1", "running", "2"), record_of(LEADER, {"member": "m"}),
            record_of(FLOW, {"mode": "paused", "steps": 0, "author": "ann", "reason": ""}),
        ),
        NOW_MS,
    )  # fmt: skip
    assert wrong_in(told, Agenda) == ""
    assert (told["told_from"], told["member"], told["flow"]["author"]) == ("records", "m", "ann")
    assert told["left_out"] == ["preconditions and ratings, which are code, were not asked"]
    assert pending(told) == [("pay", "job/1", "ready")]
    assert [one["agent"] for one in told["supervisors"]] == ["boss", "boss"]
    assert [(one["agent"], one["case"]) for one in told["running"]] == [("pay", "job/2")]


def test_what_has_fired_is_not_pending_and_what_is_to_be_tried_again_is_with_its_time() -> None:
    told = agenda_from(
        state(
            agent("pay"), *(record_of(f"job/{n}", n) for n in range(1, 5)),
            activation("pay", "1-1", "executed", "1"),
            activation("pay", "1-1", "pending", "2", attempt=2, not_before_ms=NOW_MS + 5_000),
            activation("pay", "0-9", "pending", "3"),
            activation("pay", "1-1", "executed", "4", withdrawn="job/4"),
        ),
        NOW_MS,
    )  # fmt: skip
    assert {(case, one) for _, case, one in pending(told)} == {
        ("job/2", "delayed"), ("job/3", "ready"), ("job/4", "ready"),
    }  # fmt: skip
    (again,) = [one for one in told["pending"] if one["state"] == "delayed"]
    assert (again["attempt"], again["not_before_ms"]) == (3, NOW_MS + 5_000)
    assert told["eligible"] == 2


def test_the_levels_of_the_run_decide_and_where_it_names_none_the_usual_ones_and_then_those_that_came() -> None:
    agents = [agent("a", level="late"), agent("b", level="soon"), agent("c", level="low")]
    named = completed(RUN, {"settings": {"document": {"levels": ["soon", "low", "late"]}}})
    jobs = [record_of("job/1", 1)]
    assert [one[0] for one in pending(agenda_from(state(*agents, *jobs, record_of(RUN, named)), NOW_MS))] == [
        "b", "c", "a",
    ]  # fmt: skip
    assert [one[0] for one in pending(agenda_from(state(*agents, *jobs), NOW_MS))] == ["c", "a", "b"]


def test_agents_that_are_broken_gone_or_of_patterns_that_do_not_parse_match_nothing() -> None:
    told = agenda_from(
        state(
            agent("broken", status="broken"), agent("gone", status="gone"), agent("odd", watches={"item": "job/{"}),
            agent("well"), record_of("job/1", 1), activation("gone", "1-1", "pending"),
        ),
        NOW_MS,
    )  # fmt: skip
    assert pending(told) == [("well", "job/1", "ready")]
    assert list(told["apart"].values()) == ["its agent gone is not here"]


def test_no_more_records_are_looked_at_than_was_allowed_and_what_was_found_until_then_is_told() -> None:
    jobs = [record_of(f"job/{n}", n) for n in range(2_000)]
    most_urgent = agent("zebra", level="critical", watches={"item": "alarm/{n}"})
    board = state(agent("ant"), most_urgent, record_of("alarm/1", 1), *jobs)
    told = agenda_from(board, NOW_MS, steps=500)
    assert told["gave_up"]
    assert told["left_out"][-1] == "there are more records than were looked at"
    assert pending(told)[0] == ("zebra", "alarm/1", "ready")
    assert 1 < len(pending(told)) < 500, "some of the many, too"
    for steps in range(0, 120, 7):
        assert wrong_in(agenda_from(board, NOW_MS, steps=steps), Agenda) == ""
    assert not agenda_from(board, NOW_MS)["gave_up"]


def test_as_many_are_shown_as_are_wanted_and_all_are_counted() -> None:
    told = agenda_from(state(agent("pay"), *(record_of(f"job/{n}", n) for n in range(90))), NOW_MS, most=7)
    assert (len(told["pending"]), told["pending_count"], told["eligible"]) == (7, 90, 90)


def test_what_is_past_its_time_or_does_not_decode_is_not_there() -> None:
    torn = Record("job/1", "1-1", 1, 1, 0, b"\xc1")
    assert pending(agenda_from(state(agent("pay"), torn, record_of("job/2", 2)), NOW_MS)) == [
        ("pay", "job/2", "ready"),
    ]  # fmt: skip


JUNK = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 1 << 53) | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)  # fmt: skip
FIELDS = st.sampled_from([
    "levels", "policy", "limits", "capabilities", "agents", "case", "max_running", "state", "agent", "decision",
    "triggers", "watches", "mode", "patterns", "settings", "document", "captures", "verb", "status", "scope",
])  # fmt: skip


@settings(deadline=None)
@given(
    values=st.lists(
        st.tuples(
            st.sampled_from([RUN, FLOW, FOCUS, LEADER, AGENTS + "pay", ACTIVATIONS + "a", OVERRIDES + "o", BREAKERS + "pay"]),
            JUNK | st.dictionaries(FIELDS, JUNK, max_size=5),
            st.booleans(),
        ),
        max_size=8,
    )
)  # fmt: skip
def test_whatever_stands_under_control_it_tells_what_can_be_told(values: list[tuple[str, Any, bool]]) -> None:
    records = [agent("pay"), record_of("job/1", {"n": 1})]
    records += [record_of(key, completed(key, value) if whole else value) for key, value, whole in values]
    told = agenda_from(state(*records), NOW_MS)
    assert wrong_in(told, Agenda) == ""


@settings(deadline=None)
@given(document=st.dictionaries(FIELDS, JUNK, max_size=6))
def test_settings_are_told_whatever_the_run_says_of_them(document: dict[str, Any]) -> None:
    told = settings_told(run_of(document), ["normal"])
    assert told.levels
    assert told.max_running > 0
    rating, max_running = of_agent(document, "pay")
    assert rating is None or math.isfinite(rating)
    assert max_running is None or max_running > 0


@pytest.mark.parametrize(
    ("said", "policy"),
    [
        ({}, Policy()),
        ({"ageing": 2, "cap": "off", "tie": "recency", "promote_after": "10s", "fair": "who"},
         Policy(2, math.inf, "recency", 10_000, "who")),
        ({"ageing": -1, "cap": True, "tie": "luck", "promote_after": 10, "fair": "off"}, Policy()),
        ({"ageing": "fast", "cap": 10**9, "tie": [], "promote_after": "ever", "fair": ["a"]}, Policy()),
    ],
)  # fmt: skip
def test_the_policy_is_as_the_file_says_and_as_it_is_by_default_where_the_file_could_not_say_so(
    said: dict[str, Any], policy: Policy
) -> None:
    assert settings_told(run_of({"policy": said}), []).policy == policy
    assert settings_told(run_of({"levels": [1, 2]}), ["odd", "low"]).levels == DEFAULT_LEVELS
    assert settings_told(None, ["odd", "low"]).levels == (*DEFAULT_LEVELS, "odd")
