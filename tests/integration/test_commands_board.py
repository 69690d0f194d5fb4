"""The commands that read and write a board, typed as a user types them, on a real server."""

from __future__ import annotations

import io
import json
from typing import TYPE_CHECKING, Any

import pytest

from blackboard.cli import main
from blackboard.errors import InvalidInput
from blackboard.keys import BoardKeys
from blackboard.typed_value import parse_value
from blackboard.user_name import user_name

if TYPE_CHECKING:
    from pathlib import Path

    from tests.conftest import RedisServer


class Shell:
    """The command line on one board of the session's server."""

    def __init__(self, url: str, board: str, capsys: pytest.CaptureFixture[str]) -> None:
        self.url = url
        self.board = board
        self._capsys = capsys
        self.error = ""

    def __call__(self, *words: str, code: int = 0, board: str | None = None) -> str:
        """Run a command on the board, check its exit code, and return what it wrote on stdout."""
        name = self.board if board is None else board
        given = ["--board", name] if name and words[0] not in ("boards", "doctor") else []
        options = ["--url", self.url, *given] if self.url else []
        split = words.index("--") if "--" in words else len(words)
        ended = main([*words[:split], *options, *words[split:]])
        shown = self._capsys.readouterr()
        self.error = shown.err
        assert ended == code, shown.err
        return shown.out

    def json(self, *words: str, board: str | None = None) -> Any:
        return json.loads(self(*words, "-o", "json", board=board))


@pytest.fixture
def shell(redis_url: str, board_name: str, capsys: pytest.CaptureFixture[str]) -> Shell:
    return Shell(redis_url, board_name, capsys)


def test_what_is_posted_is_listed_shown_and_told_by_the_history(shell: Shell) -> None:
    assert shell("post", "return/R-1", '{"amount": 129.5}', "--by", "ann") == (
        "return/R-1 written; commit 1-1, version 1\n"
    )
    shell("post", "return/R-1", '{"amount": 10}', "--by", "bob")
    assert shell.json("get", "return/R-1")["value"] == {"amount": 10}
    told = shell.json("history", "return/R-1")
    assert [(change["commit"], change["author"], change["value"]["amount"]) for change in told] == [
        ("1-1", "ann", 129.5),
        ("1-2", "bob", 10),
    ]
    assert told[1]["previous_commit"] == "1-1"
    listed = shell("ls", "return/*")
    assert listed.splitlines()[1].split()[:3] == ["return/R-1", '{"amount":', "10}"]


def test_get_shows_the_value_and_where_it_came_from(shell: Shell) -> None:
    shell("post", "flag/a", "on", "--by", "ann", "--ttl", "1h")
    shown = shell("get", "flag/a")
    assert shown.startswith('"on"\n')
    assert "1-1, version 1" in shown
    assert "by ann" in shown
    assert "expires" in shown


def test_ls_takes_the_pattern_language_and_leaves_control_records_out(shell: Shell) -> None:
    for number, amount in enumerate((50, 150, 250)):
        shell("post", f"refund/R-{number}", json.dumps({"amount": amount}))
    shell("post", "order/O-1", "1")
    assert [r["key"] for r in shell.json("ls", "refund/* where amount > 100")] == ["refund/R-1", "refund/R-2"]
    assert [r["key"] for r in shell.json("ls")] == ["order/O-1", "refund/R-0", "refund/R-1", "refund/R-2"]
    assert "… and 3 more: --limit 0 shows all" in shell("ls", "--limit", "1")
    assert "more" not in shell("ls", "--limit", "0")


def test_ls_of_nothing_says_so_and_is_no_failure(shell: Shell) -> None:
    shell("post", "a/b", "1")
    assert shell("ls", "refund/*") == f"no records match refund/* on board {shell.board}\n"
    assert shell.json("ls", "refund/*") == []
    assert shell("ls", "refund/*", "-o", "jsonl") == ""


def test_jsonl_is_one_document_to_a_line(shell: Shell) -> None:
    shell("post", "a/1", '"two\\nlines"')
    shell("post", "a/2", "2")
    assert [json.loads(line)["value"] for line in shell("ls", "-o", "jsonl").splitlines()] == ["two\nlines", 2]


def test_a_pattern_that_does_not_parse_is_exit_3_with_its_column(shell: Shell) -> None:
    shell("post", "a/b", "1")
    shell("ls", "a/* where amount >", code=3)
    assert "column" in shell.error
    assert "^" in shell.error


def test_what_is_not_there_is_exit_5_and_says_what_was_looked_for(shell: Shell) -> None:
    shell("post", "a/b", "1")
    shell("get", "a/c", code=5)
    assert "no record at 'a/c'" in shell.error
    shell("history", "a/c", code=5)
    shell("ls", board=shell.board[:-1], code=5)
    assert f"did you mean '{shell.board}'?" in shell.error
    shell("ls", board="quite-another", code=5)
    assert "; the newest is '" in shell.error
    shell.url, shell.board = "memory:", ""
    shell("ls", code=5)
    assert "ended with its process" in shell.error


