"""``blackboard escalations`` on the board that a real run left with two questions open."""

from __future__ import annotations

import asyncio
import io
import json
from typing import TYPE_CHECKING, Any

import pytest

from blackboard.board import Board
from blackboard.cli import main
from controller.leadership import Leadership, new_member
from tests.returns_run import work

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable


class Asked:
    """The command on one board; ``on_board`` does something to it meanwhile."""

    def __init__(self, url: str, name: str, capsys: pytest.CaptureFixture[str]) -> None:
        self._url, self._name, self._capsys = url, name, capsys
        self.error = ""
        self.on_board(work)

    def on_board(self, do: Callable[[Board], Awaitable[Any]]) -> Any:
        async def run() -> Any:
            async with await Board.open(self._url, self._name, author="feeder") as board:
                return await do(board)

        return asyncio.run(run())

    def __call__(self, *words: str, code: int = 0) -> str:
        ended = main(["escalations", *words, "--url", self._url, "--board", self._name])
        shown = self._capsys.readouterr()
        self.error = shown.err
        assert ended == code, shown.err
        return shown.out

    def json(self, *words: str) -> Any:
        return json.loads(self(*words, "-o", "json"))


@pytest.fixture
def asked(redis_url: str, board_name: str, capsys: pytest.CaptureFixture[str]) -> Asked:
    return Asked(redis_url, board_name, capsys)


def test_open_questions_are_listed_and_with_all_the_answered_ones_too(asked: Asked) -> None:
    assert [one["case"] for one in asked.json()] == ["return/R-3", "return/R-5"]
    assert "Refund 900?" in asked("list")
    asked("answer", "return/R-3", "approve", "--by", "ann")
    assert [one["case"] for one in asked.json()] == ["return/R-5"]
    assert [one["status"] for one in asked.json("list", "--all")] == ["answered", "open"]
    assert '{"answer"' not in asked("list", "--all")
    assert '"approve" by ann' in asked("list", "--all")


def test_one_question_is_shown_with_what_was_tried_and_what_it_is_about(asked: Asked) -> None:
    shown = asked("show", "return/R-5")
    assert shown.count("error, RuntimeError: the gateway is down, at ") == 2
    assert "returns_run.py:" in shown
    assert 'check/R-5 = {"amount": 6, "how": "broken"}' in shown
    assert "retry, abandon, decide" in shown
    document = asked.json("show", "return/R-3")
    assert f"escalations answer {document['id'][:8]} CHOICE --board {document['board']}" in asked("show", "return/R-3")
    assert [(one["key"], one["stands"]) for one in document["about"]] == [("check/R-3", True)]


def test_an_answer_is_written_where_the_question_says_and_what_to_type_next_is_told(asked: Asked) -> None:
    told = asked("answer", "return/R-3", "approve", "--by", "ann", "--reason", "regular")
    assert "nobody leads board" in told
    assert "blackboard run returns --resume --url unix:" in told
    record = asked.on_board(lambda board: board.get("refund/R-3"))
    assert record.value == {"answer": "approve", "answered_by": "ann", "reason": "regular"}


def test_a_second_answer_is_refused_with_who_was_first(asked: Asked) -> None:
    asked("answer", "return/R-3", "approve", "--by", "ann")
    asked("answer", "return/R-3", "reject", code=1)
    assert "answered already: 'approve' by ann" in asked.error


def test_an_answer_to_what_has_changed_since_is_refused_as_stale(asked: Asked) -> None:
    asked.on_board(lambda board: board.put("check/R-3", {"amount": 1, "how": "dear"}))
    asked("answer", "return/R-3", "approve", code=1)
    assert "the answer is stale: check/R-3 has changed since it was asked" in asked.error


def test_decide_writes_the_value_and_without_one_says_that_it_needs_it(asked: Asked) -> None:
    asked("answer", "return/R-5", "decide", code=2)
    assert "decide needs --value" in asked.error
    document = asked.json("answer", "return/R-5", "decide", "--value", '{"amount": 6}', "--by", "ann")
    assert document["answer"] == {"amount": 6}
    assert asked.on_board(lambda board: board.get("refund/R-5")).value == {"amount": 6}


def test_what_is_no_answer_to_the_question_is_refused(asked: Asked) -> None:
    asked("answer", "return/R-3", "aprove", code=2)
    assert "'aprove' is none of the choices: approve, reject; did you mean 'approve'?" in asked.error
    asked("answer", "return/R-3", "approve", "--value", "5", code=2)
    asked("answer", "return/R-3", code=2)
    assert "Say which answer: approve, reject" in asked.error
    asked("answer", "R-3", "approve", code=5)
    assert "did you mean 'return/R-3'?" in asked.error


def test_a_question_is_named_by_its_id_or_the_beginning_that_no_other_has(asked: Asked) -> None:
    first, second = (one["id"] for one in asked.json())
    assert asked.json("show", first)["id"] == first
    assert asked.json("show", second[:10])["id"] == second
    asked("show", "", code=5)


def test_nobody_is_told_how_to_go_on_while_a_controller_leads(asked: Asked) -> None:
    async def answer_under_a_leader(board: Board) -> None:
        leadership = Leadership(board, new_member())
        await leadership.acquire()
        words = ["escalations", "answer", "return/R-3", "approve", "--url", asked._url, "--board", asked._name]
        assert await asyncio.to_thread(main, words) == 0
        await leadership.release()

    asked.on_board(answer_under_a_leader)
    assert "nobody leads" not in asked._capsys.readouterr().out


def test_at_a_terminal_a_missing_choice_is_asked_for(asked: Asked, monkeypatch: pytest.MonkeyPatch) -> None:
    class Typed(io.StringIO):
        def isatty(self) -> bool:
            return True

    monkeypatch.setattr("sys.stdin", Typed("decide\n7\n"))
    assert asked.json("answer", "return/R-5")["answer"] == 7


def test_a_board_where_nobody_is_asked_says_so(redis_url: str, board_name: str, capsys: Any) -> None:
    assert main(["post", "a/b", "1", "--url", redis_url, "--board", board_name]) == 0
    capsys.readouterr()
    assert main(["escalations", "--url", redis_url, "--board", board_name]) == 0
    assert capsys.readouterr().out == f"nobody is asked anything on board {board_name}\n"
