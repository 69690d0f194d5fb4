"""A plan is carried out in the order of its needs, each step once, whatever comes between."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from knowledge_sources.library.plan import (
    MAX_STEPS,
    InvalidPlan,
    Step,
    StepRecord,
    advanced,
    finished,
    opened,
    parse_plan,
    replanned,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

NAMES = [f"s{n}" for n in range(12)]


@st.composite
def plans(draw: st.DrawFn) -> dict[str, dict[str, object]]:
    """A plan without a circle: each step needs some of those before it in a drawn order."""
    names = draw(st.permutations(draw(st.lists(st.sampled_from(NAMES), min_size=1, unique=True))))
    return {
        name: {
            "capability": "work",
            "needs": draw(st.lists(st.sampled_from(names[:place]), unique=True)) if place else [],
        }
        for place, name in enumerate(names)
    }


def applied(steps: Mapping[str, StepRecord], changes: Mapping[str, StepRecord]) -> dict[str, StepRecord]:
    return {**steps, **changes}


def needs_done(steps: Mapping[str, StepRecord], step: StepRecord) -> bool:
    return all(steps[need]["status"] == "done" for need in step["needs"])


@given(plans(), st.data())
@settings(deadline=None)
def test_every_step_is_ready_once_and_never_before_what_it_needs(plan: dict[str, object], data: st.DataObject) -> None:
    steps = opened(parse_plan(plan))
    was_ready: list[str] = [name for name, step in steps.items() if step["status"] == "ready"]
    while not finished(steps):
        ready = [name for name, step in steps.items() if step["status"] == "ready"]
        assert ready
        name = data.draw(st.sampled_from(ready))
        changes = advanced(steps, {name: f"result/{name}@1-1"})
        after = applied(steps, changes)
        for changed, step in changes.items():
            if step["status"] == "ready":
                was_ready.append(changed)
                assert needs_done(after, step)
                assert set(step.get("given", {})) == set(step["needs"])
        steps = after
    assert sorted(was_ready) == sorted(plan)


@given(plans(), st.data())
@settings(deadline=None)
def test_a_circle_is_refused_and_named_in_its_order(plan: dict[str, dict[str, object]], data: st.DataObject) -> None:
    names = list(plan)
    circle = data.draw(st.lists(st.sampled_from(names), min_size=1, unique=True))
    for place, name in enumerate(circle):
        needs = plan[name]["needs"]
        assert isinstance(needs, list)
        plan[name]["needs"] = [*needs, circle[(place + 1) % len(circle)]]
    with pytest.raises(InvalidPlan, match="wait for each other") as refused:
        parse_plan(plan)
    told = str(refused.value).partition(": ")[2].split(" needs ")
    assert told[0] == told[-1]
    for one, other in pairwise(told):
        needs = plan[one]["needs"]
        assert isinstance(needs, list)
        assert other in needs


@given(plans(), plans(), st.data())
@settings(deadline=None)
def test_another_plan_keeps_what_is_done_and_what_is_still_wanted(
    first: dict[str, object], second: dict[str, object], data: st.DataObject
) -> None:
    steps = opened(parse_plan(first))
    for _ in range(data.draw(st.integers(0, len(first)))):
        ready = [name for name, step in steps.items() if step["status"] == "ready"]
        if not ready:
            break
        name = data.draw(st.sampled_from(ready))
        steps = applied(steps, advanced(steps, {name: f"result/{name}@1-1"}))
    results = {
        name: f"result/{name}@1-2"
        for name, step in steps.items()
        if step["status"] == "ready" and data.draw(st.booleans())
    }
    done = {name for name, step in steps.items() if step["status"] == "done"}
    wanted = parse_plan(second, {*done, *results})
    changes = replanned(steps, wanted, results, "changed")
    after = applied(steps, changes)
    assert not done & changes.keys()
    for name in {*done, *results}:
        assert after[name]["status"] == "done"
    assert {name for name, step in after.items() if step["status"] != "dropped"} == {*second, *done, *results}
    for step in after.values():
        if step["status"] == "ready":
            assert needs_done(after, step)
        if step["status"] == "waiting":
            assert not needs_done(after, step)
    assert replanned(after, wanted, {}, "again") == {}


@pytest.mark.parametrize(
    ("plan", "reason"),
    [
        (None, "a plan is a mapping"),
        ({}, "a plan is a mapping"),
        ([], "a plan is a mapping"),
        ({"a b": {}}, "the name of a step, 'a b'"),
        ({"": {}}, "the name of a step"),
        ({7: {}}, "the name of a step, '7'"),
        ({"a": 3}, "a: a step is"),
        ({"a": {"capabilty": "x"}}, "unknown key 'capabilty'; did you mean 'capability'?"),
        ({"a": {"capability": "ä"}}, "'ä' is the name of no capability"),
        ({"a": {"needs": [1]}}, "needs is a list"),
        ({"verify": {}, "b": {"needs": ["verfy"]}}, "b needs 'verfy', which is no step; did you mean 'verify'?"),
        ({"a": {"needs": "a"}}, "a needs a"),
        ({f"s{n}": {} for n in range(MAX_STEPS + 1)}, "the plan has 501 steps"),
    ],
)
def test_a_plan_that_cannot_be_carried_out_is_refused(plan: object, reason: str) -> None:
    with pytest.raises(InvalidPlan) as refused:
        parse_plan(plan)
    assert reason in str(refused.value)


def test_a_step_is_its_capability_unless_it_says_another() -> None:
    assert parse_plan({"verify": None, "pay": "refund", "tell": {"needs": "pay", "input": 3}}) == {
        "verify": Step("verify"), "pay": Step("refund"), "tell": Step("tell", ("pay",), 3),
    }  # fmt: skip