def test_reading_a_board_that_is_not_there_does_not_make_it(shell: Shell, redis_server: RedisServer) -> None:
    shell("ls", code=5)
    assert redis_server.keys() == []


def test_without_a_name_the_newest_board_is_meant(shell: Shell, redis_server: RedisServer) -> None:
    older, newer = shell.board, f"{shell.board}@1"
    shell("post", "which/board", "newer", board=newer)
    shell("post", "which/board", "older", board=older)
    with redis_server.client() as client:  # as if they had been made in that order
        client.hset(BoardKeys(older).meta, "created", 1_000)
        client.hset(BoardKeys(newer).meta, "created", 2_000)
    assert shell.json("get", "which/board", board="")["value"] == "newer"


def test_a_guarded_post_that_comes_too_late_changes_nothing_and_names_who_came_first(shell: Shell) -> None:
    shell("post", "refund/R-1", "1", "--if-absent", "--by", "ann")
    shell("post", "refund/R-1", "2", "--if-absent", code=1)
    assert "refund/R-1 was to be absent, but it is now at 1-1, written by ann" in shell.error
    shell("post", "refund/R-1", "3", "--if-commit", "1-1", "--by", "bob")
    shell("post", "refund/R-1", "4", "--if-commit", "1-1", code=1)
    assert shell.json("get", "refund/R-1")["value"] == 3
    shell("post", "refund/R-1", "5", "--if-commit", "1-2", "--if-absent", code=2)


def test_the_same_post_with_an_idempotency_key_gets_the_first_result(shell: Shell) -> None:
    first = shell.json("post", "a/b", "1", "--once", "call-7")
    again = shell.json("post", "a/b", "1", "--once", "call-7")
    assert (again["commit"], again["repeated"]) == (first["commit"], True)
    assert "posted before" in shell("post", "a/b", "1", "--once", "call-7")
    shell("post", "a/b", "2", "--once", "call-7", code=2)


def test_posting_the_value_that_stands_there_changes_nothing_and_says_so(shell: Shell) -> None:
    shell("post", "a/b", "1")
    assert "unchanged" in shell("post", "a/b", "1")
    assert len(shell.json("history", "a/b")) == 1


def test_a_record_posted_again_keeps_its_case(shell: Shell) -> None:
    shell("post", "return/R-1", "1")
    shell("post", "return/R-1", "2")
    assert shell.json("get", "return/R-1")["case"] == "return/R-1"
    assert shell.json("get", "return/R-1")["author"] == user_name()


@pytest.mark.parametrize("key", ["control/run", "control/overrides/x"])
def test_control_records_cannot_be_posted(shell: Shell, key: str) -> None:
    shell("post", key, "1", code=2)
    assert "the runtime alone writes under control/" in shell.error


@pytest.mark.parametrize(
    ("code", "words"),
    [
        (3, ["a/b", '{"a": 1, "a": 2}']),
        (3, ["a/b", "[NaN]"]),
        (3, ["a/b", "NaN"]),
        (3, ["a/b", "[" * 100_000]),
        (3, ["a/b", "[" * 70 + "]" * 70]),
        (3, ["a/b", '"\\ud800"']),
        (3, ["a/b", str(1 << 64)]),
        (3, ["a b", "1"]),
        (3, ["a/b", "1", "--ttl", "30"]),
        (2, ["a/b"]),
        (2, ["a/b", "1", "--if-never"]),
    ],
)
def test_what_a_record_cannot_hold_is_refused_before_anything_is_written(
    shell: Shell, code: int, words: list[str], redis_server: RedisServer
) -> None:
    shell("post", *words, code=code)
    assert shell.error
    assert redis_server.keys("*:log") == []


@pytest.mark.parametrize(
    ("expected", "text"),
    [
        ("hello world", "hello world"),
        ("", ""),
        (7, "7"),
        (-1.5e3, "-1.5e3"),
        ("007", "007"),
        ("12 May", "12 May"),
        (None, "null"),
        ("nulls", "nulls"),
        (True, " true\n"),
        ({"a": [1]}, '{"a": [1]}'),
        ("true", '"true"'),
    ],
)
def test_a_value_is_json_where_it_looks_like_it_and_a_text_else(expected: object, text: str) -> None:
    assert parse_value(text) == expected


def test_a_value_that_looks_like_json_and_is_none_is_refused() -> None:
    for text in ("{amount: 1}", "[1,", '"open', "-Infinity", "1e999"):
        with pytest.raises(InvalidInput, match="VALUE"):
            parse_value(text)


def test_a_value_can_come_from_standard_input_and_a_negative_one_after_two_dashes(
    shell: Shell, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO('{"from": "stdin"}\n'))
    shell("post", "a/b", "-")
    assert shell.json("get", "a/b")["value"] == {"from": "stdin"}
    shell("post", "--", "a/c", "-5")
    assert shell.json("get", "a/c")["value"] == -5


