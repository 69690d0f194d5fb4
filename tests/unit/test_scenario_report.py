"""A report is computed from records alone, and says what each figure is made of."""

from __future__ import annotations

import io
import json
from typing import Any

import pytest

from blackboard.codec import pack_record, pack_value
from blackboard.console import SafeConsole
from blackboard.record import Record, Stamp
from controller.budgets import Limits, RunLimit
from scenarios.evidence import Evidence, sort_records
from scenarios.expectations import Result
from scenarios.figures import Outcome, Percentiles, Report
from scenarios.report import build_report, calls_of, classify, dearest_cases, failed_cost, percentiles
from scenarios.report_view import render_report
from scenarios.summary import Summary, next_commands, render_summary
from scenarios.verdict import overhead_result
from tests.control_values import completed


def activation(agent: str = "clerk", case: str = "return/1", **fields: Any) -> Any:
    decision = {
        "revision": 7, "eligible": 3, "rank": 1, "level": "normal", "rating": 0.0, "waited_ms": 4, "score": 0.0,
        "override": None, "runners_up": [{"activation": "x", "agent": "other", "level": "low", "score": 0.0}],
    }  # fmt: skip
    return {
        "agent": agent, "capability": agent, "state": "executed", "case": case, "work_item": f"{agent}|{case}",
        "captures": {}, "triggers": [], "worker": "w", "attempt": 1, "eligible_ms": 1_000, "dispatched_ms": 1_010,
        "ended_ms": 1_030, "run_us": 15_000, "decision": decision, **fields,
    }  # fmt: skip


