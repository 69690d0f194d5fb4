"""How much of its log a run keeps, and what is said of a run whose log was trimmed."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from blackboard.connect import connect
from blackboard.errors import InvalidInput
from scenarios.feeding import fed_before
from scenarios.loading import load_scenario
from scenarios.run_log import SNAPSHOT, keep_log
from scenarios.runner import Options, run_scenario
from tests.integration.test_run_joining import Onlooker

if TYPE_CHECKING:
    from pathlib import Path

    from blackboard.board import Board
    from scenarios.verdict import Finished

ORDERS = 1_500
SCENARIO = """
version: 1
input: orders.jsonl
case: order/{order}
agents:
  clerk: {use: "./agents.py:clerk"}
expect:
  - {count: "answer/*", equals: ORDERS}
  - {fired: clerk, equals: ORDERS}
  - {never: "answer/* where n < 0"}
  - {eventually: 'order/{order} where n == 0'}
""".replace("ORDERS", str(ORDERS))
AGENTS = """
from typing import Any
from knowledge_sources import knowledge_source

@knowledge_source(watches={"order": "order/{order}"}, contributes="answer/{order}")
async def clerk(order: Any) -> Any:
    return {"n": order["n"] * 2}
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "scenario.yaml").write_text(SCENARIO)
    (tmp_path / "agents.py").write_text(AGENTS)
    lines = [json.dumps({"order": str(n), "n": n}) for n in range(ORDERS)]
    (tmp_path / "orders.jsonl").write_text("\n".join(lines))
    return tmp_path


async def run(folder: Path, url: str, board: str) -> Finished:
    async with await connect(url) as backend:
        return await run_scenario(backend, str(folder), Options(board=board), Onlooker())


async def test_a_run_is_judged_on_its_whole_log_and_only_then_lets_it_go(
    folder: Path, redis_url: str, board: Board
) -> None:
    scenario = load_scenario(str(folder))
    await keep_log(board, scenario, stay=False)
    assert [(s.name, s.revision) for s in await board.snapshots()] == [(SNAPSHOT, 0)]
    finished = await run(folder, redis_url, board.name)
    assert [result.passed for result in finished.results] == [True] * 4
    assert "judged from" not in finished.ending
    assert await board.snapshots() == []
    assert (await board.trim("now")).horizon == await board.revision() - 1


async def test_a_run_with_a_limit_for_its_log_is_trimmed_while_it_goes_and_says_from_where_it_was_judged(
    folder: Path, redis_url: str, board: Board
) -> None:
    (folder / "scenario.yaml").write_text(SCENARIO + "log: {revisions: 500}\n")
    finished = await run(folder, redis_url, board.name)
    horizon = await board.horizon()
    assert horizon > ORDERS
    assert finished.ending.endswith(f"; judged from revision {horizon} on, up to which its log was trimmed")
    assert [result.passed for result in finished.results] == [True] * 4


@pytest.mark.parametrize(
    ("limit", "stay"), [("log: {revisions: 500}\n", False), ("", True)], ids=["limited", "staying"]
)
async def test_what_a_run_that_was_killed_held_is_let_go_of_by_one_that_holds_nothing(
    folder: Path, board: Board, limit: str, stay: bool
) -> None:
    await keep_log(board, load_scenario(str(folder)), stay=False)
    (folder / "scenario.yaml").write_text(SCENARIO + limit)
    await keep_log(board, load_scenario(str(folder)), stay=stay)
    assert await board.snapshots() == []


async def test_what_was_fed_is_known_after_trimming_as_long_as_it_stands(
    folder: Path, redis_url: str, board: Board
) -> None:
    await run(folder, redis_url, board.name)
    before = await fed_before(board)
    await board.trim("now")
    assert await fed_before(board) == before
    assert len(before) == ORDERS


@pytest.mark.parametrize(
    ("log", "told"),
    [
        ("{revisions: -1}", "0"),
        ("{size: 12}", "write a whole number and KB, MB or GB"),
        ("{size: 1.5GB}", "write a whole number and KB, MB or GB"),
        ("{age: 7}", "not a duration"),
        ("{revision: 3}", "did you mean 'revisions'"),
    ],
)
def test_a_limit_that_is_none_is_refused_at_its_place(folder: Path, log: str, told: str) -> None:
    (folder / "scenario.yaml").write_text(SCENARIO + f"log: {log}\n")
    with pytest.raises(InvalidInput, match=rf"scenario\.yaml:12:\d+: log\.\w+: .*{told}"):
        load_scenario(str(folder))