def test_a_record_with_escape_sequences_is_shown_and_not_obeyed(shell: Shell) -> None:
    shell("post", "a/b", '"\\u001b]52;c;eA==\\u0007\\u009b2J\\u202e"', "--by", "\x1b[2Jann")
    for words in (["get", "a/b"], ["ls"], ["history", "a/b"]):
        for form in ("text", "json", "jsonl"):
            shown = shell(*words, "-o", form)
            assert not set(shown) & set("\x1b\x07\x9b\u202e"), shown


def test_boards_are_listed_with_their_size_and_the_state_of_their_run(shell: Shell) -> None:
    shell("post", "a/b", "1", board=f"{shell.board}@2")
    [listed] = shell.json("boards")
    assert (listed["name"], listed["revision"], listed["records"], listed["run"]) == (f"{shell.board}@2", 1, 1, None)
    assert shell("boards", "list").splitlines()[1].split()[0] == f"{shell.board}@2"


def test_a_removed_board_leaves_no_key_and_its_neighbours_alone(shell: Shell, redis_server: RedisServer) -> None:
    other = f"{shell.board}@1"
    shell("post", "a/b", "1", "--once", "x")
    shell("post", "a/b", "1", board=other)
    kept = redis_server.keys(f"bb:{{{other}}}:*")
    shell("boards", "remove", shell.board, "--yes")
    assert redis_server.keys(f"bb:{{{shell.board}}}:*") == []
    assert redis_server.keys(f"bb:{{{other}}}:*") == kept
    shell("boards", "remove", shell.board, "--yes", code=5)


def test_a_board_is_removed_only_after_a_yes(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    shell("post", "a/b", "1")
    monkeypatch.setattr("sys.stdin", io.StringIO("n\n"))
    shell("boards", "remove", shell.board, code=130)
    assert shell.json("get", "a/b")["value"] == 1
    monkeypatch.setattr("sys.stdin", io.StringIO("y\n"))
    shell("boards", "remove", shell.board)
    shell("get", "a/b", code=5)


def test_where_nobody_can_be_asked_a_board_stays_and_the_error_says_what_to_pass(
    shell: Shell, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As from cron: it said that it was interrupted, and not why."""
    shell("post", "a/b", "1")
    monkeypatch.setattr("sys.stdin", io.StringIO(""))
    shell("boards", "remove", shell.board, code=2)
    assert f"nothing was removed; to remove {shell.board}, pass --yes" in shell.error
    assert shell.json("get", "a/b")["value"] == 1


def test_a_server_without_boards_is_exit_5(shell: Shell) -> None:
    shell("boards", code=5)
    shell("ls", board="", code=5)


def test_where_no_private_server_is_reading_does_not_start_one(
    shell: Shell, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    shell.url = f"embedded:{tmp_path}/none"
    shell("ls", board="", code=5)
    assert "there is no directory" in shell.error
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("words", [["ls"], ["get", "a/b"], ["boards"], ["post", "a/b", "1"]])
def test_a_server_that_does_not_answer_is_exit_4(shell: Shell, words: list[str], tmp_path: Path) -> None:
    shell.url = f"unix://{tmp_path}/nobody.sock"
    shell(*words, code=4)
    assert "nobody.sock" in shell.error


def test_doctor_tells_of_a_server_that_keeps_nothing(shell: Shell) -> None:
    findings = {finding["check"]: finding["verdict"] for finding in shell.json("doctor")}
    assert findings["server"] == "ok"
    assert findings["role"] == "ok"
    assert findings["appendonly"] == "warn"
    assert findings["maxmemory-policy"] == "ok"
    assert "CONFIG SET appendonly yes" in shell("doctor")


def test_doctor_calls_unverified_what_the_server_does_not_tell(shell: Shell, redis_server: RedisServer) -> None:
    with redis_server.client() as client:
        client.execute_command("ACL", "SETUSER", "curious", "on", ">secret", "~*", "+@all", "-config")
        try:
            shell.url = f"unix://curious:secret@{redis_server.socket}"
            shown = shell("doctor")
            findings = {finding["check"]: finding["verdict"] for finding in shell.json("doctor")}
        finally:
            client.execute_command("ACL", "DELUSER", "curious")
    assert "secret" not in shown
    assert findings["appendonly"] == findings["appendfsync"] == findings["maxmemory-policy"] == "unverified"


def test_doctor_on_a_dead_server_still_tells_of_the_installation(shell: Shell, tmp_path: Path) -> None:
    shell.url = f"unix://{tmp_path}/nobody.sock"
    shown = shell("doctor", code=4)
    assert shown.startswith("broken")
    assert "redis-py" in shown


def test_doctor_says_that_memory_keeps_nothing(shell: Shell) -> None:
    shell.url = "memory:"
    assert "keeps nothing" in shell("doctor")