def usage(tokens: int, cost: float) -> dict[str, Any]:
    return {"model": "m", "input_tokens": tokens, "output_tokens": tokens // 2, "cost": cost}


def escalation(case: str = "return/1", status: str = "open") -> Any:
    return {"status": status, "case": case, "agent": "clerk", "question": "?"}


def record(key: str, value: Any, case: str, revision: int) -> Record[Any]:
    packed, _ = pack_record(Stamp(case=case), "", 0, pack_value(completed(key, value)))
    return Record(key, f"1-{revision}", revision, 1, 1, packed)


def evidence(*activations: Any, cases: dict[str, str] | None = None, **rest: Any) -> Evidence:
    own = {one["case"]: "" for one in activations}
    given: dict[str, Any] = {"run": None, "escalations": {}, **rest}
    return Evidence(
        "demo@1", given["run"], {str(i): one for i, one in enumerate(activations)}, given["escalations"],
        own if cases is None else cases,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("expected", "states", "outcome", "asked"),
    [
        ("completed", ["executed", "obviated"], "", []),
        ("completed", ["executed", "abandoned"], "refunded", []),
        ("failed", ["executed", "abandoned"], "", []),
        ("failed", ["cancelled"], "", []),
        ("awaiting a person", ["executed", "escalated"], "", []),
        ("awaiting a person", ["executed"], "", ["open"]),
        ("completed", ["executed"], "", ["answered"]),
        ("unfinished", ["executed", "running"], "", []),
        ("unfinished", ["failed"], "", []),
        ("untouched", [], "", []),
        ("untouched", ["obviated"], "", []),
    ],
)
def test_a_case_is_classed_by_its_activations_and_questions(
    expected: str, states: list[str], outcome: str, asked: list[str]
) -> None:
    assert classify([activation(state=s) for s in states], [escalation(status=s) for s in asked], outcome) == expected


def test_outcomes_count_cases_by_class_and_by_their_own_words_and_rejected_lines() -> None:
    run = {
        "scenario": "s",
        "status": "finished",
        "started_ms": 0,
        "settings": {},
        "rejected_input": [{"line": 3, "reason": "x"}],
    }
    found = evidence(
        activation(case="a"), activation(case="b"), activation(case="c", state="abandoned"),
        cases={"a": "refunded", "b": "refunded", "c": "", "d": ""}, run=run,
    )  # fmt: skip
    assert build_report(found).outcomes == (
        Outcome("completed", "refunded", 2), Outcome("failed", "", 1), Outcome("untouched", "", 1), Outcome("rejected", "", 1),
    )  # fmt: skip


def test_an_agents_line_sums_its_activations() -> None:
    attempt = {"started_ms": 1, "ended_ms": 2, "failure": "error", "error": "no", "cost": 0.10}
    report = build_report(evidence(
        activation(attempt=2, attempts=[attempt], usage=[usage(100, 0.10), usage(100, 0.15)], conflicts=2, decided_by="b"),
        activation(case="return/2", state="obviated", usage=[usage(10, 0.05)]),
        activation(case="return/3", state="abandoned", attempt=3, attempts=[attempt] * 3),
        activation("boss", case="return/3"),
    ))  # fmt: skip
    boss, clerk = report.agents
    assert (boss.agent, boss.activations, boss.executed, boss.cost) == ("boss", 1, 1, 0.0)
    assert (clerk.activations, clerk.executed, clerk.failed, clerk.obviated) == (3, 1, 1, 1)
    assert (clerk.failed_attempts, clerk.retries, clerk.conflicts, clerk.overruled) == (4, 3, 2, 1)
    assert (clerk.input_tokens, clerk.output_tokens) == (210, 105)
    assert clerk.cost == pytest.approx(0.10 + 0.25 + 0.05 + 0.30)
    assert clerk.failed_cost == pytest.approx(0.10 + 0.05 + 0.30)
    assert clerk.latency == Percentiles(30.0, 30.0)
    assert clerk.run_time == Percentiles(15.0, 15.0)
    assert report.totals.cost == pytest.approx(0.70)


def test_the_last_call_is_lost_money_only_where_it_came_to_nothing() -> None:
    attempt = {"started_ms": 1, "ended_ms": 2, "failure": "error", "error": "no", "cost": 0.10}
    spent: dict[str, Any] = {"attempts": [attempt], "usage": [usage(1, 0.3)]}
    assert failed_cost(activation(**spent)) == pytest.approx(0.1)
    assert failed_cost(activation(state="escalated", **spent)) == pytest.approx(0.1)
    assert failed_cost(activation(state="obviated", **spent)) == pytest.approx(0.4)


def test_percentiles_are_by_the_nearest_rank_and_none_of_nothing() -> None:
    assert percentiles(range(1, 101)) == Percentiles(50.0, 99.0)
    assert percentiles([3, 1, 2]) == Percentiles(2.0, 3.0)
    assert percentiles([]) is None


def test_the_projection_scales_one_case_to_ten_thousand() -> None:
    report = build_report(evidence(
        *(activation(case=f"return/{i}", usage=[usage(100, 0.02)]) for i in range(4)),
        escalations={"control/escalations/1": escalation()},
    ))  # fmt: skip
    assert report.projection is not None
    assert report.projection.cost == pytest.approx(200.0)
    assert (report.projection.activations, report.projection.escalations) == (10_000.0, 2_500.0)
    assert report.totals.people_share == 0.25


def test_an_empty_board_gives_an_empty_report() -> None:
    report = build_report(evidence())
    assert (report.outcomes, report.agents, report.projection, report.path) == ((), (), None, None)
    render_report(SafeConsole(io.StringIO()), report)


def test_overhead_is_split_as_the_run_measured_it_and_what_it_did_not_measure_is_not_zero() -> None:
    run = {
        "scenario": "s", "status": "finished", "started_ms": 0, "ended_ms": 2_000, "settings": {},
        "overhead": {"routing": {"seconds": 0.002, "share": 0.02}, "state": {"seconds": 0.004, "share": 0.04}},
    }  # fmt: skip
    overhead = build_report(evidence(activation(), activation(case="b"), run=run)).overhead
    assert [phase.name for phase in overhead.phases] == ["routing", "router", "state", "validation", "tracing"]
    assert overhead.phases[0].us_per_activation == pytest.approx(1_000)
    assert overhead.phases[1].share is None
    assert overhead.share == pytest.approx(0.06)
    assert overhead.us_per_activation == pytest.approx(3_000)
    assert overhead.agents_seconds == pytest.approx(0.030)


def test_the_path_of_a_case_is_its_decisions_in_order_with_who_else_was_eligible() -> None:
    report = build_report(evidence(
        activation("second", dispatched_ms=20), activation("first", dispatched_ms=10), activation(case="return/2"),
    ), case="return/1")  # fmt: skip
    assert report.path is not None
    assert [step.agent for step in report.path.steps] == ["first", "second"]
    assert report.path.steps[0].instead_of == ("other",)
    assert (report.path.steps[0].eligible, report.path.steps[0].rank, report.path.steps[0].revision) == (3, 1, 7)


def test_the_case_that_is_told_is_one_that_a_supervisor_decided_else_one_that_a_person_was_asked_about() -> None:
    plain, asked = activation(case="return/1"), activation(case="return/2")
    decided = activation(case="return/3", decided_by="boss")
    questions = {"control/escalations/1": escalation("return/2")}
    assert _told(evidence(plain, asked, decided, escalations=questions)) == "return/3"
    assert _told(evidence(plain, asked, escalations=questions)) == "return/2"
    assert _told(evidence(plain, asked)) == "return/1"


def _told(found: Evidence) -> str:
    path = build_report(found).path
    return path.case if path is not None else ""


def test_records_are_sorted_into_run_activations_questions_and_cases_with_their_latest_outcome() -> None:
    found = sort_records("demo@1", [
        record("control/run", {"scenario": "s"}, "", 1),
        record("return/1", {"rma": 1}, "return/1", 2),
        record("return/2", {"outcome": 5}, "return/2", 3),
        record("answer/1", {"outcome": "refunded"}, "return/1", 9),
        record("draft/1", {"outcome": "open"}, "return/1", 4),
        record("order/7", {"outcome": "paid"}, "", 5),
        record("control/activations/a", activation(case="return/3"), "return/3", 6),
        record("control/escalations/e", escalation("return/3"), "return/3", 7),
    ])  # fmt: skip
    assert found.cases == {"return/1": "refunded", "return/2": "", "return/3": ""}
    assert list(found.activations) == ["a"]
    assert list(found.escalations) == ["control/escalations/e"]


@pytest.fixture
def report() -> Report:
    run = {
        "scenario": "demo", "status": "awaiting", "started_ms": 0, "ended_ms": 2_500, "settings": {},
        "rejected_input": [{"line": 4, "reason": "not JSON \x1b[31m"}],
        "overhead": {"routing": {"seconds": 0.002, "share": 0.02}},
    }  # fmt: skip
    return build_report(evidence(
        activation(decided_by="boss", reason="the bank is slow\x1b]52;c;x\x07", usage=[usage(100, 0.02)]),
        run=run, escalations={"control/escalations/1": escalation()}, cases={"return/1": "refunded"},
    ))  # fmt: skip


def rendered(report: Report) -> str:
    out = io.StringIO()
    render_report(SafeConsole(out), report)
    return out.getvalue()


def test_a_person_sees_outcomes_path_agents_totals_and_overhead_and_no_control_characters(report: Report) -> None:
    text = rendered(report)
    for part in (
        "demo@1: demo awaiting, 2.5 s", "awaiting a person", "refunded", "rejected line 4: not JSON \\x1b[31m",
        "How return/1 was decided: refunded", "decided by boss; the bank is slow\\x1b]52;c;x\\x07; also eligible: other",
        "a day of 10,000 cases", "200.00", "Overhead 2.0% of 0.01 s inside agents", "not measured", "100/50",
    ):  # fmt: skip
        assert part in text, text
    assert "\x1b" not in text


def test_where_agents_take_next_to_no_time_the_overhead_is_told_in_seconds() -> None:
    """A share of it was 14,567 %, which says nothing of the runtime."""
    run = {
        "scenario": "demo", "status": "finished", "started_ms": 0, "ended_ms": 2_500, "settings": {},
        "agents_seconds": 0.002, "overhead": {"routing": {"seconds": 0.25, "share": 125.0}},
    }  # fmt: skip
    text = rendered(build_report(evidence(activation(), run=run)))
    assert "Overhead 0.25 s beside 0.00 s inside agents, 250,000 µs an activation" in text, text
    assert ["routing", "0.250", "250,000"] in [line.split() for line in text.splitlines()]
    assert "12500" not in text.replace(",", "").replace(".", "")


@pytest.mark.parametrize(
    ("passed", "actual", "agents_s"), [(True, "25.0%", 1.0), (False, "50.0%", 0.5), (False, "more than all", 0.0)]
)
def test_a_limit_of_the_overhead_is_judged_in_words_that_mean_something(
    passed: bool, actual: str, agents_s: float
) -> None:
    run: Any = {"agents_seconds": agents_s, "overhead": {"routing": {"seconds": 0.25, "share": 1.0}}}
    (result,) = overhead_result(run, Limits(run=RunLimit(overhead=0.3)))
    assert (result.passed, result.actual) == (passed, actual)
    assert not agents_s or f"took {actual} of" in result.sentence
    assert agents_s or result.sentence == "the runtime took 0.25 s, more than the agents, which took 0.00 s"


def test_the_document_of_a_report_is_plain_json(report: Report) -> None:
    document = json.loads(json.dumps(report.as_document(), allow_nan=False))
    assert document["agents"][0]["latency"] == {"p50": 30.0, "p99": 30.0}
    assert document["path"]["steps"][0]["decided_by"] == "boss"


def test_the_summary_says_what_failed_where_the_board_is_and_what_to_type_next(report: Report) -> None:
    results = (
        Result("never a/*", True, "none", "none", "no record ever matched a/*"),
        Result("never b/*", False, "none", "b/1@1-7", "b/1@1-7 matched b/*", "b/1@1-7"),
    )
    summary = Summary(report, results, "embedded:.blackboard", "only people are awaited")
    out = io.StringIO()
    render_summary(SafeConsole(out), summary)
    text = out.getvalue()
    for part in ("ok     never a/*", "FAILED never b/*: b/1@1-7 matched b/*", "Board: demo@1 at embedded:.blackboard"):
        assert part in text, text
    commands = [command for command, _ in next_commands(summary)]
    assert commands[:2] == ["blackboard escalations --board demo@1", "blackboard why b/1 --board demo@1"]
    assert not summary.passed
    assert json.loads(json.dumps(summary.as_document()))["expectations"][1]["counter_example"] == "b/1@1-7"


def test_the_dearest_cases_are_told_with_what_failed_calls_used() -> None:
    """Tokens and cost of failed attempts are the case's too; without any cost the slowest come first."""

    used = {"model": "m", "input_tokens": 10, "output_tokens": 1, "cost": 0.5}
    attempt = {"started_ms": 0, "ended_ms": 5, "failure": "error", "error": "x", "cost": 0.5, "usage": [used]}

    def one(case: str, took_ms: int, **more: Any) -> Any:
        return {
            "case": case,
            "eligible_ms": 0,
            "dispatched_ms": 0,
            "ended_ms": took_ms,
            "attempt": 1,
            "state": "executed",
            **more,
        }

    dear = one("dear", 5, attempt=2, attempts=[attempt], usage=[used])
    assert len(calls_of(dear)) == 2
    lines = dearest_cases([one("slow", 900), dear, one("quick", 1)])
    assert [line.case for line in lines] == ["dear", "slow", "quick"]
    assert (lines[0].calls, lines[0].input_tokens, lines[0].cost, lines[0].failed_cost) == (2, 20, 1.0, 0.5)


def test_the_projection_is_for_as_many_interactions_as_are_asked_for() -> None:

    evidence = Evidence("b", None, {}, {}, {"case/1": "", "case/2": ""})
    projection = build_report(evidence, per_day=50).projection
    assert projection is not None
    assert projection.interactions == 50
