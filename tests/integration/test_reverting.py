"""What was done for a case is undone once, the latest first, by whoever asks for it."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest

from blackboard.control_records import REVERTS
from blackboard.errors import NothingSelected
from controller.escalation import Answer, answer
from controller.reverting import NotUndoable, carry_out, plan_revert
from knowledge_sources import DeclarationError, knowledge_source
from tests.leading import going_on, leading, only, run, values
from tests.waiting import eventually

if TYPE_CHECKING:
    from blackboard.board import Board


@knowledge_source({"order": "order/{o}"}, contributes="a/{o}", compensates="undo_a/{o}")
async def first(order: Any) -> Any:
    return {"n": order["n"]}


@knowledge_source({"a": "a/{o}"}, contributes="b/{o}", compensates="undo_b/{o}", compensate=lambda value, o: [o, value])
async def second(a: Any) -> Any:
    return a["n"] + 1


@knowledge_source({"b": "b/{o}"}, contributes=["c/{o}", "shared"])
async def third(b: Any, ctx: Any) -> Any:
    return {"c/{o}": b, "shared": {"by": ctx.case}}


async def undo(board: Board, case: str = "order/1", **options: Any) -> list[str]:
    plan = await plan_revert(board, case=case, **options)
    return [step.agent for step in await carry_out(board, plan, by="ana", reason="changed her mind")]


async def test_each_contribution_is_compensated_in_reverse_order_in_a_commit_of_its_own(board: Board) -> None:
    await board.put("order/1", {"n": 1})
    await board.put("order/2", {"n": 5})
    await run(board, first, second)
    assert await undo(board) == ["second", "first"]
    a, b = await board.get("undo_a/1"), await board.get("undo_b/1")
    assert a is not None
    assert b is not None
    assert b.value == ["1", 2]
    assert a.value["undoes"] == {"a/1": {"n": 1}}
    assert b.revision < a.revision
    assert [cause.partition("@")[0] for cause in (*b.causes, *a.causes)] == ["b/1", "a/1"]
    assert (a.author, a.case) == ("ana", "order/1")
    assert set(await values(board, "undo_a/*")) == {"undo_a/1"}
    marks = await values(board, REVERTS + "*")
    assert {mark["how"] for mark in marks.values()} == {"compensated"}


async def test_undone_again_nothing_more_happens_and_two_at_once_undo_it_once(board: Board) -> None:
    await board.put("order/1", {"n": 1})
    await run(board, first, second)
    both = await asyncio.gather(undo(board), undo(board))
    assert sorted([*both[0], *both[1]]) == ["first", "second"]
    assert await undo(board) == []
    compensation = await board.get("undo_a/1")
    assert compensation is not None
    assert compensation.version == 1


async def test_who_was_killed_between_two_steps_is_followed_by_who_undoes_the_rest(board: Board) -> None:
    await board.put("order/1", {"n": 1})
    await run(board, first, second)
    plan = await plan_revert(board, case="order/1")
    await carry_out(board, plan._replace(steps=plan.steps[:1]), by="ana", reason="x")
    assert await undo(board) == ["first"]
    assert [step.done for step in (await plan_revert(board, case="order/1")).steps] == [True, True]


async def test_without_a_compensation_nothing_is_undone_unless_forced_and_then_it_is_as_it_was(board: Board) -> None:
    await board.put("shared", {"by": "nobody"})
    await board.put("order/1", {"n": 1})
    await run(board, first, second, third)
    with pytest.raises(NotUndoable, match="third does not say how c/1, shared is undone"):
        await undo(board)
    assert await values(board, "undo_b/*") == {}
    assert await undo(board, restore=True) == ["third", "second", "first"]
    assert await board.get("c/1") is None
    shared = await board.get("shared")
    assert shared is not None
    assert shared.value == {"by": "nobody"}


async def test_a_record_that_was_written_since_is_not_put_back(board: Board) -> None:
    await board.put("order/1", {"n": 1})
    await run(board, first, second, third)
    await board.put("shared", "of others", stamp=None)
    with pytest.raises(NotUndoable, match="shared of third was written since"):
        await undo(board, restore=True)
    assert await values(board, REVERTS + "*") == {}


async def test_what_two_wrote_one_after_the_other_is_put_back_step_by_step(board: Board) -> None:
    @knowledge_source({"order": "order/{o}"}, contributes="page/{o}")
    async def draft(order: Any) -> Any:
        return "draft"

    @knowledge_source({"page": 'page/{o} where value == "draft"'}, contributes="page/{o}")
    async def polish(page: Any) -> Any:
        return "polished"

    await board.put("order/1", {"n": 1})
    await run(board, draft, polish)
    assert await values(board, "page/*") == {"page/1": "polished"}
    assert await undo(board, restore=True) == ["polish", "draft"]
    assert await values(board, "page/*") == {}


async def test_one_activation_is_undone_and_the_rest_of_the_case_stands(board: Board) -> None:
    await board.put("order/1", {"n": 1})
    await run(board, first, second)
    only_second = (await plan_revert(board, case="order/1")).steps[0]
    assert await undo(board, case="", activation=only_second.activation) == ["second"]
    assert await values(board, "undo_a/*") == {}


async def test_of_a_case_that_nobody_worked_on_there_is_nothing_to_undo(board: Board) -> None:
    with pytest.raises(NothingSelected, match="begins with 'nothing'"):
        await plan_revert(board, activation="nothing")
    with pytest.raises(NothingSelected, match="no activation of case 'order/9'"):
        await plan_revert(board, case="order/9")


async def test_what_cannot_say_how_it_is_undone_is_not_done(board: Board) -> None:
    @knowledge_source(
        "order/{o}",
        contributes="a/{o}",
        compensates="undo/{o}",
        compensate=lambda value: value["gone"],
        retry={"attempts": 1},
    )
    def careless() -> Any:
        return {"n": 1}

    await board.put("order/1", {})
    await run(board, careless)
    failed = await only(board)
    assert (failed["failure"], failed["state"]) == ("invalid", "escalated")
    assert "what would undo it cannot be told: KeyError('gone')" in failed["attempts"][0]["error"]
    assert await values(board, "a/*") == {}


async def test_what_was_approved_is_undone_and_what_a_person_decided_has_no_compensation(board: Board) -> None:
    approved = first.__knowledge_source__.configured(approval="always")  # type: ignore[attr-defined]
    for number, (choice, value) in enumerate([("approve", None), ("decide", {"n": 9})], 1):
        await board.put(f"order/{number}", {"n": number})
        await run(board, approved)
        (asked,) = await board.find('control/escalations/* where status == "open"')
        await answer(board, asked.key, Answer(choice, "ann", "", value), board.store.server_now_ms())
    assert await undo(board) == ["first"]
    with pytest.raises(NotUndoable):
        await undo(board, case="order/2")


async def test_a_step_that_changed_since_it_was_planned_is_refused(board: Board) -> None:
    await board.put("order/1", {"n": 1})
    await run(board, first)
    plan = await plan_revert(board, case="order/1")
    (step,) = plan.steps
    moved = plan._replace(steps=(step._replace(commit="1-1"),))
    with pytest.raises(NotUndoable, match="is not as it was"):
        await carry_out(board, moved, by="ana", reason="x")


def test_a_declaration_says_where_and_what_is_posted() -> None:
    for options, reason in (
        ({"compensate": lambda: 1}, "compensate goes with compensates"),
        ({"compensates": "undo/*"}, "names no single key"),
        ({"compensates": "undo/{x}"}, "is bound by no watch"),
        ({"compensates": "control/x"}, "covers control/"),
        ({"compensates": "undo/{o}", "compensate": lambda nothing: 1}, "bound to nothing"),
        ({"confirmed_by": "x/{o}"}, "goes with confirm_within"),
        ({"confirm_within": "1s"}, "what confirms it"),
        ({"confirm_within": "0s", "confirmed_by": "x/{o}"}, "longer than nothing"),
        ({"confirm_within": "1s", "confirmed_by": "control/x"}, "covers control/"),
        ({"confirm_within": "1s", "confirm": 5}, "is not a function"),
        ({"approval": "sometimes"}, "is none of always, unsure, never"),
        ({"threshold": 1.5}, "is no number from 0 to 1"),
    ):
        with pytest.raises(DeclarationError, match=reason):
            knowledge_source("order/{o}", contributes="a/{o}", name="a", **options)(lambda: None)


async def test_what_was_undone_is_not_waited_for_any_more_and_has_not_failed(board: Board) -> None:
    """Undone, a claim went on until its time was over, and those who depend on it were told that it had failed."""

    @knowledge_source(
        watches="order/{id}", contributes="a/{id}", confirm_within="10m", confirmed_by="c/{id}", unconfirmed="f/{id}"
    )
    async def claims(order: Any) -> Any:
        return order

    await board.create("order/1", {})
    async with leading(board, claims) as controller, going_on(controller) as end:
        await eventually(lambda: controller.desk.replica.get("a/1") is not None, "it is claimed")
        plan = await plan_revert(board, case="order/1", restore=True)
        await asyncio.gather(*(carry_out(board, plan, by=who, reason="") for who in ("human/ana", "human/bob")))
        assert (await end).status == "finished"
    (claim,) = (await values(board, "control/claims/*")).values()
    assert claim["status"] == "unconfirmed"
    assert claim["reason"].startswith("what it claims was undone by human/")
    assert await values(board, "f/*") == {}
