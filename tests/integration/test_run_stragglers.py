"""A run ends though its agents do not: what swallows its cancellation, or sits in a thread, ends with the process."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import time
from typing import TYPE_CHECKING

import pytest

from blackboard.board import Board
from blackboard.control_records import LEADER
from blackboard.errors import BlackboardError
from tests.running import finish, start_run
from tests.waiting import wait_until

if TYPE_CHECKING:
    from pathlib import Path

    from tests.conftest import RedisServer

SCENARIO = """
version: 1
records: [{key: item/1, value: 1}]
agents: {stuck: {use: "./agents.py:stuck"}}
limits: {run: {time: 1s}}
"""
HEADER = """
import asyncio, time
from knowledge_sources import knowledge_source

@knowledge_source(watches={"item": "item/{i}"}, contributes="out/{i}")
"""
AGENTS = {
    "a coroutine that swallows its cancellation": """
async def stuck(item):
    while True:
        try:
            await asyncio.sleep(3600)
        except asyncio.CancelledError:
            pass
""",
    "a plain function that never returns": """
def stuck(item):
    time.sleep(3600)
""",
    "a coroutine that waits for a thread": """
async def stuck(item):
    await asyncio.to_thread(time.sleep, 3600)
""",
}


async def depose(url: str, name: str) -> None:
    """Lead in the place of whoever does."""
    async with await Board.open(url, name, create=False) as board:
        await board.put(LEADER, {"member": "elsewhere:1:other"})


def states_on(url: str, name: str) -> list[str]:
    """The states of a board's activations; none while there is no board."""

    async def read() -> list[str]:
        try:
            async with await Board.open(url, name, create=False) as board:
                return [record.value["state"] for record in await board.find("control/activations/*")]
        except BlackboardError:
            return []

    return asyncio.run(read())


@pytest.mark.parametrize("name", AGENTS)
def test_a_run_whose_agent_never_ends_exits_with_its_own_code(
    name: str, redis_url: str, board_name: str, tmp_path: Path
) -> None:
    """It told how it ended, and then stood still for ever."""
    (tmp_path / "scenario.yaml").write_text(SCENARIO)
    (tmp_path / "agents.py").write_text(HEADER + AGENTS[name].lstrip())
    began = time.monotonic()
    code, out, err = finish(start_run(redis_url, str(tmp_path), "--board", board_name))
    assert code == 6, out + err
    assert "the run has used its 1.0 s" in out
    assert time.monotonic() - began < 20


def test_a_run_that_fails_while_its_agent_does_not_end_exits_with_the_error(
    redis_server: RedisServer, board_name: str, tmp_path: Path
) -> None:
    """Another controller took the lead; the error was to be told after everything had ended, so it never was."""
    (tmp_path / "scenario.yaml").write_text(SCENARIO.replace("limits: {run: {time: 1s}}", ""))
    stuck = AGENTS["a coroutine that swallows its cancellation"]
    (tmp_path / "agents.py").write_text(HEADER + stuck.lstrip())
    running = start_run(redis_server.url, str(tmp_path), "--board", board_name)
    wait_until(lambda: "running" in states_on(redis_server.url, board_name), "the agent runs")
    asyncio.run(depose(redis_server.url, board_name))
    code, _, err = finish(running)
    assert code == 6, err
    assert "another controller leads" in err


def test_a_program_that_calls_the_command_goes_on_after_it(redis_url: str, board_name: str, tmp_path: Path) -> None:
    """The process was ended, with 0, in the middle of whatever had called the command: a test, for instance."""
    (tmp_path / "scenario.yaml").write_text(SCENARIO)
    (tmp_path / "agents.py").write_text(HEADER + "def stuck(item):\n    time.sleep(3)\n")
    words = ["run", str(tmp_path), "--url", redis_url, "--board", board_name, "-q"]
    program = f"from blackboard.cli import main\ncode = main({words!r})\nprint('went on after', code)"
    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False, timeout=60)
    assert ended.stdout.splitlines()[-1:] == ["went on after 6"], ended.stdout + ended.stderr
