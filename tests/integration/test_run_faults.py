"""Faults of a scenario in a run: what the runtime makes of a call that fails, is late, or returns what it may not."""

from __future__ import annotations

import signal
from typing import TYPE_CHECKING

import pytest

from blackboard.connect import connect
from blackboard.failpoints import VARIABLE
from scenarios.runner import Options, run_scenario
from tests.integration.test_run_joining import Onlooker
from tests.leading import activations, only, values
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
agents:
  clerk: {use: "./agents.py:clerk", retry: {attempts: 3, backoff: 10ms}}
  threaded: {use: "./agents.py:threaded", retry: {attempts: 3, backoff: 10ms}, escalate: [boss]}
  boss: {use: "./agents.py:boss", over: threaded}
faults:
"""
AGENTS = """
from typing import Any
from knowledge_sources import Decide, knowledge_source, supervisor

@knowledge_source(watches={"order": "order/{order}"}, contributes="answer/{order}")
async def clerk(order: Any) -> Any:
    return order["n"] * 2

@knowledge_source(watches={"order": "order/{order}"}, contributes="parcel/{order}")
def threaded(order: Any) -> Any:
    return "sent"

@supervisor()
def boss() -> Any:
    return Decide("sent by the boss", reason="it takes too long")
"""


class Runs:
    """Runs of one scenario with the faults that a test gives it, on the test's board."""

    def __init__(self, folder: Path, url: str, board: str) -> None:
        self.folder = folder
        self.url = url
        self.board = board

    def with_faults(self, *faults: str) -> None:
        (self.folder / "scenario.yaml").write_text(SCENARIO + "".join(f"  - {{{fault}}}\n" for fault in faults))
        (self.folder / "agents.py").write_text(AGENTS)

    async def run(self, *sets: str, resume: bool = False) -> Finished:
        async with await connect(self.url) as backend:
            options = Options(sets=sets, board=self.board, resume=resume)
            return await run_scenario(backend, str(self.folder), options, Onlooker())


@pytest.fixture
def runs(tmp_path: Path, redis_url: str, board_name: str) -> Runs:
    return Runs(tmp_path, redis_url, board_name)


async def failures(board: Board, agent: str) -> list[tuple[str, str]]:
    """The failed calls of the agent's one activation: class and first line."""
    activation = await only(board, agent)
    return [(one["failure"], one["error"].splitlines()[0]) for one in activation.get("attempts", [])]


async def test_an_agent_that_fails_as_often_as_was_said_is_tried_again_and_contributes(
    runs: Runs, board: Board
) -> None:
    runs.with_faults("agent: clerk, fail: the gateway is down, times: 2", "agent: threaded, fail: no paper")
    assert (await runs.run()).status == "finished"
    down = ("error", "the gateway is down")
    assert await failures(board, "clerk") == [down, down]
    assert await failures(board, "threaded") == [("error", "no paper")]
    assert (await only(board, "clerk"))["attempt"] == 3
    assert await values(board, "answer/*") | await values(board, "parcel/*") == {"answer/A": 2, "parcel/A": "sent"}


async def test_an_agent_that_fails_more_often_than_it_is_tried_is_brought_before_a_person(
    runs: Runs, board: Board
) -> None:
    runs.with_faults("agent: clerk, fail: the gateway is down, times: 9")
    assert (await runs.run()).status == "awaiting"
    assert (await only(board, "clerk"))["state"] == "escalated"
    assert await values(board, "answer/*") == {}


async def test_what_an_invalid_call_returns_is_refused_as_invalid_and_reaches_no_record(
    runs: Runs, board: Board
) -> None:
    runs.with_faults("agent: clerk, invalid: true", "agent: threaded, invalid: true")
    assert (await runs.run()).status == "finished"
    for agent, region in (("clerk", "answer"), ("threaded", "parcel")):
        ((failure, error),) = await failures(board, agent)
        assert failure == "invalid"
        assert error.startswith(f"{agent}: cannot write ")
        assert len(await board.history(f"{region}/A")) == 1


async def test_an_agent_that_is_slow_is_overruled_as_one_that_is_late_by_itself(runs: Runs, board: Board) -> None:
    runs.with_faults("agent: threaded, slow: 1h")
    assert (await runs.run("agents.threaded.respond_within=50ms")).status == "finished"
    assert await values(board, "parcel/*") == {"parcel/A": "sent by the boss"}
    assert (await only(board, "threaded"))["decided_by"] == "boss"


async def test_an_agent_that_is_a_little_slow_contributes_after_that(runs: Runs, board: Board) -> None:
    runs.with_faults("agent: clerk, slow: 50ms", "agent: threaded, slow: 50ms")
    assert (await runs.run()).status == "finished"
    ended = {one["agent"]: one for one in await activations(board)}
    assert [ended[agent]["state"] for agent in ("clerk", "threaded")] == ["executed", "executed"]
    assert min(ended[agent]["run_us"] for agent in ("clerk", "threaded")) >= 50_000


async def test_a_fault_befalls_only_the_activations_whose_records_match_its_condition(runs: Runs, board: Board) -> None:
    runs.with_faults("agent: clerk, fail: too many, when: order/* where n > 5")
    assert (
        await runs.run("records=[{key: order/A, value: {n: 1}}, {key: order/B, value: {n: 6}}]")
    ).status == "finished"
    assert {one["case"]: one["attempt"] for one in await activations(board, "clerk")} == {"order/A": 1, "order/B": 2}


async def test_a_call_that_hangs_is_overruled_when_it_is_late(runs: Runs, board: Board) -> None:
    runs.with_faults("agent: threaded, hang: true")
    assert (await runs.run("agents.threaded.respond_within=50ms")).status == "finished"
    assert await values(board, "parcel/*") == {"parcel/A": "sent by the boss"}


async def test_a_call_that_hands_over_to_nobody_is_ungrounded_and_one_to_somebody_who_did_nothing_invalid(
    runs: Runs, board: Board
) -> None:
    runs.with_faults("agent: clerk, ungrounded: clark", "agent: threaded, ungrounded: clerk")
    assert (await runs.run()).status == "finished"
    ((failure, error),) = await failures(board, "clerk")
    assert (failure, error) == ("ungrounded", "no agent is named 'clark'; nearest: clerk")
    ((failure, _),) = await failures(board, "threaded")
    assert failure == "invalid"


async def test_a_failing_call_can_ask_to_be_left_alone(runs: Runs, board: Board) -> None:
    runs.with_faults("agent: clerk, fail: too many requests, retry_after: 100ms")
    assert (await runs.run()).status == "finished"
    (attempt,) = (await only(board, "clerk"))["attempts"]
    assert attempt["retry_after_ms"] == 100


async def test_a_killed_run_that_is_resumed_meets_the_faults_that_are_left(runs: Runs, board: Board) -> None:
    """Were calls counted in the process, the second and the third would fail, and a person would be asked."""
    runs.with_faults("agent: clerk, fail: the gateway is down, times: 2")
    only_clerk = "agents={clerk: {use: './agents.py:clerk', retry: {attempts: 3, backoff: 10ms}}}"
    killed = start_run(
        runs.url, str(runs.folder), "--board", runs.board, "-q", "--set", only_clerk,
        environment={VARIABLE: "controller.before_dispatch:2"},
    )  # fmt: skip
    assert finish(killed)[0] == -signal.SIGKILL
    assert [failure for failure, _ in await failures(board, "clerk")] == ["error"]
    assert (await runs.run(resume=True)).status == "finished"
    assert [failure for failure, _ in await failures(board, "clerk")] == ["error", "error"]
    assert await values(board, "answer/*") == {"answer/A": 2}
