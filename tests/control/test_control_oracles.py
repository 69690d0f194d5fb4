"""The oracles of control find what they are for: each is shown a log with one fault planted in it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

import pytest

from tests.control.lives import Moment, violations
from tests.control.spending import calls, most_failed, spent

if TYPE_CHECKING:
    from blackboard.control_records import Activation, State


def moment(revision: int, activation: str, state: State, *contributed: str, **fields: Any) -> Moment:
    record = {
        "agent": "refund", "state": state, "captures": {"rma": activation}, "work_item": "refund|return/1", "attempt": 1,
        "triggers": [["item", f"return/{activation}", "1-1"]], **fields,
    }  # fmt: skip
    return Moment(f"1-{revision}", activation, cast("Activation", record), contributed)


def test_an_ordinary_life_is_no_violation() -> None:
    """Failed once, tried again, executed with one contribution; another one was decided in one commit."""
    lives = [
        moment(2, "a", "running"),
        moment(3, "a", "pending", attempts=[{"cost": 0.5}]),
        moment(4, "a", "running", attempt=2),
        moment(5, "a", "executed", "refund/a", attempt=2, attempts=[{"cost": 0.5}], usage=[{"cost": 0.25}]),
        moment(6, "b", "executed", "refund/b", decided_by="boss"),
    ]
    assert violations(lives, max_running=1) == []
    assert (calls(lives), most_failed(lives)["refund|return/1"]) == (2, 1)
    assert spent(lives, lambda record: record["agent"])["refund"] == 0.75


@pytest.mark.parametrize(
    ("lives", "told"),
    [
        ([moment(2, "a", "running"), moment(3, "a", "executed"), moment(4, "a", "running", attempt=2)], "left its end"),
        ([moment(2, "a", "running"), moment(3, "a", "vetoed")], "went from running to vetoed"),
        ([moment(2, "a", "running"), moment(3, "b", "running", captures={"rma": "a"},
                                            triggers=[["item", "return/a", "1-1"]])], "has ['a', 'b'] on"),
        ([moment(2, "a", "running"), moment(3, "a", "failed"), moment(4, "a", "pending"), moment(5, "a", "running")],
         "started 2 times"),
        ([moment(2, "a", "running", "refund/a")], "does not end it"),
        ([moment(2, "a", "running"), moment(3, "a", "executed", "x/1"), moment(4, "a", "executed", "x/2")],
         "contributed in"),
        ([moment(2, "a", "running"), moment(3, "b", "running")], "2 activations run"),
    ],
)  # fmt: skip
def test_each_fault_is_found(lives: list[Moment], told: str) -> None:
    found = violations(lives, max_running=1)
    assert any(told in sentence for sentence in found), found


def test_supervisors_are_not_counted_among_those_that_run_side_by_side() -> None:
    asked = [["overdue", "control/attention/overdue/a", "1-3"]]
    lives = [moment(2, "a", "running"), moment(4, "s", "running", agent="boss", triggers=asked)]
    assert violations(lives, max_running=1) == []
