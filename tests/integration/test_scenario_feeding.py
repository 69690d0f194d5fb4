"""A scenario's records reach a real board once, in order, and the run can be judged and reported from it."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any

import pytest
from pydantic import TypeAdapter

from blackboard.cli import main
from blackboard.codec import MAX_VALUE_BYTES, pack_value
from blackboard.errors import InvalidInput
from blackboard.record import Stamp
from scenarios.evidence import read_evidence
from scenarios.expectation_models import Expectations
from scenarios.feeding import REJECTED_KEPT, feed_scenario
from scenarios.input import Rejected
from scenarios.judging import judge_board
from scenarios.loading import load_scenario
from scenarios.report import build_report

if TYPE_CHECKING:
    from pathlib import Path

    from blackboard.board import Board
    from scenarios.scenario import Scenario

SCENARIO = """version: 1
input: returns.jsonl
case: return/{rma}
records:
  - {key: policy/returns, value: {days: 30}}
  - {key: return/R0, value: {rma: R0}, ttl: 1h}
  - {from: orders.csv, key: "order/{order}"}
agents: {a: {use: m:a}}
"""


@pytest.fixture
def scenario(tmp_path: Path) -> Scenario:
    (tmp_path / "scenario.yaml").write_text(SCENARIO, encoding="utf-8")
    (tmp_path / "orders.csv").write_text("order,amount\nO1,5\nO2,7.5\nO/3,1\n", encoding="utf-8")
    lines = [json.dumps({"rma": f"R{i}", "amount": i}) for i in range(1, 1_201)]
    lines.insert(2, "not json")
    lines += [lines[0], '{"rma": "R2", "amount": 99}']
    (tmp_path / "returns.jsonl").write_text("\n".join(lines), encoding="utf-8")
    return load_scenario(tmp_path)


async def test_opening_records_come_first_then_the_input_in_its_order_each_as_its_own_case(
    board: Board, scenario: Scenario
) -> None:
    fed = await feed_scenario(board, scenario)
    assert (fed.posted, fed.already) == (2 + 2 + 1_200, 0)
    assert fed.rejected == (
        Rejected(4, "orders.csv: 'order' is 'O/3', which cannot stand in a key"),
        Rejected(3, fed.rejected[1].reason),
        Rejected(1_202, "return/R1: duplicate of line 1"),
        Rejected(1_203, "return/R2: conflicts with line 2, which has other content"),
    )
    records = sorted((await board.replica()).records(), key=lambda record: record.revision)
    keys = [record.key for record in records]
    assert keys == ["policy/returns", "return/R0", "order/O1", "order/O2", *(f"return/R{i}" for i in range(1, 1_201))]
    assert {record.case for record in records if record.key.startswith("return/")} == {
        k for k in keys if k.startswith("return/")
    }
    assert {record.case for record in records if not record.key.startswith("return/")} == {""}
    assert {record.author for record in records} == {"input"}
    assert [record.expires_ms > 0 for record in records[:3]] == [False, True, False]


async def test_feeding_again_changes_nothing_and_counts_what_was_there(board: Board, scenario: Scenario) -> None:
    await feed_scenario(board, scenario)
    head = await board.revision()
    again = await feed_scenario(board, scenario)
    assert (again.posted, again.already) == (0, 1_204)
    assert await board.revision() == head


async def test_an_input_given_from_outside_stands_in_for_the_scenarios_own(
    board: Board, scenario: Scenario, tmp_path: Path
) -> None:
    other = tmp_path / "other.csv"
    other.write_text("rma,amount\nX1,4\n", encoding="utf-8")
    await feed_scenario(board, scenario, other)
    assert [record.key for record in await board.find("return/*")] == ["return/R0", "return/X1"]


async def test_an_input_needs_a_case_to_go_to(board: Board, tmp_path: Path) -> None:
    (tmp_path / "scenario.yaml").write_text("version: 1\nagents: {a: {use: m:a}}\n", encoding="utf-8")
    with pytest.raises(InvalidInput, match="an input needs case"):
        await feed_scenario(board, load_scenario(tmp_path), tmp_path / "x.jsonl")


async def test_without_a_case_each_opening_record_is_one(board: Board, tmp_path: Path) -> None:
    text = "version: 1\nagents: {a: {use: m:a}}\nrecords: [{key: request/1, value: {x: 1}}]\n"
    (tmp_path / "scenario.yaml").write_text(text, encoding="utf-8")
    await feed_scenario(board, load_scenario(tmp_path))
    (record,) = await board.find("request/*")
    assert record.case == "request/1"


async def test_a_run_is_judged_on_every_version_that_its_log_holds(board: Board) -> None:
    await board.put("refund/1", {"amount": 700})
    await board.put("refund/1", {"amount": 5})
    expectations = TypeAdapter(Expectations).validate_python([
        {"never": "refund/* where amount > 500"}, {"count": "refund/*", "equals": 1}, {"eventually": "refund/1"},
        {"quiescent": True},
    ])  # fmt: skip
    results = await judge_board(board, expectations, quiescent=True)
    assert [result.passed for result in results] == [False, True, True, True]
    assert results[0].counter_example == "refund/1@1-1"


async def test_an_empty_board_can_be_judged_and_reported(board: Board) -> None:
    expectations = TypeAdapter(Expectations).validate_python([{"count": "a/*", "equals": 0}, {"eventually": "a/*"}])
    assert [result.passed for result in await judge_board(board, expectations, quiescent=True)] == [True, False]
    assert build_report(await read_evidence(board)).totals.cases == 0


async def test_the_report_command_sums_up_a_board_from_its_records(
    board: Board, redis_url: str, capsys: pytest.CaptureFixture[str]
) -> None:
    await _finished_case(board)
    where = ["--url", redis_url, "--board", board.name]
    assert await asyncio.to_thread(main, ["report", *where]) == 0
    assert "How return/1 was decided: refunded" in capsys.readouterr().out
    assert await asyncio.to_thread(main, ["report", *where, "-o", "json", "--case", "return/1"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert document["outcomes"] == [{"kind": "completed", "outcome": "refunded", "cases": 1}]
    assert document["totals"]["activations"] == 1
    assert await asyncio.to_thread(main, ["report", *where, "--case", "retrun/1"]) == 5
    assert "did you mean 'return/1'?" in capsys.readouterr().err


async def _finished_case(board: Board) -> None:
    case = Stamp(case="return/1")
    await board.create("return/1", {"rma": 1}, stamp=case)
    await board.create("answer/1", {"outcome": "refunded"}, stamp=case)
    decision: dict[str, Any] = {
        "revision": 1, "eligible": 1, "rank": 1, "level": "normal", "rating": 0.0, "waited_ms": 0, "score": 0.0,
        "override": None, "runners_up": [],
    }  # fmt: skip
    activation = {
        "agent": "clerk", "capability": "clerk", "state": "executed", "case": "return/1", "work_item": "clerk|return/1",
        "captures": {}, "triggers": [], "worker": "w", "attempt": 1, "eligible_ms": 1, "dispatched_ms": 2, "ended_ms": 3,
        "decision": decision,
    }  # fmt: skip
    await board.create("control/activations/a", activation, stamp=case)


async def test_a_file_of_another_kind_is_counted_and_its_first_lines_are_told(board: Board, tmp_path: Path) -> None:
    """With a reason for each of 40,000 lines the run's own record was too large to be written, and the run failed."""
    (tmp_path / "scenario.yaml").write_text(SCENARIO, encoding="utf-8")
    (tmp_path / "orders.csv").write_text("order,amount\n", encoding="utf-8")
    twice = '"' + "é" * 500_000 + '": 1'
    (tmp_path / "returns.jsonl").write_text(f"{{{twice}, {twice}}}\n" + "{\n" * 40_000, encoding="utf-8")
    fed = await feed_scenario(board, load_scenario(tmp_path))
    assert fed.rejected_count == 40_001
    assert len(fed.rejected) == REJECTED_KEPT
    assert len(pack_value([one.as_record() for one in fed.rejected])) < MAX_VALUE_BYTES / 2
