"""To the past and back, whatever is asked for meanwhile: one journey at most, and none that holds the log for ever."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from blackboard.errors import NothingSelected
from controller.viewer.app.stage import Stage
from controller.viewer.watching import Watch
from tests.viewing import viewing

if TYPE_CHECKING:
    from blackboard.board import Board


def holding(board: Board) -> int:
    """How many readers of this process hold the log."""
    return len(board.store.holds._held)


async def test_two_who_travel_at_once_make_one_journey_and_the_last_who_asked_has_it(board: Board) -> None:
    for number in range(5):
        await board.put("a/b", number)
    async with Watch.begin(board) as watch:
        await watch.settled()
        before = holding(board)
        stage = Stage(watch)
        await asyncio.gather(stage.travel("2"), stage.travel("3"))
        assert stage.journey is not None
        assert stage.journey.revision == 3
        await stage.come_back()
        assert holding(board) == before
        await stage.close()


async def test_who_comes_back_while_the_past_is_read_stays_in_the_present(board: Board) -> None:
    for number in range(5):
        await board.put("a/b", number)
    async with Watch.begin(board) as watch:
        await watch.settled()
        before = holding(board)
        stage = Stage(watch)
        going = asyncio.create_task(stage.travel("2"))
        for _ in range(3):  # it has set out, and the server has not answered yet
            await asyncio.sleep(0)
        await stage.come_back()
        await going
        assert (stage.journey, holding(board)) == (None, before)
        await stage.travel("2")
        assert stage.away
        await stage.close()
        assert holding(board) == before


async def test_a_way_that_cannot_be_gone_is_said_and_the_next_one_can(board: Board) -> None:
    await board.put("a/b", 1)
    async with Watch.begin(board) as watch:
        await watch.settled()
        stage = Stage(watch)
        first, second = await asyncio.gather(stage.travel("nowhere"), stage.travel("1"), return_exceptions=True)
        assert isinstance(first, NothingSelected)
        assert second is None
        assert stage.journey is not None
        await stage.close()


async def test_a_prompt_at_once_with_the_moment_of_the_start_leaves_no_journey_behind(board: Board) -> None:
    for number in range(5):
        await board.put("a/b", number)
    async with viewing(board, moment="2") as eyes:
        await eyes.app.main.stage.travel("3")
        await eyes.sees("AS IT WAS")
        before = holding(board)
        await eyes.press("escape")
        await eyes.until(lambda: not eyes.app.main.stage.away, "the present is shown")
        assert holding(board) == before - 1
