"""The shapes of control records: what is held to them, and what is said of a value that does not fit."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from blackboard.control_records import SHAPES, Activation
from blackboard.control_shapes import Sieve, checked, sound, wrong_in
from blackboard.errors import Corrupt
from tests.control_values import completed
from tests.still_board import record_of

if TYPE_CHECKING:
    from collections.abc import Mapping

KEYS = [key + "x" if key.endswith("/") else key for key in SHAPES]


def activation(**fields: Any) -> Any:
    return completed("control/activations/a", fields)


@pytest.mark.parametrize("key", KEYS)
def test_a_record_with_just_the_fields_that_it_must_have_fits(key: str) -> None:
    record = record_of(key, completed(key, {}))
    assert checked(record) is record


@pytest.mark.parametrize("key", KEYS)
@pytest.mark.parametrize("value", [None, 7, "text", [], [1]])
def test_what_is_no_mapping_fits_nowhere_under_control(key: str, value: Any) -> None:
    with pytest.raises(Corrupt, match=f"{key}.*is no mapping"):
        checked(record_of(key, value))


@pytest.mark.parametrize(
    ("fields", "told"),
    [
        ({"state": "happy"}, "state: 'happy' is none of its values"),
        ({"state": ["running"]}, "state: ['running'] is none of its values"),
        ({"attempt": True}, "attempt: True is no number"),
        ({"attempt": 1 << 60}, "attempt: 1152921504606846976 is no number"),
        ({"eligible_ms": -1}, "eligible_ms: -1 ms is no time"),
        ({"ended_ms": 1 << 60}, "ended_ms: 1152921504606846976 ms is no time"),
        ({"attempts": [{"started_ms": 0, "ended_ms": 0, "failure": "error", "error": "", "cost": 1e308}]},
         "attempts: cost: 1e+308 is beyond what is written"),
        ({"captures": {"n": 1}}, "captures: 1 is no str"),
        ({"triggers": [["item", "item/1"]]}, "triggers: ['item', 'item/1'] has not 3 items"),
        ({"decision": {}}, "decision: revision: it is missing"),
        ({"usage": [{"model": "m"}]}, "usage: input_tokens: it is missing"),
        ({"attempts": 5}, "attempts: 5 is no list"),
    ],
)  # fmt: skip
def test_a_field_of_another_shape_is_named(fields: Mapping[str, Any], told: str) -> None:
    assert wrong_in(activation(**fields), Activation) == told


def test_what_may_be_left_out_and_what_nobody_knows_are_no_faults() -> None:
    decision = completed("control/activations/a", {})["decision"] | {"waited_ms": -5, "rating": 1, "override": "x"}
    assert wrong_in(activation(decision=decision, winner="boss", failure=None, of_a_later_version=[]), Activation) == ""


def test_other_records_and_unknown_ones_under_control_are_let_through() -> None:
    records = [record_of(key, 7) for key in ("item/1", "control/other/1", "control/runner")]
    assert list(sound(records)) == records


def test_a_record_that_does_not_fit_is_passed_over_and_named_once_by_a_sieve(caplog: pytest.LogCaptureFixture) -> None:
    bad, good = record_of("control/agents/\x1b[31m", 7), record_of("item/1", 7)
    sieve = Sieve()
    assert sieve.sound([bad, good]) == sieve.sound([bad, good]) == [good]
    assert [record.getMessage().count("control/agents/") for record in caplog.records] == [1]
    assert "\x1b" not in caplog.text
