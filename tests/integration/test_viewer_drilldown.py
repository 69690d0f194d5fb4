"""Drill-down as a person does it: enter, esc and the letters, on the board that a run left."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest_asyncio

from blackboard.board import Board
from tests.returns_run import work
from tests.viewing import viewing

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from tests.viewing import Eyes


@pytest_asyncio.fixture
async def ran(redis_url: str, board_name: str) -> AsyncIterator[Board]:
    """The returns were worked on; nobody leads the board any more."""
    async with await Board.open(redis_url, board_name, author="feeder") as board:
        assert (await work(board)).status == "awaiting"
        yield board


async def jump(eyes: Eyes, place: str) -> None:
    await eyes.press("colon")
    await eyes.type(place)


async def onto(eyes: Eyes, words: str) -> None:
    """Move the cursor down to the line with ``words``."""
    for _ in range(80):
        if words in eyes.here:
            return
        await eyes.press("j")
    raise AssertionError(f"no line with {words!r} below:\n{eyes.text}")


async def test_enter_goes_from_the_refund_to_the_return_and_esc_all_the_way_back_to_where_one_was(ran: Board) -> None:
    async with viewing(ran, (100, 40)) as eyes:
        await jump(eyes, "refund/R-2")
        await eyes.at("refund/R-2, version 1")
        for words, title in (
            ("activation", "refund for return/R-2 · executed"),
            ("item: check/R-2@", "check/R-2, version 1"),
            ("return/R-2@", "return/R-2, version 1"),
        ):
            await onto(eyes, words)
            await eyes.press("enter")
            await eyes.at(title)
        for words, title in (
            ("return/R-2@", "check/R-2"), ("item: check/R-2@", "refund for return/R-2"), ("activation", "refund/R-2"),
        ):  # fmt: skip
            await eyes.press("escape")
            await eyes.at(title)
            assert words in eyes.here
        await eyes.press("escape")
        await eyes.at("Board")


async def test_w_tells_why_under_the_head_where_one_sees_it_and_again_less(ran: Board) -> None:
    async with viewing(ran, (80, 24)) as eyes:
        await jump(eyes, "refund/R-2")
        await eyes.at("refund/R-2")
        await eyes.press("w")
        await eyes.sees("written by boss in the place of refund")
        await eyes.press("w")
        await eyes.until(lambda: "written by boss" not in eyes.text, "the explanation is gone")
        await jump(eyes, "agent refund_late")
        await eyes.at("agent refund_late")
        assert "Why it does not fire" not in eyes.text
        await eyes.press("w")
        await eyes.sees("rma=R-2: it was obviated")


async def test_w_on_an_agent_of_the_list_says_why_it_does_not_fire(ran: Board) -> None:
    async with viewing(ran, (100, 40)) as eyes:
        await jump(eyes, "agents")
        await eyes.at("Agents")
        await onto(eyes, "refund_late")
        await eyes.press("w")
        await eyes.at("agent refund_late")
        await eyes.sees("rma=R-2: it was obviated")


async def test_in_the_past_an_open_activation_goes_on_with_the_journey(ran: Board) -> None:
    refund = await ran.get("refund/R-2")
    assert refund is not None
    async with viewing(ran, (100, 40)) as eyes:
        await eyes.press("t")
        for _ in "-1":
            await eyes.press("backspace")
        await eyes.type(str(refund.revision - 1))
        await eyes.sees("AS IT WAS")
        await eyes.at("Board")
        await jump(eyes, refund.activation)
        await eyes.at("refund for return/R-2 · running")
        await eyes.press("right_square_bracket")
        await eyes.at("refund for return/R-2 · executed")
        await eyes.press("left_square_bracket")
        await eyes.at("refund for return/R-2 · running")
        assert " ago" in eyes.text
        await eyes.press("t")
        await eyes.type("now")
        await eyes.at("refund for return/R-2 · executed")
        assert "AS IT WAS" not in eyes.text


async def test_what_is_open_is_shown_as_it_was_when_one_travels(ran: Board) -> None:
    for n in range(3):
        await ran.put("note/1", {"n": n})
    head = await ran.revision()
    async with viewing(ran, (100, 40)) as eyes:
        await jump(eyes, "note/1")
        await eyes.at("note/1, version 3")
        await eyes.press("t")
        await eyes.type("")
        await eyes.at("note/1, version 2")
        await eyes.sees(f"AS IT WAS at revision {head - 1:,}")
