"""On the screen: the agenda of a board that nobody leads and of the past, and the past played."""

from __future__ import annotations

from typing import Any

from blackboard.board import Board
from controller.flow import Person, halt, resume
from controller.viewer.log_pages import PAGE
from controller.viewer.past_agenda import agenda_from
from knowledge_sources import knowledge_source
from tests.leading import going_on, leading
from tests.own_server import OwnServer
from tests.viewing import viewing


@knowledge_source(watches={"item": "job/{n}"}, contributes="done/{n}", level="high")
async def worker(item: Any) -> Any:
    return item


async def waiting(board: Board) -> int:
    """Two jobs that nobody does yet; returns the revision at which they were there."""
    async with leading(board, worker):
        pass
    await halt(board, "paused", Person("ann"))
    await board.create("job/1", 1)
    await board.create("job/2", 2)
    return await board.revision()


async def test_where_nobody_leads_the_agenda_is_told_from_the_records_until_somebody_does(board: Board) -> None:
    await waiting(board)
    async with viewing(board, (120, 40), view="agenda") as eyes:
        await eyes.sees("2 pending")
        await eyes.sees("its agenda is told from")
        await eyes.sees("job/1")
        await board.create("job/3", 3)
        await eyes.sees("3 pending")
        await eyes.sees("job/3")
        async with leading(board, worker) as controller, going_on(controller) as end:
            await board.create("job/4", 4)  # a leader tells of its agenda when something changes
            await eyes.until(
                lambda: "told_from" not in (eyes.watch.model.agenda or {"told_from": ""}), "the leader tells"
            )
            await resume(board, Person("ann"))
            await end
        await eyes.sees("0 pending")
        await eyes.sees("its agenda is told from")


async def test_in_the_past_the_agenda_is_that_of_the_moment_and_goes_with_each_step(board: Board) -> None:
    there = await waiting(board)
    await resume(board, Person("ann"))
    async with leading(board, worker) as controller, going_on(controller) as end:
        await end
    async with viewing(board, (120, 40), view="agenda") as eyes:
        await eyes.press("t")
        await eyes.press("backspace", "backspace")
        await eyes.type(str(there))
        await eyes.sees("AS IT WAS")
        await eyes.sees("2 pending")
        await eyes.sees("its agenda is told from")
        await eyes.press("left_square_bracket")
        await eyes.sees(f"AS IT WAS at revision {there - 1}")
        await eyes.sees("1 pending")
        journey = eyes.app.main.stage.journey
        assert journey is not None
        assert journey.model.agenda == agenda_from(journey.state, journey.time_ms)


async def test_the_past_is_played_to_its_end_at_a_pace_that_can_be_changed(board: Board) -> None:
    await waiting(board)
    async with viewing(board, (120, 40)) as eyes:
        await eyes.press("t")
        await eyes.press("backspace", "backspace")
        await eyes.type("oldest")
        await eyes.sees("AS IT WAS at revision 0")
        await eyes.press("space")
        await eyes.sees("playing 10/s")
        await eyes.press("plus")
        await eyes.sees("playing 50/s")
        head = await board.revision()
        await eyes.sees(f"AS IT WAS at revision {head} of {head}")
        await eyes.until(lambda: "playing" not in eyes.text, "it stops at the end")


async def test_while_the_server_is_away_the_past_says_so_and_keys_are_answered(board_name: str) -> None:
    with OwnServer() as server:
        async with await Board.open(server.url, board_name) as board:
            for n in range(3 * PAGE):
                await board.put(f"item/{n % 5}", n)
            async with viewing(board, (120, 40), moment=str(3 * PAGE)) as eyes:
                await eyes.sees(f"AS IT WAS at revision {3 * PAGE}")
                server.kill()
                await eyes.sees("no answer for")
                await eyes.press("t")
                await eyes.press("backspace", "backspace")
                await eyes.type("2")
                await eyes.sees("the past cannot be read")
                await eyes.press("escape")
                stage = eyes.app.main.stage
                journey = stage.journey
                assert journey is not None
                stood = journey.revision + 1

                def answered() -> bool:
                    return journey.revision < stood or "what comes there cannot be read" in eyes.text

                while journey.revision < stood:  # until what comes is not at hand
                    stood = journey.revision
                    await eyes.press("left_square_bracket")
                    await eyes.until(answered, "it has stepped, or says why not")
                await eyes.sees("what comes there cannot be read")
                server.start()
                await eyes.until(lambda: not eyes.watch.silent_s, "it answers again")
                await eyes.press("left_square_bracket")
                await eyes.sees(f"AS IT WAS at revision {stood - 1}")
