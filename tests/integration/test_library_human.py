"""Asking people: in turn, each with a deadline, with a default in the end; led on a real server."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest

from blackboard.cli import main
from blackboard.control_records import ESCALATIONS
from blackboard.errors import Conflict
from controller.escalation import Answer, Refusal, answer
from knowledge_sources import DeclarationError
from knowledge_sources.library import human
from knowledge_sources.library.human import filled
from tests.leading import going_on, leading, only, question, quiescent, run, values
from tests.waiting import eventually

if TYPE_CHECKING:
    from blackboard.board import Board

ASK: dict[str, Any] = {
    "watches": {"item": "return/{rma}"},
    "contributes": "answer/{rma}",
    "question": "Refund {item.amount} of {item.who.name} for {rma} ({item.nothing})?",
    "choices": ["approve", "reject"],
}


async def test_a_person_is_asked_with_the_values_of_the_records_and_the_answer_is_written(board: Board) -> None:
    await board.put("return/1", {"amount": 12.5, "who": {"name": "Ada"}})
    async with leading(board, human(**ASK)) as controller:
        assert (await controller.run_until_quiescent()).status == "awaiting"
        key, asked = await question(board)
        assert asked["question"] == "Refund 12.5 of Ada for 1 (–)?"
        await answer(board, key, Answer("approve", by="ana"), board.store.server_now_ms())
    assert await values(board, "answer/*") == {"answer/1": {"answer": "approve", "answered_by": "ana", "reason": ""}}


@pytest.mark.parametrize("choices", [["decide", "wait"], []])
async def test_a_choice_that_happens_to_be_called_decide_is_written_as_any_other(
    board: Board, choices: list[str]
) -> None:
    """Only where the agent failed, or proposes something, is it the word for a value in the agent's place."""
    await board.put("return/1", {"amount": 12.5})
    async with leading(board, human(**ASK | {"choices": choices})) as controller:
        await quiescent(controller)
        key, _ = await question(board)
        await answer(board, key, Answer("decide", by="ana"), board.store.server_now_ms())
    assert (await values(board, "answer/*"))["answer/1"]["answer"] == "decide"


async def test_without_an_answer_each_assignee_is_asked_and_then_the_default_counts(board: Board) -> None:
    await board.put("return/1", {"amount": 12.5})
    asking = human(**ASK, assignees=["ana", "bo"], deadline="50ms", default="reject")
    assert (await run(board, asking)).status == "finished"
    written = (await values(board, "answer/*"))["answer/1"]
    assert written == {"answer": "reject", "answered_by": "nobody", "reason": "nobody answered within 50 ms"}
    _, asked = await question(board)
    assert (asked["status"], asked["assignee"], asked["answered_by"]) == ("answered", "bo", "nobody")
    ended = await only(board)
    assert ended["state"] == "executed"
    assert "reviewed_by" not in ended
    changes = await board.history(f"{ESCALATIONS}{ended['id']}")
    assert {change.record.value["assignee"] for change in changes if change.record is not None} == {"ana", "bo"}


async def test_without_a_default_it_stays_open_when_all_have_been_asked(board: Board) -> None:
    await board.put("return/1", {"amount": 12.5})
    end = await run(board, human(**ASK, assignees=["ana", "bo"], deadline="20ms"))
    assert end.status == "awaiting"
    _, asked = await question(board)
    assert (asked["status"], asked["assignee"]) == ("open", "bo")
    assert "deadline_ms" not in asked


async def test_a_deadline_that_passed_while_nobody_led_takes_effect_with_the_next_controller(board: Board) -> None:
    await board.put("return/1", {"amount": 12.5})
    asking = human(**ASK, deadline="1h", default="reject")
    async with leading(board, asking) as controller, going_on(controller):
        await asked_of(board)
    await let_pass(board)
    assert await values(board, "answer/*") == {}
    assert (await run(board, asking)).status == "finished"
    assert (await values(board, "answer/*"))["answer/1"]["answered_by"] == "nobody"


async def asked_of(board: Board, count: int = 1) -> None:
    replica = await board.replica()
    await eventually(
        lambda: sum(key.startswith(ESCALATIONS) for key in replica.region("control")) >= count, f"{count} were asked"
    )


async def let_pass(board: Board) -> None:
    """Put the deadline of the one question into the past."""
    key, asked = await question(board)
    await board.put(key, {**asked, "deadline_ms": 1})


