"""A failing run is saved whole, and judged again it is found to fail in the same way."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from tests.proof.amounts import amount, chance, seed
from tests.proof.dump import read_dump
from tests.proof.history import NEVER, Commit, Event, History
from tests.proof.oracles import check
from tests.proof.recording import RecordedBoard
from tests.proof.run import Run
from tests.proof.saved import ROOT, hold, keeping, load
from tests.proof.writers import WriterProcess
from tests.waiting import wait_until

if TYPE_CHECKING:
    from pathlib import Path

    from tests.conftest import RedisServer


def check_command(directory: Path) -> subprocess.CompletedProcess[str]:
    """What the message of the failure says to type."""
    command = [sys.executable, "-m", "tests.proof.check", str(directory)]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)


async def recorded(server: RedisServer, name: str) -> Run:
    """A run of two commits, one of them with bytes that are no text."""
    history = History()
    async with await RecordedBoard.recorded(server.url, name, history, "w") as board:
        await board.put("a/é", b"\xff\x00")
        await board.put("a/2", 2)
    with server.client() as client:
        return Run(history, read_dump(client, name))


async def test_a_run_that_failed_is_judged_again_offline_and_fails_in_the_same_way(
    redis_server: RedisServer, board_name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BLACKBOARD_SAVED", str(tmp_path))
    run = await recorded(redis_server, board_name)
    hold(run)
    assert list(tmp_path.iterdir()) == [], "nothing is kept of a run that holds"
    run.dump.records["a"]["a/2"] += b"?"
    run.history.commits[0].author = "somebody else"
    with pytest.raises(AssertionError, match=r"violations, of \['acknowledged'") as failed:
        hold(run)
    (directory,) = tmp_path.iterdir()
    assert f"-m tests.proof.check {directory}" in str(failed.value)
    again = load(directory)
    assert again == run
    assert check(again) == check(run)
    told = json.loads((directory / "run.json").read_text())
    assert told["violations"] == [violation._asdict() for violation in check(run)]
    assert f"BLACKBOARD_SEED={seed()}" in told["command"]
    assert "test_a_run_that_failed_is_judged_again" in told["command"]
    checked = check_command(directory)
    assert checked.returncode == 1, checked.stderr
    for violation in check(run):
        assert f"{violation.oracle}: {violation.sentence}" in checked.stdout


async def test_a_run_is_saved_too_where_the_test_fails_before_it_is_judged(
    redis_server: RedisServer, board_name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BLACKBOARD_SAVED", str(tmp_path))
    run = await recorded(redis_server, board_name)
    run.history.commits[0].author = "somebody else"
    with (
        pytest.raises(TimeoutError, match="it took too long") as failed,
        keeping(run.history, redis_server.client, board_name),
    ):
        raise TimeoutError("it took too long")
    (directory,) = tmp_path.iterdir()
    assert str(directory) in failed.value.__notes__[0]
    assert "['acknowledged']" in failed.value.__notes__[0]
    assert load(directory) == run


def test_an_operation_that_was_never_answered_is_unknown_and_a_line_that_breaks_off_was_none(tmp_path: Path) -> None:
    path = tmp_path / "journal"
    with path.open("w") as file:
        history = History(journal=file)
        known = Commit("w", history.next_number("w"), 1, "w", (("at", "a/1", "1-1"),), (("a/1", "m"),))
        open_ended = Commit("w", history.next_number("w"), 2, "w", (), (("a/2", "m"),))
        for item in (known, open_ended, Event("w", history.next_number("w"), 3, "gap")):
            history.add(item)
        known.outcome, known.commit, known.end_ns = "done", "1-2", 5
        history.note(known)
        file.write('["commit", "w", 4, 6')
    loaded = History.load(path)
    assert loaded.commits == [known, open_ended]
    assert (open_ended.outcome, open_ended.end_ns) == ("unknown", NEVER)
    assert len(loaded.events) == 1


def test_a_writer_that_is_killed_leaves_a_journal_that_explains_the_log(
    redis_server: RedisServer, board_name: str, tmp_path: Path
) -> None:
    writers = [
        WriterProcess(redis_server.url, board_name, client, n, tmp_path / client)
        for n, client in enumerate(("killed", "finished"))
    ]
    try:
        for writer in writers:
            wait_until(writer.writes, f"{writer.client} writes", 30)
        wait_until(lambda: writers[0].journal.stat().st_size > 100_000, "it wrote much", 30)
        writers[0].kill()
        writers[1].finish()
    finally:
        for writer in writers:
            writer.kill()
    history = History.load(*(writer.journal for writer in writers))
    with redis_server.client() as client:
        dump = read_dump(client, board_name)
    hold(Run(history, dump))
    # Whether anything was refused is a matter of who was there; that nothing is left unknown is not.
    assert {commit.outcome for commit in history.commits if commit.client == "finished"} <= {"done", "refused"}
    assert {commit.client for commit in history.commits} == {"finished", "killed"}


def test_amounts_and_chances_follow_the_environment(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("BLACKBOARD_SOAK", "BLACKBOARD_SEED"):
        monkeypatch.delenv(name, raising=False)
    assert (amount(2, 300), seed()) == (2, 1)
    first = chance("this").random()
    assert first == chance("this").random() != chance("that").random()
    assert "this: BLACKBOARD_SEED=1" in capsys.readouterr().out
    monkeypatch.setenv("BLACKBOARD_SOAK", "1")
    monkeypatch.setenv("BLACKBOARD_SEED", "7")
    assert (amount(2, 300), seed()) == (300, 7)
    assert chance("this").random() != first
