"""The command ``run``: which board it works on, what it shows, and how it ends."""

from __future__ import annotations

import asyncio
import json
import signal
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import pytest

from blackboard.board import Board
from blackboard.cli import main
from blackboard.control_records import ACTIVATIONS, RUN
from tests.running import domain_values, finish, start_run
from tests.waiting import wait_until

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.conftest import RedisServer

SCENARIO = """
version: 1
input: orders.jsonl
case: order/{order}
records: [{key: policy/x, value: {limit: 5}}]
agents:
  clerk: {use: "./agents.py:clerk"}
expect:
  - {count: "answer/*", equals: 3}
"""
AGENTS = """
import asyncio
from typing import Any
from knowledge_sources import knowledge_source

@knowledge_source(watches={"order": "order/{order}"}, contributes="answer/{order}")
async def clerk(order: Any, ctx) -> Any:
    await asyncio.sleep(ctx.config.get("seconds", 0))
    return {"double": order["n"] * 2}
"""


@pytest.fixture
def folder(tmp_path: Path, board_name: str) -> Path:
    """A scenario of three cases whose own boards bear the name of this test's board."""
    folder = tmp_path / board_name
    folder.mkdir()
    (folder / "scenario.yaml").write_text(SCENARIO)
    (folder / "agents.py").write_text(AGENTS)
    (folder / "orders.jsonl").write_text("\n".join(json.dumps({"order": f"O-{n}", "n": n}) for n in range(3)))
    return folder


class Typed:
    """``blackboard run`` in this process: what it wrote and how it ended."""

    def __init__(self, url: str, capsys: pytest.CaptureFixture[str]) -> None:
        self._url = url
        self._capsys = capsys
        self.error = ""

    def __call__(self, *words: str, code: int = 0) -> str:
        ended = main(["run", "--url", self._url, *words])
        shown = self._capsys.readouterr()
        self.error = shown.err
        assert ended == code, shown.out + shown.err
        return shown.out

    def json(self, *words: str, code: int = 0) -> Any:
        return json.loads(self(*words, "-o", "json", code=code))


@pytest.fixture
def run(redis_url: str, capsys: pytest.CaptureFixture[str]) -> Typed:
    return Typed(redis_url, capsys)


def test_each_run_has_a_new_board_and_does_the_same_work_again(run: Typed, folder: Path, board_name: str) -> None:
    documents = [run.json(str(folder)) for _ in range(3)]
    assert [d["board"] for d in documents] == [f"{board_name}@{n}" for n in (1, 2, 3)]
    assert [d["totals"]["executed"] for d in documents] == [3, 3, 3]


def test_runs_that_begin_at_the_same_moment_have_a_board_each(redis_url: str, folder: Path, board_name: str) -> None:
    processes = [start_run(redis_url, str(folder), "-o", "json") for _ in range(4)]
    with ThreadPoolExecutor(4) as pool:
        ended = list(pool.map(finish, processes))
    assert [code for code, _, _ in ended] == [0] * 4
    assert sorted(json.loads(out)["board"] for _, out, _ in ended) == [f"{board_name}@{n}" for n in (1, 2, 3, 4)]


def test_json_is_one_document_and_nothing_else_on_stdout(run: Typed, folder: Path) -> None:
    document = run.json(str(folder))
    assert (document["status"], document["passed"]) == ("finished", True)
    assert run.error == ""
    assert [json.loads(line)["status"] for line in run(str(folder), "-o", "jsonl").splitlines()] == ["finished"]
    both = run.json(str(folder), str(folder))
    assert [each["status"] for each in both] == ["finished", "finished"]


def test_a_person_is_shown_what_came_of_it_and_what_to_type_next(run: Typed, folder: Path, board_name: str) -> None:
    shown = run(str(folder))
    assert shown.startswith(f"{folder.name} on board {board_name}@1\n")
    assert "  ok     exactly 3 match answer/*" in shown
    assert "Ended: nothing is left to do" in shown
    assert f"blackboard report --board {board_name}@1" in shown
    assert run(str(folder), "-q").splitlines()[0] == "Ended: nothing is left to do"


