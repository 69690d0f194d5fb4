"""``blackboard why`` on the board that a real run left."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from blackboard.board import Board
from blackboard.cli import main
from blackboard.commit import Put
from tests.returns_run import work


@pytest.fixture
def ran(redis_url: str, board_name: str) -> list[str]:
    """The options that name a board on which the returns were worked on; nobody leads it any more."""

    async def run() -> None:
        async with await Board.open(redis_url, board_name, author="feeder") as board:
            assert (await work(board)).status == "awaiting"

    asyncio.run(run())
    return ["--url", redis_url, "--board", board_name]


class Why:
    """The command on one board, as text and as a document."""

    def __init__(self, options: list[str], capsys: pytest.CaptureFixture[str]) -> None:
        self._options = options
        self._capsys = capsys

    def text(self, *words: str, code: int = 0) -> str:
        ended = main(["why", *words, *self._options])
        shown = self._capsys.readouterr()
        assert ended == code, shown.err
        assert "\x1b" not in shown.out
        return shown.out if code == 0 else shown.err

    def json(self, *words: str) -> Any:
        assert main(["why", *words, *self._options, "-o", "json"]) == 0
        return json.loads(self._capsys.readouterr().out)


@pytest.fixture
def why(ran: list[str], capsys: pytest.CaptureFixture[str]) -> Why:
    return Why(ran, capsys)


def test_a_refund_is_followed_to_the_fed_return_with_the_failed_call_and_the_costs(why: Why) -> None:
    document = why.json("refund/R-1")
    refund = document["origin"]
    check = refund["causes"][0]["origin"]
    fed = check["causes"][0]["origin"]
    assert [refund["author"], check["author"], fed["author"]] == ["refund", "check", "feeder"]
    assert fed["by"] is None
    assert [one["failure"] for one in refund["by"]["failed"]] == ["error"]
    assert refund["by"]["cost"] == pytest.approx(0.02)
    assert check["by"]["decision"]["eligible"] >= 1
    told = why.text("refund/R-1")
    assert "RuntimeError: the gateway is down" in told
    assert r"it said: checking 20\x1b[2J" in told
    assert "fed by feeder" in told


def test_an_override_is_told_with_the_supervisor_its_reason_and_the_rival_that_came_too_late(why: Why) -> None:
    document = why.json("refund/R-2")
    step = document["origin"]["by"]
    assert (document["origin"]["author"], step["agent"], step["decided_by"]) == ("boss", "refund", "boss")
    [ruling] = step["rulings"]
    assert (ruling["supervisor"], ruling["verb"], ruling["status"]) == ("boss", "decide", "applied")
    assert "refund has taken" in ruling["why"]
    [rival] = step["rivals"]
    assert (rival["agent"], rival["state"], rival["winner"]) == ("refund_late", "obviated", "boss")
    told = why.text("refund/R-2")
    assert "written by boss in the place of refund" in told
    assert "it ordered decide (store credit), applied" in told
    assert "refund_late, for the same, was obviated; boss was first" in told


def test_what_waits_for_a_person_is_explained_before_it_is_there_and_after(why: Why, ran: list[str]) -> None:
    assert "nobody has answered yet: blackboard escalations answer" in why.text("refund/R-3")
    assert main(["escalations", "answer", "return/R-3", "approve", "--by", "ann", "--reason", "regular", *ran]) == 0
    why._capsys.readouterr()
    told = why.text("refund/R-3")
    assert "written by ann in the place of refund" in told
    assert 'ann answered "approve"' in told
    assert ": regular" in told


def test_a_supervisor_that_gave_no_order_is_told_as_such(why: Why) -> None:
    step = why.json("refund/R-5")["aimed"][0]
    assert [(one["supervisor"], one["verb"]) for one in step["rulings"]] == [("boss", "")]
    assert len(step["failed"]) == 2
    assert "it gave no order" in why.text("refund/R-5")


def test_a_case_is_told_step_by_step(why: Why) -> None:
    assert [step["agent"] for step in why.json("--case", "return/R-2")["steps"]] == ["check", "refund", "refund_late"]
    assert "refund executed as boss decided: wrote refund/R-2" in why.text("--case", "return/R-2")
    assert why.text("return/R-2") == why.text("--case", "return/R-2")


async def _change(options: list[str], *, remove: bool) -> None:
    async with await Board.open(options[1], options[3], author="ann") as board:
        if remove:
            await board.delete("refund/R-1")
        else:
            await board.put("check/R-1", "something else")


def test_a_cause_that_was_overwritten_since_is_found_in_the_log(why: Why, ran: list[str]) -> None:
    asyncio.run(_change(ran, remove=False))
    [cause] = why.json("refund/R-1")["origin"]["causes"]
    assert cause["origin"]["value"] == {"amount": 20, "how": "flaky"}
    assert not cause["origin"]["stands"]
    assert "wrote over it" in why.text("refund/R-1")


def test_a_removed_record_is_told_with_who_removed_it(why: Why, ran: list[str]) -> None:
    asyncio.run(_change(ran, remove=True))
    told = why.text("refund/R-1")
    assert "refund/R-1 is not there any more: removed by ann" in told
    assert 'refund/R-1 = {"amount": 20}' in told


def test_what_never_was_ends_with_5_and_who_may_write_it(why: Why) -> None:
    assert "no record at 'refund/R-9'" in why.text("refund/R-9", code=5)
    assert "no case 'return/R-9'" in why.text("--case", "return/R-9", code=5)
    assert "one of the two" in why.text(code=2)


def test_what_a_person_posted_is_told_with_the_reason_of_that_very_version(why: Why, ran: list[str]) -> None:
    """Versions that were posted without one, and records that claim to be one, say nothing."""

    def post(*words: str) -> None:
        assert main(["post", "note/1", *words, *ran, "--by", "ann"]) == 0

    post("one", "--reason", "she called\x1b[2J")
    assert r"fed by ann: she called\x1b[2J at" in why.text("note/1")
    assert why.json("note/1")["fed"]["reason"] == "she called\x1b[2J"
    post("two")
    assert "fed by ann at" in why.text("note/1")

    async def claim() -> None:
        async with await Board.open(ran[1], ran[3]) as board:
            await board.commit([], [Put("note/1", 3), Put("control/posts/note/1", 5)])

    asyncio.run(claim())
    assert "fed by nobody named; commit" in why.text("note/1")
