"""Timed events of a scenario: at their time, in their order, and once, whatever becomes of the run."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from blackboard.connect import connect
from blackboard.control_records import EVENTS, RUN
from scenarios.runner import Options, run_scenario
from tests.integration.test_run_joining import Onlooker
from tests.leading import values
from tests.running import finish, start_run

if TYPE_CHECKING:
    from pathlib import Path

    from blackboard.board import Board
    from scenarios.verdict import Finished

SCENARIO = """
version: 1
case: order/{order}
records:
  - {key: order/A, value: {n: 1}}
  - {key: order/B, value: {n: 2}}
  - {key: rate/vat, value: 19}
agents:
  clerk: {use: "./agents.py:clerk"}
events:
"""
AGENTS = """
from typing import Any
from knowledge_sources import knowledge_source

@knowledge_source(watches={"order": "order/{order}"}, contributes="answer/{order}")
async def clerk(order: Any) -> Any:
    return order["n"] * 2
"""


class Runs:
    """Runs of one scenario with the events that a test gives it, on the test's board."""

    def __init__(self, folder: Path, url: str, board: str) -> None:
        self.folder = folder
        self.url = url
        self.board = board

    def with_events(self, *events: str) -> None:
        (self.folder / "scenario.yaml").write_text(SCENARIO + "".join(f"  - {{{event}}}\n" for event in events))
        (self.folder / "agents.py").write_text(AGENTS)

    async def run(self, *sets: str, resume: bool = False) -> Finished:
        async with await connect(self.url) as backend:
            options = Options(sets=sets, board=self.board, resume=resume)
            return await run_scenario(backend, str(self.folder), options, Onlooker())


@pytest.fixture
def runs(tmp_path: Path, redis_url: str, board_name: str) -> Runs:
    return Runs(tmp_path, redis_url, board_name)


async def test_the_run_waits_for_each_event_and_agents_work_on_what_it_brings(runs: Runs, board: Board) -> None:
    runs.with_events(
        "at: 100ms, post: {key: order/C, value: {n: 3}}",
        "at: 50ms, post: {key: order/B, value: {n: 20}}",
        "at: 50ms, post: {key: order/D, value: {n: 4}}",
    )
    assert (await runs.run()).status == "finished"
    assert await values(board, "answer/*") == {"answer/A": 2, "answer/B": 40, "answer/C": 6, "answer/D": 8}
    run = await board.get(RUN)
    assert run is not None
    orders = [await board.get(f"order/{order}") for order in "BDC"]
    happened = [order for order in orders if order is not None and order.author == "event"]
    assert [order.key for order in sorted(happened, key=lambda order: order.revision)] == [
        "order/B",
        "order/D",
        "order/C",
    ]
    late = [order.time_ms - run.value["started_ms"] for order in happened]
    assert [late[0] >= 50, late[1] >= 50, late[2] >= 100] == [True] * 3, late
    assert (await board.history("order/B"))[-1].record == happened[0]


async def test_what_is_retracted_is_gone_and_what_was_never_there_is_no_mistake(runs: Runs, board: Board) -> None:
    runs.with_events("at: 0s, retract: rate/vat", "at: 0s, retract: rate/none", "at: 0s, retract: order/A")
    assert (await runs.run()).status == "finished"
    assert await values(board, "rate/*") == {}
    assert sorted(await values(board, "order/*")) == ["order/B"]
    marks = await values(board, f"{EVENTS}*")
    assert marks[f"{EVENTS}0"] == {"at_ms": 0, "key": "rate/vat", "done": "retracted"}
    assert [mark["key"] for mark in marks.values()] == ["rate/vat", "rate/none", "order/A"]


async def test_a_record_of_an_event_is_a_case_as_an_opening_record_is_and_keeps_the_case_of_what_it_replaces(
    runs: Runs, board: Board
) -> None:
    new = "at: 0s, post: {key: order/C, value: {n: 3}, ttl: 1h}"
    runs.with_events(new)
    await runs.run()
    # Taken up again, when the answers are there for certain.
    runs.with_events(new, "at: 0s, post: {key: rate/vat, value: 21}", "at: 0s, post: {key: answer/A, value: 0}")
    await runs.run(resume=True)
    found = [await board.get(key) for key in ("order/C", "rate/vat", "answer/A")]
    assert [(one.author, one.case, one.expires_ms > 0) for one in found if one is not None] == [
        ("event", "order/C", True),
        ("event", "", False),
        ("event", "order/A", False),
    ]


async def test_a_killed_run_that_is_resumed_repeats_no_event_and_leaves_none_out(runs: Runs, board: Board) -> None:
    runs.with_events("at: 0s, post: {key: order/C, value: {n: 3}}", "at: 1h, post: {key: order/D, value: {n: 4}}")
    process = start_run(runs.url, str(runs.folder), "--board", runs.board, "-q")
    await board.wait_for("answer/C", 20.0)
    process.kill()
    finish(process)
    assert (await runs.run("events.1.at=1ms", resume=True)).status == "finished"
    assert await values(board, "answer/*") == {"answer/A": 2, "answer/B": 4, "answer/C": 6, "answer/D": 8}
    assert [len(await board.history(key)) for key in ("order/C", "order/D")] == [1, 1]


async def test_an_event_does_not_come_again_where_its_record_has_gone_meanwhile(runs: Runs, board: Board) -> None:
    runs.with_events("at: 0s, post: {key: order/C, value: {n: 3}}", "at: 0s, post: {key: rate/vat, value: 21}")
    await runs.run()
    await board.delete("order/C")
    await board.put("rate/vat", 23)
    assert (await runs.run(resume=True)).status == "finished"
    assert await board.get("order/C") is None
    assert await values(board, "rate/*") == {"rate/vat": 23}


async def test_a_run_whose_time_is_over_does_not_wait_for_its_events(runs: Runs, board: Board) -> None:
    runs.with_events("at: 1h, retract: rate/vat")
    assert (await runs.run("limits.run.time=100ms")).status == "timed_out"
    assert await values(board, f"{EVENTS}*") == {}
