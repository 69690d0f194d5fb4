"""Agents that join a run while it goes on, and files that give none."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING

import pytest
import pytest_asyncio

from blackboard.board import Board
from blackboard.connect import connect
from blackboard.control_records import AGENTS
from scenarios.runner import Options, run_scenario
from tests.running import finish, start_run
from tests.waiting import eventually

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from blackboard.log import Change
    from blackboard.replica import Replica
    from scenarios.verdict import Finished

SCENARIO = """
version: 1
input: orders.jsonl
case: order/{order}
agents_dir: agents
agents:
  first: {use: "./first.py:first"}
"""
AGENT = """
from typing import Any
from knowledge_sources import knowledge_source

@knowledge_source(watches={"order": "order/{order}"}, contributes="NAME/{order}")
async def NAME(order: Any) -> Any:
    return {"by": "NAME"}
"""


class Onlooker:
    """Keeps what it is told."""

    def __init__(self) -> None:
        self.notes: list[str] = []
        self.rests = 0
        self.stops: list[str] = []

    async def opened(self, board: Board, replica: Replica, *, resumed: bool) -> None:
        return

    def changed(self, change: Change, running: int, pending: int) -> None:
        return

    def note(self, text: str) -> None:
        self.notes.append(text)

    def stopped(self, text: str) -> None:
        self.stops.append(text)

    def rested(self) -> None:
        self.rests += 1

    async def ended(self, finished: Finished | None) -> None:
        return


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "scenario.yaml").write_text(SCENARIO)
    (tmp_path / "first.py").write_text(AGENT.replace("NAME", "first"))
    (tmp_path / "orders.jsonl").write_text("\n".join(json.dumps({"order": f"O-{n}"}) for n in range(3)))
    (tmp_path / "agents").mkdir()
    return tmp_path


class Serving:
    """A run that stays up, seen from another client of the same server."""

    def __init__(self, board: Board, onlooker: Onlooker, running: asyncio.Task[Finished]) -> None:
        self.board = board
        self.onlooker = onlooker
        self.running = running


@pytest_asyncio.fixture
async def serving(redis_url: str, board_name: str, folder: Path) -> AsyncIterator[Serving]:
    onlooker = Onlooker()
    async with await connect(redis_url) as backend, await Board.open(redis_url, board_name) as board:
        options = Options(board=board_name, stay=True)
        running = asyncio.create_task(run_scenario(backend, str(folder), options, onlooker))
        await eventually(lambda: onlooker.rests or running.done(), "the run comes to rest")
        assert not running.done(), running.result()
        yield Serving(board, onlooker, running)
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)


async def test_a_file_dropped_in_joins_and_works_on_what_is_there_already(serving: Serving, folder: Path) -> None:
    (folder / "agents" / "second.py").write_text(AGENT.replace("NAME", "second"))
    written = await serving.board.wait_for("second/O-2", 5.0)
    assert written.author == "second"
    assert "second joined from second.py" in serving.onlooker.notes
    await eventually(lambda: serving.onlooker.rests == 2, "the run comes to rest again")


async def test_a_broken_file_is_reported_with_its_traceback_and_joins_when_mended(
    serving: Serving, folder: Path
) -> None:
    path = folder / "agents" / "my second.py"
    path.write_text("raise RuntimeError('not yet')\n")
    entry = await serving.board.wait_for(f'{AGENTS}* where status == "broken"', 5.0)
    assert entry.key == f"{AGENTS}my%20second.py"
    assert entry.value["error"].endswith("RuntimeError: not yet\n")
    assert entry.value["source"] == str(path)
    path.write_text(AGENT.replace("NAME", "second"))
    await serving.board.wait_for("second/O-0", 5.0)
    await eventually(lambda: serving.onlooker.notes, "the newcomer is told of")
    assert await serving.board.get(entry.key) is None


async def test_a_name_that_is_taken_is_reported_and_does_not_replace_who_has_it(serving: Serving, folder: Path) -> None:
    (folder / "agents" / "copy.py").write_text(AGENT.replace("NAME", "first"))
    entry = await serving.board.wait_for(f'{AGENTS}* where status == "broken"', 5.0)
    assert "'first' is already one of the agents" in entry.value["error"]
    ready = await serving.board.get(f"{AGENTS}first")
    assert ready is not None
    assert ready.value["status"] == "ready"


async def test_a_file_that_is_broken_at_the_start_hinders_nobody(redis_url: str, board_name: str, folder: Path) -> None:
    (folder / "agents" / "broken.py").write_text("1 +\n")
    (folder / "agents" / "third.py").write_text(AGENT.replace("NAME", "third"))
    async with await connect(redis_url) as backend:
        finished = await run_scenario(backend, str(folder), Options(board=board_name), Onlooker())
    assert finished.status == "finished"
    async with await Board.open(redis_url, board_name) as board:
        entry = await board.get(f"{AGENTS}broken.py")
        assert entry is not None
        assert "SyntaxError" in entry.value["error"]
        assert len(await board.find("third/*")) == 3


async def test_work_of_an_agent_that_is_missing_waits_until_it_joins_again(
    redis_url: str, board_name: str, folder: Path
) -> None:
    """A retry that was pending when the run ended must not be lost because its file was broken meanwhile."""
    path = folder / "agents" / "second.py"
    fails = AGENT.replace("NAME", "second").replace("return {", 'raise RuntimeError("no")\n    return {')
    path.write_text(fails)
    (folder / "scenario.yaml").write_text(SCENARIO + "limits: {run: {time: 300ms}}\n")
    assert finish(start_run(redis_url, str(folder), "--board", board_name, "-q"))[0] == 6
    path.write_text("1 +\n")
    async with await connect(redis_url) as backend:
        onlooker = Onlooker()
        options = Options(board=board_name, resume=True, stay=True)
        running = asyncio.create_task(run_scenario(backend, str(folder), options, onlooker))
        await eventually(lambda: onlooker.rests or running.done(), "the run comes to rest without the agent")
        path.write_text(AGENT.replace("NAME", "second"))
        async with await Board.open(redis_url, board_name) as board:
            for n in range(3):
                await board.wait_for(f"second/O-{n}", 8.0)
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)


async def test_a_second_run_of_a_board_waits_for_the_first_and_says_so(
    serving: Serving, redis_url: str, folder: Path
) -> None:
    onlooker = Onlooker()
    async with await connect(redis_url) as backend:
        options = Options(board=serving.board.name, resume=True)
        second = asyncio.create_task(run_scenario(backend, str(folder), options, onlooker))
        await eventually(lambda: onlooker.notes or second.done(), "the second run says for whom it waits")
        assert not second.done(), second.result()
        assert f"which leads board {serving.board.name}" in onlooker.notes[0]
        serving.running.cancel()
        assert (await second).status == "finished"