async def test_an_answer_in_time_counts_and_the_default_does_not(board: Board) -> None:
    await board.put("return/1", {"amount": 12.5})
    async with (
        leading(board, human(**ASK, deadline="1h", default="reject")) as controller,
        going_on(controller) as going,
    ):
        await asked_of(board)
        key, _ = await question(board)
        await answer(board, key, Answer("approve", by="ana"), board.store.server_now_ms())
        assert (await going).status == "finished"
    assert (await values(board, "answer/*"))["answer/1"]["answer"] == "approve"


async def test_a_default_about_what_has_changed_does_not_count_and_the_question_is_stale(board: Board) -> None:
    await board.put("return/1", {"amount": 12.5})
    asking = human(**ASK, deadline="1h", default="approve", unless="return/1/withdrawn")
    async with leading(board, asking) as controller, going_on(controller):
        await asked_of(board)
    await board.put("return/1/withdrawn", True)
    await let_pass(board)
    await run(board, asking)
    assert await values(board, "answer/*") == {}
    key, asked = await question(board)
    assert asked["status"] == "stale"
    with pytest.raises(Refusal):
        await answer(board, key, Answer("approve", by="ana"), board.store.server_now_ms())


async def test_of_an_answer_and_a_default_at_one_moment_one_counts(board: Board) -> None:
    for number in range(12):
        await board.put(f"return/{number}", {"amount": number})
    async with (
        leading(board, human(**ASK, deadline="60ms", default="reject")) as controller,
        going_on(controller) as going,
    ):
        await asked_of(board, 12)

        async def give(key: str) -> bool:
            try:
                await answer(board, key, Answer("approve", by="ana"), board.store.server_now_ms())
            except (Refusal, Conflict):
                return False
            return True

        keys = [record.key for record in await board.find(f"{ESCALATIONS}*")]
        given = await asyncio.gather(*map(give, keys))
        await going
    found = await values(board, "answer/*")
    assert len(found) == 12
    assert sum(one["answered_by"] == "ana" for one in found.values()) == sum(given)


async def test_people_see_whose_turn_it_is_and_what_follows(
    board: Board, redis_url: str, capsys: pytest.CaptureFixture[str]
) -> None:
    await board.put("return/1", {"amount": 12.5})
    asking = human(**ASK, assignees=["ana", "bo"], deadline="1h", default="reject")
    async with leading(board, asking) as controller, going_on(controller):
        await asked_of(board)
    words = ["escalations", "show", "return/1", "--url", redis_url, "--board", board.name]
    assert await asyncio.to_thread(main, words) == 0
    shown = " ".join(capsys.readouterr().out.split())
    assert "ana, until " in shown
    assert 'then bo, then the answer is "reject"' in shown


async def test_a_free_default_is_written_as_it_is(board: Board) -> None:
    await board.put("return/1", {"amount": 12.5})
    schema = {"type": "object", "required": ["amount"]}
    ask = {**ASK, "choices": [], "schema": schema}
    await run(board, human(**ask, deadline="20ms", default={"amount": 0}))
    assert (await values(board, "answer/*"))["answer/1"]["answer"] == {"amount": 0}


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ({"default": "approve"}, "give one, as in deadline='4h'"),
        ({"deadline": "soon"}, "deadline"),
        ({"default": "maybe", "deadline": "1h"}, "'maybe' is none of the choices"),
        ({"question": ""}, "needs a question"),
        ({"question": "Refund {itm.amount}?"}, "question: nothing fills {itm.amount}; did you mean 'item'?"),
        ({"assignes": ["ana"]}, "did you mean 'assignees'"),
    ],
)
def test_what_cannot_be_asked_is_refused(wrong: dict[str, Any], told: str) -> None:
    with pytest.raises(DeclarationError) as refused:
        human(**{**ASK, **wrong})
    assert told in str(refused.value)


def test_a_question_is_filled_with_what_is_there_and_nothing_is_run() -> None:
    values = {"item": {"a": {"b": 3}, "c": "{rma}", "__class__": "x"}}
    assert (
        filled("{rma} {item.a.b} {item.c} {item.a.b.c} {other} {item.x} {}", {"rma": "R"}, values)
        == "R 3 {rma} – – – {}"
    )
