"""An expectation is judged on the whole log and on the end, and a failed one shows what failed it."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import TypeAdapter

from blackboard.codec import pack_record, pack_value
from blackboard.log import Change
from blackboard.record import Record, Stamp
from scenarios.expectation_models import Expectation, Expectations
from scenarios.expectations import Result, RunFacts, judge
from tests.control_values import completed


class Log:
    """A log written by hand: each call is one commit of one change."""

    def __init__(self) -> None:
        self.changes: list[Change] = []
        self.records: dict[str, Record[Any]] = {}

    def put(self, key: str, value: Any, *, author: str = "") -> None:
        revision = len(self.changes) + 1
        previous = self.records.get(key)
        packed, _ = pack_record(Stamp(author=author), "", 0, pack_value(completed(key, value)))
        record: Record[Any] = Record(key, f"1-{revision}", revision, 1, 1_000 + revision, packed)
        commit = previous.commit if previous else ""
        self.changes.append(Change(key, "put", record.commit, revision, record.time_ms, author, record, commit))
        self.records[key] = record

    def delete(self, key: str) -> None:
        revision = len(self.changes) + 1
        previous = self.records.pop(key)
        self.changes.append(Change(key, "delete", f"1-{revision}", revision, 1, "", None, previous.commit))


def result(log: Log, expectation: dict[str, Any], *, quiescent: bool = True, ending: str = "") -> Result:
    expectations: tuple[Expectation, ...] = TypeAdapter(Expectations).validate_python([expectation])
    facts = RunFacts(iter(log.changes), list(log.records.values()), quiescent, ending)
    (judged,) = judge(expectations, facts)
    return judged


@pytest.fixture
def log() -> Log:
    """Three refunds, of which one was removed again, and one that was once too high."""
    written = Log()
    written.put("refund/1", {"amount": 10}, author="refund_a")
    written.put("refund/2", {"amount": 700}, author="refund_b")
    written.put("refund/2", {"amount": 20}, author="boss")
    written.put("refund/3", {"amount": 30})
    written.delete("refund/3")
    return written


@pytest.mark.parametrize(
    ("passed", "bounds"),
    [
        (True, {"equals": 2}), (False, {"equals": 3}), (True, {"at_least": 2}), (False, {"at_least": 3}),
        (True, {"at_most": 2}), (False, {"at_most": 1}), (True, {"at_least": 1, "at_most": 3}),
    ],
)  # fmt: skip
def test_count_counts_the_records_that_match_at_the_end(log: Log, passed: bool, bounds: dict[str, int]) -> None:
    judged = result(log, {"count": "refund/*", **bounds})
    assert (judged.passed, judged.actual) == (passed, "2")


def test_a_count_that_is_too_high_names_records_that_match(log: Log) -> None:
    judged = result(log, {"count": "refund/* where amount > 10", "equals": 0})
    assert judged.sentence == "1 record matches refund/* where amount > 10, expected exactly 0: refund/2@1-3"
    assert judged.counter_example == "refund/2@1-3"


def test_a_count_that_is_too_low_says_how_many_records_of_the_region_do_not_match(log: Log) -> None:
    judged = result(log, {"count": "refund/* where amount > 100", "at_least": 1})
    assert judged.sentence.endswith("expected at least 1; 2 records of region refund do not match")


def test_never_looks_at_every_version_and_its_counter_example_names_commit_and_author(log: Log) -> None:
    judged = result(log, {"never": "refund/* where amount > 500"})
    assert not judged.passed
    assert judged.sentence == "refund/2@1-2 matched refund/* where amount > 500, written by refund_b"
    assert judged.counter_example == "refund/2@1-2"


def test_never_passes_where_no_version_matched(log: Log) -> None:
    assert result(log, {"never": "refund/* where amount > 5000"}).passed
    assert result(log, {"never": "nothing/*"}).passed


def test_an_order_holds_the_first_match_of_each_pattern_against_that_of_the_next(log: Log) -> None:
    judged = result(log, {"order": ["refund/1", "refund/* where amount > 500", "refund/3"]})
    assert (judged.passed, judged.actual) == (True, "refund/1@1-1, refund/2@1-2, refund/3@1-4")
    judged = result(log, {"order": ["refund/3", "refund/1"]})
    assert (judged.passed, judged.counter_example) == (False, "refund/3@1-4")
    assert judged.sentence == "refund/3@1-4 was not before refund/1@1-1"
    assert not result(log, {"order": ["refund/1", "refund/1"]}).passed


def test_an_order_in_which_one_never_came_names_its_pattern(log: Log) -> None:
    for order in (["refund/9", "refund/1"], ["refund/1", "refund/9"]):
        assert result(log, {"order": order}).sentence == "no record ever matched refund/9"


def test_eventually_is_content_with_a_record_that_was_removed_since(log: Log) -> None:
    judged = result(log, {"eventually": "refund/3"})
    assert (judged.passed, judged.actual) == (True, "refund/3@1-4")


def test_an_eventually_that_did_not_come_names_the_last_that_had_the_key(log: Log) -> None:
    judged = result(log, {"eventually": "refund/2 where amount == 0"})
    assert judged.sentence.endswith("2 writes had its key and not its condition, the last refund/2@1-3")
    assert judged.counter_example == "refund/2@1-3"
    assert result(log, {"eventually": "nothing/*"}).sentence.endswith("nothing was written to such a key")


@pytest.fixture
def fired() -> Log:
    """Two activations of one agent, each written several times, one of another, and two questions."""
    written = Log()
    for state in ("running", "pending", "running", "executed"):
        written.put("control/activations/1", {"agent": "clerk", "state": state})
    written.put("control/activations/2", {"agent": "clerk", "state": "running"})
    written.put("control/activations/3", {"agent": "boss", "state": "running"})
    written.put("control/escalations/1", {"agent": "clerk", "status": "open"})
    written.put("control/escalations/1", {"agent": "clerk", "status": "answered"})
    written.put("control/escalations/2", {"agent": "boss", "status": "open"})
    return written


@pytest.mark.parametrize(
    ("passed", "agent", "number"), [(True, "clerk", 2), (True, "boss", 1), (True, "nobody", 0), (False, "clerk", 5)]
)
def test_fired_counts_activations_and_not_their_transitions_or_retries(
    fired: Log, passed: bool, agent: str, number: int
) -> None:
    assert result(fired, {"fired": agent, "equals": number}).passed is passed


def test_calls_counts_every_dispatch_of_an_agent_or_of_a_capability() -> None:
    """A retry is a call of its own; what somebody else writes of an activation is none."""
    log = Log()
    for agent, states in {"a": ("running", "pending", "running", "escalated"), "b": ("running", "executed")}.items():
        for state in states:
            log.put(f"control/activations/{agent}", {"agent": agent, "capability": "pay", "state": state})
    assert [result(log, {"calls": name, "equals": n}).passed for name, n in (("a", 2), ("b", 1), ("pay", 3))] == [
        True
    ] * 3
    assert (
        result(log, {"calls": "pay", "at_most": 2}).sentence == "pay was called 3 times, expected at most 2 (a 2, b 1)"
    )
    assert result(log, {"calls": "nobody", "equals": 0}).passed


def test_escalated_counts_questions_of_all_or_of_one_agent_answered_or_not(fired: Log) -> None:
    assert result(fired, {"escalated": 2}).passed
    assert result(fired, {"escalated": {"equals": 1, "agent": "boss"}}).passed
    judged = result(fired, {"escalated": {"at_most": 1}})
    assert judged.sentence == "2 questions put to people, expected at most 1 (boss 1, clerk 1)"


def test_a_question_that_is_put_again_after_its_answer_counts_again(fired: Log) -> None:
    fired.put("control/escalations/1", {"agent": "clerk", "status": "open"})
    assert result(fired, {"escalated": {"equals": 2, "agent": "clerk"}}).passed


def test_quiescent_compares_how_the_run_ended(fired: Log) -> None:
    assert result(fired, {"quiescent": True}).passed
    judged = result(fired, {"quiescent": True}, quiescent=False, ending="60 s were over")
    assert (judged.passed, judged.sentence) == (False, "the run ended not at rest: 60 s were over")
    assert result(fired, {"quiescent": False}, quiescent=False).passed


def test_results_come_in_the_order_of_the_expectations_and_read_the_log_once(log: Log) -> None:
    expectations = TypeAdapter(Expectations).validate_python([
        {"never": "a/*"}, {"count": "refund/*", "equals": 2}, {"eventually": "refund/1"}, {"never": "refund/9"},
    ])  # fmt: skip
    judged = judge(expectations, RunFacts((change for change in log.changes), list(log.records.values()), True))
    assert [one.expectation for one in judged] == [
        "never a/*", "exactly 2 match refund/*", "eventually refund/1", "never refund/9",
    ]  # fmt: skip
    assert all(one.passed for one in judged)


def test_a_pattern_on_control_records_is_judged_like_any_other(fired: Log) -> None:
    assert result(fired, {"count": 'control/activations/* where state == "executed"', "equals": 1}).passed