def test_an_expectation_that_fails_is_exit_1_and_shown_with_a_counter_example(run: Typed, folder: Path) -> None:
    shown = run(str(folder), "--set", "expect.0.equals=4", code=1)
    assert "FAILED exactly 4 match answer/*: 3 records match answer/*, expected exactly 4: answer/O-0@" in shown
    assert "FAILED" in run(str(folder), "--set", "expect.0.equals=4", "-q", code=1)


def test_the_first_failure_of_several_scenarios_is_the_exit_code_and_all_of_them_run(run: Typed, folder: Path) -> None:
    other = folder.parent / "other" / folder.name
    other.mkdir(parents=True)
    for file in folder.iterdir():
        (other / file.name).write_text(file.read_text().replace("equals: 3", "equals: 4"))
    lines = run(str(other), str(folder), "-o", "jsonl", code=1).splitlines()
    assert [json.loads(line)["passed"] for line in lines] == [False, True]


def test_what_is_given_instead_of_the_scenarios_own_counts(run: Typed, folder: Path, tmp_path: Path) -> None:
    other = tmp_path / "other.csv"
    other.write_text("order,n\nX-1,21\n")
    document = run.json(str(folder), "--input", str(other), code=1)
    assert document["totals"]["cases"] == 1
    assert document["expectations"][0]["actual"] == "1"


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (["no_such_scenario"], 5, "nothing selected"),
        (["first_agent", "--input", "missing.jsonl"], 3, "cannot be read"),
        (["first_agent", "--input", "missing.xml"], 3, "the ending says how it is read"),
        (["first_agent", "--set", "agents.clerk.use=./agents.py:clark"], 3, "did you mean 'clerk'"),
        (["first_agent", "--set", "nonsense"], 2, "write a path and a value"),
        (["first_agent", "double_refund", "--board", "x"], 2, "for one scenario"),
        (["first_agent", "--board", "no board"], 3, "board name"),
        (["first_agent", "--resume", "--board", "nobody"], 5, "no run to go on with"),
        ([], 2, "Missing argument"),
    ],
)
def test_what_cannot_be_run_is_refused_before_a_board_is_made(
    run: Typed, redis_server: RedisServer, words: list[str], code: int, said: str
) -> None:
    run(*words, code=code)
    assert said in run.error
    assert redis_server.keys() == []


def test_a_server_that_does_not_answer_is_exit_4(folder: Path, tmp_path: Path) -> None:
    assert main(["run", str(folder), "--url", f"unix://{tmp_path}/nobody.sock"]) == 4


def test_a_run_out_of_time_is_exit_6_and_can_be_resumed(run: Typed, folder: Path) -> None:
    slow = ("--set", "agents.clerk.with.seconds=30", "--set", "limits.run.time=200ms")
    document = run.json(str(folder), *slow, code=6)
    assert document["status"] == "timed_out"
    assert any("--resume" in each["command"] for each in document["next"])
    again = run.json(str(folder), "--resume", "--set", "agents.clerk.with.seconds=0", "--set", "limits.run.time=30s")
    assert (again["board"], again["status"]) == (document["board"], "finished")
    assert [agent["failed_attempts"] for agent in again["agents"]] == [0]


def test_a_run_that_used_up_its_calls_is_stalled_unless_that_was_expected(run: Typed, folder: Path) -> None:
    few = ("--set", "limits.run.firings=2", "--set", "expect.0.equals=2")
    assert run.json(str(folder), *few, code=6)["status"] == "stalled"
    (folder / "scenario.yaml").write_text(SCENARIO.replace("equals: 3}", "equals: 2}\n  - {quiescent: false}"))
    assert run.json(str(folder), *few)["passed"]


def test_a_runtime_above_its_share_fails_the_run(run: Typed, folder: Path) -> None:
    document = run.json(str(folder), "--set", "limits.run.overhead=0.01%", code=1)
    assert document["expectations"][-1]["expectation"] == "overhead at most 0.01%"
    slow = ("--set", "limits.run.overhead=90%", "--set", "agents.clerk.with.seconds=0.2")
    assert run.json(str(folder), *slow)["passed"]


def test_nothing_to_resume_is_exit_5(run: Typed, folder: Path) -> None:
    run(str(folder), "--resume", code=5)
    run(str(folder))
    run(str(folder), "--resume", code=5)
    assert "is unfinished" in run.error


