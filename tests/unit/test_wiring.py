"""``check`` and ``graph`` on teams that hang together badly, typed as a user types them."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

import pytest

from blackboard.cli import main

if TYPE_CHECKING:
    from pathlib import Path

AGENTS = """
from typing import Any
from knowledge_sources import knowledge_source

@knowledge_source(watches={"item": "approval/{x}"}, contributes="shipment/{x}")
def ship(item: Any) -> Any: ...

@knowledge_source(watches={"item": "shipment/{x}"}, contributes="invoice/{x}")
def bill(item: Any) -> Any: ...

@knowledge_source(watches={"item": 'invoice/{x} where total > 100 && text == "<b>;[x]`#"'}, contributes="approval/{x}")
def approve(item: Any) -> Any: ...

@knowledge_source(watches={"item": "order/{x}", "rate": "rate/{y}"}, contributes="price/{x}")
def price(item: Any, rate: Any) -> Any: ...

@knowledge_source(watches="order/{x}", contributes="answer/{x}")
def yes(order: Any) -> Any: ...

@knowledge_source(watches="order/{x}", contributes="answer/{x}")
def no(order: Any) -> Any: ...
"""
SCENARIO = """
version: 1
records: [{key: order/1, value: 1}]
agents:
"""


@pytest.fixture
def scenario(tmp_path: Path) -> Path:
    names = ("ship", "bill", "approve", "price", "yes", "no")
    lines = [f'  {name}: {{use: "./agents.py:{name}"}}\n' for name in names]
    (tmp_path / "scenario.yaml").write_text(SCENARIO + "".join(lines))
    (tmp_path / "agents.py").write_text(AGENTS)
    return tmp_path


def test_check_warns_of_a_deadlock_of_who_starves_and_of_rivals_at_their_places(
    scenario: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["check", str(scenario), "-o", "json"]) == 0
    document = json.loads(capsys.readouterr().out)
    told = {(w["place"].rpartition("scenario.yaml:")[2].partition(":")[0], w["message"]) for w in document["warnings"]}
    assert told == {
        ("5", ("a deadlock: 'ship' waits for 'approve' waits for 'bill' waits for 'ship', and nothing from outside "
              "begins it")),
        ("8", "nothing can wake 'price': it watches rate/{y}, which nobody writes"),
        ("9", ("'yes' and 'no' may both write answer/{x}, and nothing says which of them first: give one an unless, or "
              "let it watch what the other writes")),
    }  # fmt: skip


def test_a_deadlock_that_something_begins_is_told_as_a_circle(
    scenario: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = scenario / "scenario.yaml"
    file.write_text(file.read_text().replace("records: [", "records: [{key: shipment/1, value: 1}, "))
    assert main(["check", str(scenario)]) == 0
    out = capsys.readouterr().out
    assert "a circle: 'ship' wakes 'bill' wakes 'approve' wakes 'ship': it goes round for ever unless" in out


def test_graph_draws_every_agent_and_key_and_lets_no_text_act(
    scenario: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["graph", str(scenario)]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "flowchart LR"
    labels = dict(re.findall(r'^ +(\w+)[(\[]+"([^"]*)"', "\n".join(lines), re.MULTILINE))
    names = {label: node for node, label in labels.items()}
    assert {"ship", "bill", "approve", "price", "order/{x}", "answer/{x}"} <= names.keys()
    assert f"  {names['order/{x}']} --> {names['yes']}" in lines
    assert f"  {names['yes']} --> {names['answer/{x}']}" in lines
    conditions = [line for line in lines if "total" in line]
    assert len(conditions) == 1
    assert not set("<>") & set(conditions[0].replace("-->", ""))
    assert conditions[0].count('"') == 2


def test_graph_as_json_names_who_wakes_whom_and_what_nobody_reads(
    scenario: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["graph", str(scenario), "-o", "json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert {"writer": "ship", "key": "shipment/{x}", "reader": "bill"} in document["wakes"]
    assert document["deadlocks"] == [["ship", "approve", "bill"]]
    assert {(one["agent"], one["key"]) for one in document["unread"]} == {
        ("price", "price/{x}"), ("yes", "answer/{x}"), ("no", "answer/{x}"),
    }  # fmt: skip


@pytest.mark.parametrize("name", ["process_return", "double_refund", "first_agent"])
def test_the_shipped_scenarios_hang_together(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", name]) == 0
    assert "warning" not in capsys.readouterr().out
    assert main(["graph", name]) == 0


def test_check_notes_what_nobody_reads_unless_an_expectation_looks_at_it(
    scenario: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["check", str(scenario)]) == 0
    assert "note: agents.yes: nobody reads answer/{x}, which 'yes' may write" in capsys.readouterr().out
    file = scenario / "scenario.yaml"
    file.write_text(file.read_text() + 'expect: [{count: "answer/*", equals: 1}]\n')
    assert main(["check", str(scenario), "-o", "json"]) == 0
    notes = json.loads(capsys.readouterr().out)["notes"]
    assert [note["message"] for note in notes] == ["nobody reads price/{x}, which 'price' may write"]


def test_graph_draws_circles_and_what_is_in_none_as_before(scenario: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["graph", str(scenario)]) == 0
    circled = re.findall(r'\["(\w+)"\]:::circle', capsys.readouterr().out)
    assert sorted(circled) == ["approve", "bill", "ship"]


def test_a_capture_by_which_firings_are_shared_and_that_no_key_has_is_told(
    scenario: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with (scenario / "scenario.yaml").open("a") as file:
        file.write("policy: {fair: xx}\nlimits: {running: {capture: {y: 1, z: 1}}}\n")
    assert main(["check", str(scenario)]) == 0
    told = capsys.readouterr().out
    assert "policy.fair: no agent and no case captures 'xx', so all share one turn; did you mean 'x'?" in told
    assert "limits.running.capture.z: no agent and no case captures 'z', so it limits nothing" in told
    assert "captures 'y'" not in told
