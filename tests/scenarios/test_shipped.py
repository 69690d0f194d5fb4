"""The scenarios that are shipped do what their README says, typed as a user types them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from blackboard.cli import main
from scenarios.shipped import shipped_scenarios

if TYPE_CHECKING:
    from collections.abc import Callable


@pytest.fixture
def run(redis_url: str, board_name: str, capsys: pytest.CaptureFixture[str]) -> Callable[..., tuple[int, Any]]:
    """Run a scenario on a board of this test; returns the exit code and the document of the run."""

    def typed(*words: str) -> tuple[int, Any]:
        code = main(["run", "--url", redis_url, "--board", board_name, "-o", "json", *words])
        shown = capsys.readouterr()
        assert shown.err == ""
        return code, json.loads(shown.out)

    return typed


def failed(document: Any) -> list[str]:
    return [result["expectation"] for result in document["expectations"] if not result["passed"]]


@pytest.mark.parametrize("name", shipped_scenarios())
def test_every_shipped_scenario_has_a_test_of_what_it_shows(name: str) -> None:
    assert (Path(__file__).parent / f"test_{name}.py").is_file()


def test_process_return_answers_205_of_210_returns_and_asks_people_about_five(
    run: Callable[..., tuple[int, Any]],
) -> None:
    code, document = run("process_return")
    assert failed(document) == []
    assert code == 0
    assert (document["status"], document["totals"]["cases"]) == ("awaiting", 210)
    assert document["totals"]["escalations_open"] == 5
    assert len(document["rejected_input"]) == 12
    assert "queue_refund 4" in document["ending"]
    assert document["ended_ms"] - document["started_ms"] < 10_000
    phases = {phase["name"]: phase["seconds"] for phase in document["overhead"]["phases"]}
    assert list(phases) == ["routing", "router", "state", "validation", "tracing"]
    assert all(seconds > 0 for seconds in phases.values())


def test_double_refund_pays_each_return_once_and_names_who_was_first(run: Callable[..., tuple[int, Any]]) -> None:
    code, document = run("double_refund")
    assert (code, failed(document), document["status"]) == (0, [], "finished")
    lost = sum(agent["obviated"] for agent in document["agents"])
    assert lost == 12
    steps = {step["state"]: step for step in document["path"]["steps"] if step["agent"].startswith("refund_")}
    assert steps["obviated"]["winner"] == steps["executed"]["agent"]


def test_double_refund_without_guards_pays_twice_and_fails(run: Callable[..., tuple[int, Any]]) -> None:
    code, document = run("double_refund", "--set", "guard=off")
    assert code == 1
    assert failed(document) == ["exactly 12 match payment/*/*", "gateway fired exactly 12"]
    assert "24 records match payment/*/*" in document["expectations"][1]["sentence"]


def test_first_agent_answers_four_and_asks_a_person_about_one(run: Callable[..., tuple[int, Any]]) -> None:
    code, document = run("first_agent")
    assert (code, failed(document), document["status"]) == (0, [], "awaiting")
    answers = [each["command"] for each in document["next"] if "escalations answer" in each["command"]]
    assert answers
    assert " approve " in answers[0]


def test_first_agent_with_a_lower_limit_asks_three_times_and_its_expectations_fail(
    run: Callable[..., tuple[int, Any]],
) -> None:
    code, document = run("first_agent", "--set", "agents.clerk.with.limit=50")
    assert code == 1
    assert document["totals"]["escalations_open"] == 3