def test_a_named_board_is_used_once_and_then_only_to_resume(run: Typed, folder: Path, board_name: str) -> None:
    assert run.json(str(folder), "--board", board_name)["board"] == board_name
    run(str(folder), "--board", board_name, code=2)
    assert "--resume goes on with it" in run.error
    assert run.json(str(folder), "--board", board_name, "--resume")["totals"]["executed"] == 3


def test_a_resumed_run_goes_by_the_settings_and_the_input_that_it_began_with(
    run: Typed, folder: Path, tmp_path: Path, redis_url: str, board_name: str
) -> None:
    other = tmp_path / "other.jsonl"
    other.write_text('{"order": "X-1", "n": 21}\n{"order": "X-2", "n": 22}\n')
    given = ("--input", str(other), "--set", "expect.0.equals=2", "--set", "limits.run.firings=1")
    run(str(folder), *given, code=6)
    document = run.json(str(folder), "--resume", "--set", "limits.run.firings=10")
    assert document["passed"]
    values = asyncio.run(domain_values(redis_url, f"{board_name}@1"))
    assert sorted(key for key in values if key.startswith("order/")) == ["order/X-1", "order/X-2"]


async def test_what_was_fed_and_is_gone_is_not_fed_again(redis_url: str, folder: Path, board_name: str) -> None:
    start = start_run(redis_url, str(folder), "-q", "--set", "limits.run.firings=1")
    assert finish(start)[0] == 6
    async with await Board.open(redis_url, f"{board_name}@1") as board:
        await board.delete("order/O-1")
        assert finish(start_run(redis_url, str(folder), "--resume", "-q", "--set", "limits.run.firings=9"))[0] == 1
        assert await board.get("order/O-1") is None


def _interrupted(redis_url: str, folder: Path, by: signal.Signals, when: Callable[[], object]) -> tuple[int, str, str]:
    process = start_run(redis_url, str(folder), "--set", "agents.clerk.with.seconds=30")
    wait_until(when, "the agents run", 30)
    process.send_signal(by)
    return finish(process)


@pytest.mark.parametrize("by", [signal.SIGINT, signal.SIGTERM], ids=["SIGINT", "SIGTERM"])
def test_an_interrupted_run_hands_back_what_ran_and_goes_on_without_a_failed_call(
    run: Typed, redis_url: str, redis_server: RedisServer, folder: Path, board_name: str, *, by: signal.Signals
) -> None:
    name = f"{board_name}@1"

    def all_run() -> bool:
        with redis_server.client() as client:
            keys = client.hkeys(f"bb:{{{name}}}:records:control")
        return len([key for key in keys if key.startswith(ACTIVATIONS.encode())]) == 3

    code, out, _ = _interrupted(redis_url, folder, by, all_run)
    assert code == 130
    assert "Ended: interrupted; what ran was handed back" in out
    assert f"blackboard run {folder} --resume --board {name}" in out
    assert "FAILED" not in out
    document = run.json(str(folder), "--resume", "--set", "agents.clerk.with.seconds=0")
    assert document["status"] == "finished"
    assert [(a["executed"], a["failed_attempts"], a["retries"]) for a in document["agents"]] == [(3, 0, 0)]


async def test_the_board_says_how_the_run_went_and_what_it_went_by(
    redis_url: str, folder: Path, board_name: str
) -> None:
    finish(start_run(redis_url, str(folder), "-q", "--set", "max_running=7"))
    async with await Board.open(redis_url, f"{board_name}@1") as board:
        record = await board.get(RUN)
    assert record is not None
    assert record.author == "run"
    value = record.value
    assert (value["scenario"], value["status"], value["rejected_input"]) == (board_name, "finished", [])
    assert value["settings"]["sets"] == ["max_running=7"]
    assert value["settings"]["document"]["max_running"] == 7
    assert set(value["overhead"]) == {"routing", "router", "state", "validation", "tracing"}
    assert value["started_ms"] <= value["ended_ms"]


def test_a_board_in_memory_is_gone_with_the_run_and_nothing_is_to_be_typed_for_it(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["run", "double_refund", "--url", "memory:"]) == 0
    shown = capsys.readouterr().out
    assert "It was in memory and is gone" in shown
    assert "Next:" not in shown
