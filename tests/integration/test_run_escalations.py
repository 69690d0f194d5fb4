"""Questions to people: answered while the run is up or after it ended, and it goes on from there."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING

import pytest

from blackboard.board import Board
from blackboard.connect import connect
from blackboard.control_records import ESCALATIONS
from controller.escalation import Answer, Refusal, answer
from scenarios.runner import Options, run_scenario
from tests.integration.test_run_joining import Onlooker
from tests.waiting import eventually

if TYPE_CHECKING:
    from pathlib import Path

    from blackboard.backend import Backend
    from scenarios.verdict import Finished

SCENARIO = """
version: 1
input: orders.jsonl
case: order/{order}
agents:
  asks: {use: "./agents.py:asks"}
  goes_on: {use: "./agents.py:goes_on"}
  fails: {use: "./agents.py:fails", retry: {attempts: 1}}
"""
AGENTS = """
from typing import Any
from knowledge_sources import Escalate, knowledge_source

@knowledge_source(watches={"order": "order/{order}"}, contributes="approval/{order}")
def asks(order: Any) -> Any:
    return Escalate("May it?", choices=["yes", "no"])

@knowledge_source(watches={"approval": 'approval/{order} where answer == "yes"'}, contributes="parcel/{order}")
def goes_on(approval: Any) -> Any:
    return {"for": approval["answered_by"]}

@knowledge_source(watches={"order": "order/{order}"}, contributes="invoice/{order}")
def fails(order: Any, ctx) -> Any:
    if ctx.attempt == 1:
        raise RuntimeError("no paper")
    return {"call": ctx.attempt}
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "scenario.yaml").write_text(SCENARIO)
    (tmp_path / "agents.py").write_text(AGENTS)
    (tmp_path / "orders.jsonl").write_text(json.dumps({"order": "O-1"}))
    return tmp_path


async def give(board: Board, agent: str, choice: str) -> None:
    """Answer the open question of ``agent`` as the command does."""
    found = await board.find(f'{ESCALATIONS}* where agent == "{agent}" && status == "open"')
    assert len(found) == 1
    await answer(board, found[0].key, Answer(choice, "ann"), board.store.server_now_ms())


async def run(backend: Backend, folder: Path, board: str, *, resume: bool = False) -> Finished:
    return await run_scenario(backend, str(folder), Options(board=board, resume=resume), Onlooker())


async def test_a_run_ends_when_only_people_are_awaited_and_goes_on_with_their_answers(
    redis_url: str, board_name: str, folder: Path
) -> None:
    async with await connect(redis_url) as backend, await Board.open(redis_url, board_name) as board:
        first = await run(backend, folder, board_name)
        assert (first.status, first.exit_code) == ("awaiting", 0)
        assert first.ending == "only people are awaited: 2 questions to answer (asks 1, fails 1)"
        await give(board, "asks", "yes")
        await give(board, "fails", "retry")
        second = await run(backend, folder, board_name, resume=True)
        assert second.status == "finished"
        assert (await board.find("parcel/*"))[0].value == {"for": "ann"}
        assert (await board.find("invoice/*"))[0].value == {"call": 2}


async def test_answers_that_come_while_the_run_is_up_are_worked_on_at_once(
    redis_url: str, board_name: str, folder: Path
) -> None:
    onlooker = Onlooker()
    async with await connect(redis_url) as backend, await Board.open(redis_url, board_name) as board:
        options = Options(board=board_name, stay=True)
        running = asyncio.create_task(run_scenario(backend, str(folder), options, onlooker))
        await eventually(lambda: onlooker.rests or running.done(), "the run comes to rest")
        await give(board, "asks", "yes")
        await give(board, "fails", "retry")
        assert (await board.wait_for("parcel/O-1", 5.0)).author == "goes_on"
        assert (await board.wait_for("invoice/O-1", 5.0)).value == {"call": 2}
        await eventually(lambda: onlooker.rests > 1, "the run comes to rest again")
        running.cancel()
        assert (await running).exit_code == 130


async def test_a_second_answer_and_one_after_the_facts_changed_are_refused(
    redis_url: str, board_name: str, folder: Path
) -> None:
    async with await connect(redis_url) as backend, await Board.open(redis_url, board_name) as board:
        await run(backend, folder, board_name)
        (question,) = await board.find(f'{ESCALATIONS}* where agent == "asks"')
        await board.put("order/O-1", {"order": "O-1", "changed": True})
        with pytest.raises(Refusal, match="order/O-1 has changed since it was asked"):
            await give(board, "asks", "yes")
        assert await board.find("approval/*") == []
        (failed,) = await board.find(f'{ESCALATIONS}* where agent == "fails"')
        given = Answer("abandon", "ann")
        await answer(board, failed.key, given, board.store.server_now_ms())
        with pytest.raises(Refusal, match="answered already"):
            await answer(board, failed.key, given, board.store.server_now_ms())
        # What changed is worked on anew, so the question is put again.
        resumed = await run(backend, folder, board_name, resume=True)
        assert resumed.status == "awaiting"
        open_now = await board.find(f'{ESCALATIONS}* where agent == "asks" && status == "open"')
        assert [one.key != question.key for one in open_now] == [True]
