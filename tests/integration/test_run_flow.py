"""A run that people stop: it says so, waits, and ends only when it has been let go on."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING

import pytest

from blackboard.board import Board
from blackboard.cli import main
from blackboard.command_name import command_name
from blackboard.connect import connect
from blackboard.control_records import ACTIVATIONS
from controller.flow import Person, focus, resume, step, unfocus
from scenarios.runner import Options, run_scenario
from tests.integration.test_flow import on
from tests.integration.test_run_joining import Onlooker
from tests.waiting import eventually

if TYPE_CHECKING:
    from pathlib import Path

SCENARIO = """
version: 1
input: orders.jsonl
case: order/{order}
agents:
  label: {use: "./agents.py:label"}
  bill: {use: "./agents.py:bill"}
"""
AGENTS = """
from typing import Any
from knowledge_sources import knowledge_source

@knowledge_source(watches={"order": "order/{order}"}, contributes="label/{order}")
def label(order: Any) -> Any:
    return "to " + order["order"]

@knowledge_source(watches={"order": "order/{order}"}, contributes="bill/{order}")
def bill(order: Any) -> Any:
    return 10
"""
ANN = Person("ann", "have a look")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "scenario.yaml").write_text(SCENARIO)
    (tmp_path / "agents.py").write_text(AGENTS)
    (tmp_path / "orders.jsonl").write_text("".join(json.dumps({"order": f"O-{n}"}) + "\n" for n in range(2)))
    return tmp_path


async def test_a_run_that_begins_paused_says_how_to_go_on_and_does_not_end_before(
    redis_url: str, board_name: str, folder: Path
) -> None:
    onlooker = Onlooker()
    async with await connect(redis_url) as backend, await Board.open(redis_url, board_name) as board:
        options = Options(board=board_name, halted="paused", by="ann")
        running = asyncio.create_task(run_scenario(backend, str(folder), options, onlooker))
        await eventually(lambda: onlooker.stops or running.done(), "it says that it is paused")
        (said,) = onlooker.stops
        assert said == (
            f"paused by ann: the run began so; '{command_name()} step --board {board_name}' dispatches the next one, "
            f"'{command_name()} resume --board {board_name}' goes on"
        )
        await step(board, 1, ANN)
        await board.wait_for("label/*", 5.0)
        assert len(await board.find(ACTIVATIONS + "*")) == 1
        assert not running.done()
        await resume(board, Person("bob"))
        finished = await running
        assert (finished.status, len(await board.find(ACTIVATIONS + "*"))) == ("finished", 4)
        assert onlooker.stops[-1] == "resumed by bob"


async def test_a_run_with_nothing_left_in_focus_ends_as_awaiting_and_says_what_is_not(
    redis_url: str, board_name: str, folder: Path
) -> None:
    async with await connect(redis_url) as backend, await Board.open(redis_url, board_name) as board:
        options = Options(board=board_name, halted="paused")
        onlooker = Onlooker()
        running = asyncio.create_task(run_scenario(backend, str(folder), options, onlooker))
        await eventually(lambda: onlooker.stops or running.done(), "it says that it is paused")
        await focus(board, on(agents=["bill"]), None)
        await resume(board, ANN)
        first = await running
        assert (first.status, first.exit_code) == ("awaiting", 0)
        assert first.ending == "2 pending are out of the focus on agents bill (ann: first things first)"
        assert await board.find("label/*") == []
        await unfocus(board, ANN)
        second = await run_scenario(backend, str(folder), Options(board=board_name, resume=True), Onlooker())
        assert (second.status, len(await board.find("label/*"))) == ("finished", 2)


def test_a_run_that_shows_only_json_says_on_stderr_why_it_does_not_go_on(
    redis_url: str, board_name: str, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """stdout stays one document; the limit of the run's time ends it here."""
    words = ["run", str(folder), "--url", redis_url, "--board", board_name, "--recommend", "-o", "json"]
    assert main([*words, "--set", "limits.run.time=500ms"]) == 6
    shown = capsys.readouterr()
    assert json.loads(shown.out)["status"] == "timed_out"
    assert "waits for a word on each pick by" in shown.err
    assert f"step --accept --board {board_name}" in shown.err


def test_a_run_that_nobody_could_let_go_on_is_refused(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A board in this process alone has nobody who could resume it."""
    assert main(["run", str(folder), "--url", "memory:", "--pause"]) == 2
    assert "memory:" in capsys.readouterr().err
