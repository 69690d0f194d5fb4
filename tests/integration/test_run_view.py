"""``blackboard run --view``: the run goes on under the viewer, which stays when it has ended."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest

from blackboard.board import Board
from blackboard.control_records import ACTIVATIONS, LEADER
from tests.running import finish, start_run
from tests.tmux import Terminal, needs_tmux
from tests.waiting import wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.conftest import RedisServer

pytestmark = needs_tmux

SIZE: Any = {"width": 130, "height": 36}
SCENARIO = """
version: 1
input: orders.jsonl
case: order/{order}
agents:
  clerk: {use: "./agents.py:clerk"}
expect:
  - {count: "answer/*", equals: 3}
"""
AGENTS = """
import asyncio
from pathlib import Path
from typing import Any
from knowledge_sources import knowledge_source

GO = Path(__file__).with_name("go")

@knowledge_source(watches={"order": "order/{order}"}, contributes="answer/{order}")
async def clerk(order: Any, ctx) -> Any:
    while not GO.exists():
        await asyncio.sleep(0.02)
    BODY
    return {"double": order["n"] * 2}
"""


@pytest.fixture
def folder(tmp_path: Path, board_name: str) -> Path:
    """A scenario of three cases whose agents run until a file ``go`` is there."""
    folder = tmp_path / board_name
    folder.mkdir()
    (folder / "scenario.yaml").write_text(SCENARIO)
    agents(folder)
    (folder / "orders.jsonl").write_text("\n".join(json.dumps({"order": f"O-{n}", "n": n}) for n in range(3)))
    return folder


def agents(folder: Path, body: str = "") -> None:
    (folder / "agents.py").write_text(AGENTS.replace("BODY", body.strip().replace("\n", "\n    ") or "pass"))


def go(folder: Path) -> None:
    (folder / "go").touch()


@contextmanager
def viewed(url: str, *words: str | Path, tmp_path: Path) -> Iterator[Terminal]:
    """``blackboard run … --view`` on a terminal of its own."""
    command = [sys.executable, "-m", "blackboard", "run", "--url", url, "--view", *words]
    with Terminal(command, environment={"XDG_CONFIG_HOME": str(tmp_path / "likes")}, **SIZE) as terminal:
        yield terminal


@pytest.mark.parametrize("url", ["memory:", "embedded:{}/kept"])
def test_the_viewer_stays_after_the_end_and_q_leads_to_the_usual_summary(url: str, tmp_path: Path) -> None:
    with viewed(url.format(tmp_path), "first_agent", tmp_path=tmp_path) as terminal:
        terminal.wait_for("Ended (q for the summary): only people are awaited: 1 question to answer")
        terminal.wait_for("3 expectations held")
        terminal.send(":")
        terminal.wait_for("go to: ")
        terminal.write("answer/R-1")
        terminal.send("Enter")
        terminal.wait_for("━ answer/R-1")
        terminal.send("w")
        terminal.wait_for("return/R-1")
        terminal.send("q")
        assert terminal.wait_for_end() == 0
        terminal.wait_for("Ended: only people are awaited: 1 question to answer (clerk 1)")
        assert terminal.left_as_found()


def test_what_was_not_as_expected_is_said_and_the_exit_code_is_the_runs(tmp_path: Path) -> None:
    with viewed("memory:", "double_refund", "--set", "guard=off", tmp_path=tmp_path) as terminal:
        terminal.wait_for("2 of 4 expectations failed: 24 records match payment/*/*, expected exactly 12")
        terminal.send("q")
        assert terminal.wait_for_end() == 1
        terminal.wait_for("FAILED gateway fired exactly 12")


def test_it_is_seen_going_and_q_before_the_end_leaves_it_going_under_plain_lines(tmp_path: Path, folder: Path) -> None:
    with viewed("memory:", folder, tmp_path=tmp_path) as terminal:
        terminal.wait_for(f"{folder.name}@1  running")
        terminal.wait_for("Agenda · 3 running")
        terminal.send("q")
        terminal.wait_for("0 of 3 cases at rest")
        assert not terminal.says("Agenda")
        assert terminal.ended() is None
        go(folder)
        assert terminal.wait_for_end() == 0
        terminal.wait_for("exactly 3 match answer/*")
        assert terminal.left_as_found()


def test_ctrl_c_hands_back_what_runs_and_gives_the_terminal_back(redis_url: str, tmp_path: Path, folder: Path) -> None:
    with viewed(redis_url, folder, tmp_path=tmp_path) as terminal:
        terminal.wait_for("Agenda · 3 running")
        terminal.send("C-c")
        assert terminal.wait_for_end() == 130
        terminal.wait_for("Ended: interrupted; what ran was handed back")
        assert terminal.left_as_found()
    go(folder)
    code, out, error = finish(start_run(redis_url, str(folder), "--resume", "-o", "json"))
    assert (code, error) == (0, "")
    assert [(a["executed"], a["failed_attempts"]) for a in json.loads(out)["agents"]] == [(3, 0)]


@pytest.mark.parametrize("by", [signal.SIGTERM, signal.SIGHUP], ids=["SIGTERM", "SIGHUP"])
def test_a_signal_interrupts_as_ctrl_c_does(tmp_path: Path, folder: Path, *, by: signal.Signals) -> None:
    with viewed("memory:", folder, tmp_path=tmp_path) as terminal:
        terminal.wait_for("Agenda · 3 running")
        os.kill(terminal.pid, signal.SIGCONT)
        os.kill(terminal.pid, by)
        if by is signal.SIGHUP:
            os.kill(terminal.pid, by)
        assert terminal.wait_for_end() == 130
        terminal.wait_for("Ended: interrupted; what ran was handed back")
        assert terminal.left_as_found()


def test_ctrl_c_after_the_end_interrupts_nothing_more(tmp_path: Path) -> None:
    with viewed("memory:", "double_refund", tmp_path=tmp_path) as terminal:
        terminal.wait_for("4 expectations held")
        terminal.send("C-c")
        assert terminal.wait_for_end() == 0
        terminal.wait_for("Ended: nothing is left to do")
        assert terminal.left_as_found()


LOUD = """
import logging, os, subprocess, sys, threading, warnings
print("LOUD out"); print("LOUD error", file=sys.stderr)
print("LOUD true out", file=sys.__stdout__, flush=True); print("LOUD true error", file=sys.__stderr__, flush=True)
logging.getLogger().error("LOUD log"); warnings.warn("LOUD warning")
os.write(1, b"LOUD one\\n"); os.write(2, b"\\x1b[2J\\x1b]0;LOUD\\x07LOUD two\\n")
subprocess.run(["sh", "-c", "echo LOUD child"])
thread = threading.Thread(target=print, args=("LOUD thread",)); thread.start(); thread.join()
"""


def test_what_agents_write_in_any_way_does_not_touch_the_screen_and_is_not_lost(
    redis_url: str, tmp_path: Path, folder: Path
) -> None:
    agents(folder, LOUD)
    go(folder)
    with viewed(redis_url, folder, tmp_path=tmp_path) as terminal:
        terminal.wait_for("1 expectation held")
        terminal.wait_for(f"{folder.name}@1  finished")
        assert not terminal.says("LOUD")
        terminal.send("q")
        assert terminal.wait_for_end() == 0
        assert terminal.left_as_found()
    shown = asyncio.run(captured(redis_url, f"{folder.name}@1"))
    assert len(shown) == 3
    for lines in shown:
        assert {"LOUD out", "LOUD error", "ERROR root: LOUD log"} <= set(lines)


async def captured(url: str, name: str) -> list[list[str]]:
    """What the activations of a board have written."""
    async with await Board.open(url, name, create=False) as board:
        return [record.value["log"] for record in await board.find(f"{ACTIVATIONS}*")]


STUCK = """
import time
Path(__file__).with_name("stuck").touch()
while True: time.sleep(0.05)
"""


def test_an_agent_that_blocks_the_loop_does_not_keep_ctrl_c_from_ending_it(tmp_path: Path, folder: Path) -> None:
    agents(folder, STUCK)
    with viewed("memory:", folder, tmp_path=tmp_path) as terminal:
        terminal.wait_for("Agenda · 3 running")
        go(folder)
        wait_until((folder / "stuck").exists, "the agent blocks the loop", 30)

        def pressed() -> bool:
            terminal.send("C-c")
            return terminal.ended() is not None

        wait_until(pressed, "each Ctrl-C ends one call, as without the viewer", 30, every_s=0.2)
        assert terminal.ended() == 130
        assert terminal.left_as_found()


def test_a_process_whose_terminal_is_closed_ends_even_where_an_agent_blocks_the_loop(
    tmp_path: Path, folder: Path
) -> None:
    agents(folder, STUCK)
    with viewed("memory:", folder, tmp_path=tmp_path) as terminal:
        terminal.wait_for("Agenda · 3 running")
        go(folder)
        wait_until((folder / "stuck").exists, "the agent blocks the loop", 30)
        process = terminal.pid
    wait_until(lambda: not running(process), "the process has ended", 30)


def running(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    return True


def test_a_run_that_begins_paused_is_let_go_on_from_the_viewer_that_may_write(tmp_path: Path, folder: Path) -> None:
    go(folder)
    with viewed("memory:", folder, "--pause", "--write", "--by", "ann", tmp_path=tmp_path) as terminal:
        terminal.wait_for("paused (ann: the run began so)")
        terminal.wait_for("can write")
        terminal.send("a")
        terminal.wait_for("let the controller go on by itself")
        terminal.send("Enter")
        terminal.wait_for("reason")
        terminal.write("looked at it")
        terminal.send("Enter")
        terminal.wait_for("1 expectation held")
        terminal.send("q")
        assert terminal.wait_for_end() == 0


def test_who_leaves_a_paused_run_is_told_again_that_it_waits(tmp_path: Path, folder: Path, redis_url: str) -> None:
    with viewed(redis_url, folder, "--pause", tmp_path=tmp_path) as terminal:
        terminal.wait_for("paused (")
        terminal.send("q")
        terminal.wait_for("0 of 3 cases at rest")
        terminal.wait_for("paused by")
        terminal.send("C-c")
        assert terminal.wait_for_end() == 130


async def test_an_error_that_ends_the_run_closes_the_viewer_and_is_told(
    redis_url: str, tmp_path: Path, folder: Path
) -> None:
    with viewed(redis_url, folder, tmp_path=tmp_path) as terminal:
        await asyncio.to_thread(terminal.wait_for, "Agenda · 3 running")
        async with await Board.open(redis_url, f"{folder.name}@1", create=False) as board:
            await board.delete(LEADER)
        go(folder)
        assert await asyncio.to_thread(terminal.wait_for_end) == 6
        terminal.wait_for("blackboard: ")
        assert not terminal.says("Agenda")
        assert terminal.left_as_found()


def test_it_waits_for_another_leader_and_then_opens(
    redis_url: str, redis_server: RedisServer, tmp_path: Path, folder: Path
) -> None:
    board = ("--board", folder.name)
    other = start_run(redis_url, str(folder), *board)

    def led() -> bool:
        with redis_server.client() as client:
            return LEADER.encode() in client.hkeys(f"bb:{{{folder.name}}}:records:control")

    wait_until(led, "the other leads", 30)
    with viewed(redis_url, folder, "--resume", *board, tmp_path=tmp_path) as terminal:
        terminal.wait_for("waiting for ")
        other.send_signal(signal.SIGTERM)
        assert finish(other)[0] == 130
        terminal.wait_for("Agenda · 3 running")
        go(folder)
        terminal.wait_for("1 expectation held")
        terminal.send("q")
        assert terminal.wait_for_end() == 0


def test_a_run_that_stays_is_seen_at_rest_and_ends_by_ctrl_c(tmp_path: Path, folder: Path) -> None:
    go(folder)
    with viewed("memory:", folder, "--stay", tmp_path=tmp_path) as terminal:
        terminal.wait_for("at rest; serving until interrupted")
        terminal.send("C-c")
        assert terminal.wait_for_end() == 130
        assert terminal.left_as_found()


def test_it_follows_the_size_of_the_terminal(tmp_path: Path, folder: Path) -> None:
    with viewed("memory:", folder, tmp_path=tmp_path) as terminal:
        terminal.wait_for("Agenda · 3 running")
        terminal.resize(60, 12)
        terminal.wait_until_gone("Agenda · 3 running")
        assert len(terminal.screen()) <= 12
        terminal.resize(150, 40)
        terminal.wait_for("Agenda · 3 running")
        go(folder)
        terminal.wait_for("1 expectation held")
        terminal.send("q")
        assert terminal.wait_for_end() == 0


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--view",), "--view needs a terminal, and standard input and output and error is none"),
        (("--view", "--view", "double_refund"), "--view is for one scenario"),
        (("--write",), "it goes with --view"),
        (("--view", "--by", "ann"), "it goes with --write"),
        (("--view", "--write", "--by", "a/b"), "is no person's name"),
    ],
)
def test_what_cannot_be_is_refused_before_a_board_is_made(
    redis_url: str, redis_server: RedisServer, words: tuple[str, ...], said: str
) -> None:
    code, out, error = finish(start_run(redis_url, "first_agent", *words))
    assert (code, out) == (2, "")
    assert said in error
    assert redis_server.keys() == []
