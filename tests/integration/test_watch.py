"""``blackboard watch`` from another process: as lines, as JSON, on a terminal, over a server's restart."""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import json
import os
import pty
import select
import signal
import struct
import subprocess
import sys
import termios
import threading
import time
from typing import TYPE_CHECKING, Any

from blackboard.board import Board
from blackboard.cli import main
from blackboard.control_records import RUN
from tests.own_server import OwnServer
from tests.returns_run import work
from tests.waiting import wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator

    import pytest

WATCH = [sys.executable, "-m", "blackboard", "watch"]


class Lines:
    """A ``watch`` whose output is collected while it runs."""

    def __init__(self, *words: str) -> None:
        self.process = subprocess.Popen([*WATCH, *words], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        self.out: list[str] = []
        self.error: list[str] = []
        self._threads = [
            threading.Thread(target=lambda: self.out.extend(self.process.stdout or ())),
            threading.Thread(target=lambda: self.error.extend(self.process.stderr or ())),
        ]
        for thread in self._threads:
            thread.start()

    def end(self) -> int:
        """Wait until it has ended; returns its exit code."""
        code = self.process.wait(timeout=30)
        for thread, pipe in zip(self._threads, (self.process.stdout, self.process.stderr), strict=True):
            thread.join()
            if pipe is not None:
                pipe.close()
        return code


@contextlib.contextmanager
def watching(*words: str) -> Iterator[Lines]:
    lines = Lines(*words)
    try:
        yield lines
    finally:
        lines.process.kill()
        lines.end()


async def put(url: str, name: str, key: str, value: Any) -> None:
    async with await Board.open(url, name, author="ann") as board:
        await board.put(key, value)


def until_seen(lines: Lines, url: str, name: str) -> None:
    """Write until the viewer shows it: it sees what comes after it has attached."""

    def seen() -> bool:
        asyncio.run(put(url, name, "tick/1", time.monotonic()))
        return any("tick/1" in line for line in lines.out)

    wait_until(seen, "the viewer has attached", 20)


async def run_returns(url: str, name: str) -> None:
    async with await Board.open(url, name, author="feeder") as board:
        await work(board)


def test_every_change_is_one_line_and_the_stream_ends_with_the_run(redis_url: str, board_name: str) -> None:
    asyncio.run(
        put(redis_url, board_name, RUN, {"scenario": "returns", "status": "running", "started_ms": 1, "settings": {}})
    )
    with watching("--url", redis_url, "--board", board_name, "--until-end") as lines:
        until_seen(lines, redis_url, board_name)
        asyncio.run(run_returns(redis_url, board_name))
        assert lines.end() == 0
    fields = [line.rstrip("\n").split("\t") for line in lines.out]
    assert all(len(one) == 6 for one in fields)
    revisions = [int(one[0].partition("-")[2]) for one in fields]
    assert revisions == sorted(revisions)
    assert ("return/R-1", "feeder") in {(one[3], one[4]) for one in fields}
    assert not any("\x1b" in line for line in lines.out)


def test_a_watch_of_a_run_that_has_ended_says_so_on_stderr_and_once(redis_url: str, board_name: str) -> None:
    """Into a pipe it showed nothing and did not end, as if the run were stuck."""
    ended = {"scenario": "returns", "status": "finished", "started_ms": 1, "ended_ms": 2, "settings": {}}
    asyncio.run(put(redis_url, board_name, RUN, ended))
    with watching("--url", redis_url, "--board", board_name) as lines:
        until_seen(lines, redis_url, board_name)
        lines.process.send_signal(signal.SIGINT)
        assert lines.end() == 130
    told = f"blackboard: the run on {board_name} has ended (finished): "
    assert lines.error[0] == told + "waiting for other changes; --until-end ends at once\n"
    assert len([line for line in lines.error if "has ended" in line]) == 1
    with watching("--url", redis_url, "--board", board_name, "--until-end") as lines:
        assert lines.end() == 0
    assert lines.error == [told + "there is nothing to wait for\n"]
    assert lines.out == []


def test_jsonl_is_one_document_a_change(redis_url: str, board_name: str) -> None:
    asyncio.run(put(redis_url, board_name, "a/1", 0))
    with watching("--url", redis_url, "--board", board_name, "-o", "jsonl") as lines:
        until_seen(lines, redis_url, board_name)
        document = json.loads(lines.out[0])
        assert (document["key"], document["author"], document["operation"]) == ("tick/1", "ann", "put")
        lines.process.send_signal(signal.SIGINT)
        assert lines.end() == 130


def test_json_is_the_board_as_it_stands(redis_url: str, board_name: str, capsys: pytest.CaptureFixture[str]) -> None:
    asyncio.run(run_returns(redis_url, board_name))
    assert main(["watch", "--url", redis_url, "--board", board_name, "-o", "json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert document["regions"] == {"check": 5, "refund": 3, "return": 5}
    assert [one["case"] for one in document["questions"]] == ["return/R-3", "return/R-5"]
    assert [one["name"] for one in document["agents"]] == ["boss", "check", "refund", "refund_late"]


def test_a_memory_board_cannot_be_watched_and_the_error_says_why(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["watch", "--url", "memory:"]) == 2
    assert "lives inside the process that made it" in capsys.readouterr().err


def test_a_viewer_outlives_a_restart_of_the_server_and_says_that_it_was_away() -> None:
    with OwnServer("--appendfsync", "always") as server:
        asyncio.run(put(server.url, "b", "a/1", 0))
        with watching("--url", server.url, "--board", "b") as lines:
            until_seen(lines, server.url, "b")
            server.kill()
            wait_until(lambda: any("does not answer" in line for line in lines.error), "the viewer says so", 20)
            server.start()
            wait_until(lambda: any("answers again" in line for line in lines.error), "the viewer is back", 20)
            asyncio.run(put(server.url, "b", "after/1", "still here"))
            wait_until(lambda: any("after/1" in line for line in lines.out), "the change after it is shown", 20)


def read_screen(terminal: int, wanted: set[str], seconds: float = 20.0) -> str:
    """What was written on the terminal once all of ``wanted`` was."""
    seen, deadline = "", time.monotonic() + seconds
    while not all(word in seen for word in wanted):
        assert time.monotonic() < deadline, f"of {wanted} the screen lacks some; it showed {seen[-3000:]!r}"
        if select.select([terminal], [], [], 0.1)[0]:
            seen += os.read(terminal, 65536).decode(errors="replace")
    return seen


def test_on_a_terminal_the_screen_shows_board_agents_agenda_questions_and_log(redis_url: str, board_name: str) -> None:
    asyncio.run(run_returns(redis_url, board_name))
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 40, 160, 0, 0))
    environment = {**os.environ, "TERM": "xterm", "COLUMNS": "160", "LINES": "40"}
    words = [*WATCH, "--url", redis_url, "--board", board_name]
    with subprocess.Popen(words, stdin=theirs, stdout=theirs, stderr=theirs, env=environment) as viewer:
        try:
            shown = read_screen(ours, {board_name, "refund_late", "Agenda", "Refund 900?", "nobody leads"})
            asyncio.run(put(redis_url, board_name, "late/1", "\x1b]0;owned\x07"))
            shown += read_screen(ours, {"late/1", "owned"})
            assert "\x1b]0;owned" not in shown
            viewer.send_signal(signal.SIGINT)
            read_screen(ours, {"\x1b[?1049l"})
            assert viewer.wait(timeout=20) == 130
        finally:
            viewer.kill()
            os.close(ours)
            os.close(theirs)


def test_a_board_that_is_removed_ends_the_viewer_which_says_so(redis_url: str, board_name: str) -> None:
    """It went on showing what had been there."""
    asyncio.run(put(redis_url, board_name, "a/1", 0))
    with watching("--url", redis_url, "--board", board_name) as lines:
        until_seen(lines, redis_url, board_name)
        assert main(["boards", "remove", board_name, "--yes", "--url", redis_url]) == 0
        assert lines.end() == 4
    assert any("the board is gone" in line for line in lines.error)


def test_a_moment_of_the_past_is_for_the_screen(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["watch", "--at", "3", "-o", "json"]) == 2
    assert "blackboard at 3" in capsys.readouterr().err
