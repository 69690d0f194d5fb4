"""The commands that look back, typed as a user types them: at, diff, log, export, replay, doctor --deep."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from blackboard.keys import BoardKeys
from tests.integration.test_commands_board import Shell

if TYPE_CHECKING:
    from tests.conftest import RedisServer


@pytest.fixture
def shell(redis_url: str, board_name: str, capsys: pytest.CaptureFixture[str]) -> Shell:
    """The command line on a board with six revisions."""
    shell = Shell(redis_url, board_name, capsys)
    shell("post", "refund/R-1", '{"amount": 10, "to": {"iban": "X"}}', "--by", "ann")
    shell("post", "refund/R-2", '{"amount": 20}', "--by", "ann")
    shell("post", "refund/R-1", '{"amount": 12, "to": {"iban": "X"}, "checked": true}', "--by", "bob")
    shell("post", "flag/a", "on", "--by", "bob")
    shell("post", "refund/R-3", '{"amount": 30}', "--by", "cy")
    shell("post", "flag/a", "off", "--by", "cy")
    return shell


def test_at_lists_the_records_as_they_were(shell: Shell) -> None:
    listed = shell.json("at", "2")
    assert [(r["key"], r["value"]["amount"]) for r in listed] == [("refund/R-1", 10), ("refund/R-2", 20)]
    assert [r["key"] for r in shell.json("at", "1-5", "refund/* where amount > 11")] == [
        "refund/R-1", "refund/R-2", "refund/R-3",
    ]  # fmt: skip
    assert shell("at", "2", "flag/*") == f"no such records on board {shell.board} at revision 2\n"


def test_get_shows_a_record_as_it_was(shell: Shell) -> None:
    assert shell.json("get", "refund/R-1", "--at", "2")["value"]["amount"] == 10
    shell("get", "flag/a", "--at", "3", code=5)
    assert "no record at 'flag/a'" in shell.error
    assert shell.error.rstrip().endswith("at 3")


@pytest.mark.parametrize(
    ("moment", "code", "told"),
    [
        ("99", 2, "the board is at 6"),
        ("7-3", 5, "no commit '7-3' in this history; revision 3 is 1-3"),
        ("1-99", 5, "no commit '1-99': the board is at 6"),
        ("yesterday", 5, "'yesterday' is no revision, no commit and no snapshot"),
    ],
)
def test_a_moment_that_is_none_is_told(shell: Shell, moment: str, code: int, told: str) -> None:
    for command in (("at", moment), ("get", "flag/a", "--at", moment), ("diff", moment), ("log", "trim", moment)):
        if command[0] != "log" or code != 2:
            shell(*command, code=code)
            assert told in shell.error


def test_diff_shows_each_field_that_changed_and_ends_with_1(shell: Shell) -> None:
    assert shell("diff", "2", "now", code=1).splitlines() == [
        '+ flag/a  "off"  (1-6 cy)',
        "~ refund/R-1  (1-1 → 1-3 bob)",
        "    amount: 10 → 12",
        "    checked: null → true",
        '+ refund/R-3  {"amount": 30}  (1-5 cy)',
    ]
    assert shell("diff", "now", "4", "--only", "flag/*", code=1).splitlines() == [
        "~ flag/a  (1-6 → 1-4 bob)",
        '    (value): "off" → "on"',
    ]
    assert shell("diff", "5", "now", "--only", "refund/*") == "no difference\n"
    shell("diff", code=2)
    assert "either a moment to begin with or --with" in shell.error


def test_diff_of_two_runs_shows_where_they_part(shell: Shell, board_name: str) -> None:
    other = board_name + "@2"
    for key, value in (
        ("flag/a", "on"),
        ("refund/R-2", '{"amount": 20}'),
        ("refund/R-1", '{"amount": 10, "to": {"iban": "X"}}'),
        ("refund/R-1", '{"amount": 13, "to": {"iban": "X"}, "checked": true}'),
        ("refund/R-3", '{"amount": 30}'),
    ):
        shell("post", key, value, board=other)
    told = shell("diff", "--with", other, code=1).splitlines()
    assert told[0] == "the first difference: refund/R-1, version 2, at revision 3"
    assert [line.split()[:2] for line in told[2:]] == [["refund/R-1", "2"], ["flag/a", "2"]]
    shell("post", "flag/a", "off", board=other)
    assert shell("diff", "--with", other, "--only", "flag/*").startswith("the same")
    shell("diff", "--with", "nowhere", code=5)
    shell("log", "trim", "2")
    shell("diff", "--with", other, code=5)
    assert "was trimmed up to revision 2: where two runs part is told from whole logs alone" in shell.error


def test_the_log_can_be_limited_trimmed_and_held_by_a_snapshot(shell: Shell) -> None:
    assert shell("log") == f"board {shell.board}: the log holds revisions 1 to 6; kept: 250,000 revisions\n"
    assert shell("log", "snapshot", "mine", "3", "--by", "ann") == "mine is revision 3\n"
    assert shell("log", "trim", "5") == "the log begins after 3; the snapshot mine holds it from revision 3\n"
    shell("at", "2", code=5)
    assert "revision 2 is gone: the log of this board was trimmed up to revision 3" in shell.error
    assert len(shell.json("at", "mine")) == 2
    assert shell("log", "drop", "mine") == "dropped mine\n"
    assert shell("log", "trim", "5") == "the log begins after 5\n"
    told = shell.json("log", "keep", "--revisions", "1000", "--age", "7d", "--size", "64MB")
    assert told["limits"] == {"revisions": 1000, "age_ms": 7 * 86_400_000, "size_bytes": 64 << 20}
    assert (told["horizon"], told["revision"], told["kept"]) == (5, 6, "1,000 revisions, 7d, 64MB")
    assert shell("log", "keep", "--everything").endswith("the log holds revisions 6 to 6; kept: everything\n")
    for words in (("log", "keep"), ("log", "keep", "--everything", "--age", "1d")):
        shell(*words, code=2)
    shell("log", "keep", "--size", "lots", code=3)
    assert shell("log", "trim") == "the log begins after 5; there was nothing to trim: the newest commit always stays\n"
    shell("log", "trim", "99", code=2)
    assert "revision 99: the board is at 6" in shell.error
    shell("history", "refund/R-2", code=5)
    assert "it was trimmed up to revision 5" in shell.error
    shell("log", "drop", "mine", code=5)


def test_an_export_replays_without_a_server_and_shows_when_it_was_changed(shell: Shell, tmp_path: Path) -> None:
    file = tmp_path / "board.jsonl"
    assert shell("export", str(file)) == f"8 lines of board {shell.board} in {file}\n"
    assert shell("export") == file.read_text()
    shell("export", str(file), code=3)
    assert "File exists" in shell.error
    alone = Shell("", "", shell._capsys)
    assert alone("replay", str(file)).splitlines()[0] == (
        f"board {shell.board} at revision 6: 4 records, every digest agrees"
    )
    assert json.loads(alone("replay", str(file), "refund/R-1", "--at", "2", "-o", "json"))[0]["value"]["amount"] == 10
    alone("replay", str(file), "--at", "7", code=3)
    file.write_text(file.read_text().replace('"amount": 12', '"amount": 21'))
    alone("replay", str(file), code=3)
    assert f"{file}:4: 'refund/R-1' does not have the digest" in alone.error
    alone("replay", str(tmp_path / "none"), code=3)
    whole = shell("export")
    for more in ("{}\n", whole, "rubbish"):
        (tmp_path / "more").write_text(whole + more)
        alone("replay", str(tmp_path / "more"), code=3)
        assert "there is more behind the end" in alone.error
    (tmp_path / "long").write_text("x" * (3 << 20))
    alone("replay", str(tmp_path / "long"), code=3)
    assert "characters of JSON, more than" in alone.error
    (tmp_path / "binary").write_bytes(b"\xff\xfe\x00")
    alone("replay", str(tmp_path / "binary"), code=3)


def test_doctor_deep_looks_into_a_board_and_ends_with_4_where_it_is_damaged(
    shell: Shell, redis_server: RedisServer
) -> None:
    shell("log", "trim", "2")
    found = shell.json("doctor", "--deep", "--board", shell.board)
    deep = [finding for finding in found if finding["check"] == f"board {shell.board}"]
    told = "4 records and 4 commits after revision 2: every digest agrees, the log is the records"
    assert [(finding["verdict"], finding["found"]) for finding in deep] == [("ok", told)]
    with redis_server.client() as client:
        client.hdel(BoardKeys(shell.board).records("refund"), "refund/R-2")
    told = shell("doctor", "--deep", "--board", shell.board, code=4)
    assert "the record refund/R-2@1-2 is in the log and not on the board" in told
    assert shell.board in shell("doctor", "--deep", code=4)
    shell("doctor", "--deep", "--board", "nowhere", code=5)
    shell("doctor", "--board", shell.board, code=2)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no /dev/full")
@pytest.mark.parametrize("words", [("export",), ("ls",), ("log",), ("history", "flag/a")])
def test_an_output_that_cannot_be_written_is_told_and_no_internal_error(
    words: tuple[str, ...], shell: Shell, redis_url: str
) -> None:
    command = [sys.executable, "-m", "blackboard", *words, "--url", redis_url, "--board", shell.board]
    with Path("/dev/full").open("w", encoding="utf-8") as full:
        done = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, text=True, check=False)
    assert (done.returncode, done.stderr) == (
        141,
        "blackboard: what was to be written could not be: No space left on device\n",
    )
