"""Every key of the viewer, on a board that a real controller is changing."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest

from controller.viewer.keys import KEYS
from knowledge_sources import Context, knowledge_source  # bound by annotation
from tests.leading import leading, run
from tests.returns_run import work
from tests.viewing import Eyes, viewing

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from blackboard.board import Board

SIZES = [(140, 45), (80, 24), (40, 10)]
OPENING = ("enter", "colon", "slash", "t", "c", "question_mark", "space", "z")
"""after which the next key would mean something else"""
VIEWS = ("board", "agenda", "agents", "log", "escalations", "run")


@knowledge_source(watches={"item": "order/{order}"}, contributes="packed/{order}")
async def pack(item: Any, ctx: Context) -> Any:
    ctx.log("packing")
    return {"n": item["n"], "by": "pack"}


@asynccontextmanager
async def busy(board: Board) -> AsyncIterator[None]:
    """A controller that leads ``board``, and orders that come in one after the other, until the end."""

    async def order() -> None:
        number = 0
        while True:
            number += 1
            await board.put(f"order/{number % 20}", {"n": number})
            await asyncio.sleep(0.02)  # the pace of the orders, not a wait for anything

    async with leading(board, pack) as controller:
        tasks: list[asyncio.Task[Any]] = [
            asyncio.create_task(order()),
            asyncio.create_task(controller.run_until_quiescent()),
        ]
        try:
            yield
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)


@pytest.mark.parametrize("view", range(1, len(VIEWS) + 1))
async def test_every_key_in_every_view_leaves_a_viewer_that_goes_on(board: Board, view: int) -> None:
    async with busy(board), viewing(board, SIZES[view % len(SIZES)]) as eyes:
        await eyes.press(str(view))
        for key in (name for one in KEYS for name in one.keys if one.action != "quit"):
            await eyes.press(key)
            if key in OPENING:
                await eyes.press("space" if key == "space" else "escape")
        await eyes.press(*["escape"] * 4)
        before = eyes.watch.model.revision
        await eyes.until(lambda: eyes.watch.model.revision > before, "the viewer goes on with the board")
        assert eyes.app.is_running


async def test_q_leaves(board: Board) -> None:
    async with viewing(board) as eyes:
        await eyes.press("q")
        await eyes.until(lambda: not eyes.app.is_running, "the viewer has ended")


@pytest.mark.parametrize("size", [(80, 24), (160, 50)])
async def test_the_view_that_was_asked_for_has_the_keys_from_the_start(board: Board, size: tuple[int, int]) -> None:
    async with viewing(board, size, view="agents") as eyes:
        await eyes.until(lambda: eyes.title.startswith("Agents"), "the agents have the keys")
        assert eyes.app.main.front == "agents"


async def test_numbers_tab_and_names_lead_to_the_views(board: Board) -> None:
    await work(board)
    async with viewing(board) as eyes:
        for number, name in enumerate(VIEWS, 1):
            await eyes.press(str(number))
            await eyes.at(name.capitalize())
        await eyes.press("1", "tab")
        await eyes.at("Agenda")
        await eyes.press("shift+tab", "shift+tab")
        await eyes.at("Run")
        await eyes.press("colon")
        await eyes.type("log")
        await eyes.at("Log")


async def test_j_k_g_and_pages_move_through_a_view(board: Board) -> None:
    for number in range(100):
        await board.put(f"a/{number:03}", number)
    async with viewing(board) as eyes:
        await eyes.press("j", "j", "down")
        await eyes.until(lambda: "a/002" in eyes.here, "the keys act on a/002")
        await eyes.press("k", "up")
        await eyes.until(lambda: "a/000" in eyes.here, "the keys act on a/000")
        await eyes.press("G")
        await eyes.until(lambda: "a/099" in eyes.here, "the keys act on a/099")
        await eyes.press("pageup")
        await eyes.until(lambda: "a/099" not in eyes.here, "the keys act on another line")
        await eyes.press("g")
        await eyes.until(lambda: eyes.here.strip().startswith("▾ a"), "the keys act on the first line")


async def test_a_filter_is_a_word_a_pattern_or_a_condition_and_its_mistakes_are_said(board: Board) -> None:
    for number in range(5):
        await board.put(f"a/{number}", {"n": number, "word": "blue" if number % 2 else "red"})
    async with viewing(board) as eyes:
        await eyes.press("z")
        for text, left in (("blue", {"a/1", "a/3"}), ("a/* where n > 2", {"a/3", "a/4"}), ("n == 0", {"a/0"})):
            await eyes.press("slash", "ctrl+u")
            await eyes.type(text)
            await eyes.until(partial(_listed, eyes, left), f"{left} are left")
        await eyes.press("slash", "ctrl+u")
        await eyes.type("word == red")
        await eyes.sees('"red"')
        await eyes.press("escape", "escape")
        await eyes.sees("a/4")


async def test_enter_opens_and_esc_leads_back(board: Board) -> None:
    await work(board)
    async with viewing(board) as eyes:
        await eyes.press("colon")
        await eyes.type("refund/R-2")
        await eyes.sees("boss")
        await eyes.until(lambda: "refund/R-2" in eyes.title, "the record is open")
        await eyes.press("escape")
        await eyes.at("Board")


async def test_space_lets_the_display_stand_and_counts_what_is_hidden(board: Board) -> None:
    await board.put("a/1", 1)
    async with viewing(board) as eyes:
        await eyes.press("space")
        for number in range(3):
            await board.put("b/1", number)
        await eyes.sees("paused, 3 changes hidden")
        assert "b/1" not in eyes.text
        await eyes.press("space")
        await eyes.sees("b/1")
        assert "hidden" not in eyes.text


async def test_the_past_is_shown_stepped_through_and_left(board: Board) -> None:
    for number in range(1, 6):
        await board.put("a/1", {"n": number})
    async with viewing(board) as eyes:
        await eyes.press("t", "ctrl+u")
        await eyes.type("2")
        await eyes.sees("AS IT WAS at revision 2")
        assert '{"n": 2}' in eyes.text
        await eyes.press("right_square_bracket")
        await eyes.sees('{"n": 3}')
        await eyes.press("left_square_bracket", "left_square_bracket")
        await eyes.sees('{"n": 1}')
        await eyes.press("space")
        await eyes.sees("AS IT WAS at revision 5")
        await eyes.press("escape")
        await eyes.until(lambda: "AS IT WAS" not in eyes.text, "the present is shown again")


async def test_a_view_that_is_turned_to_where_nothing_changes_shows_what_there_is(board: Board) -> None:
    await board.create("order/1", {"n": 1})
    await run(board, pack)
    async with viewing(board, (80, 24)) as eyes:
        await eyes.press("t", "ctrl+u")
        await eyes.type(str(await board.revision()))
        await eyes.sees("AS IT WAS")
        await eyes.press("3")
        await eyes.sees("Agents · 1")
        await eyes.press("6")
        await eyes.sees("100% at rest: 1 completed")


async def test_s_sorts_c_hides_columns_and_both_are_remembered(board: Board, tmp_path: Path) -> None:
    for number in range(3):
        await board.put(f"a/{number}", number)
    settings = tmp_path / "deep" / "viewer.json"
    async with viewing(board, settings=settings) as eyes:
        await eyes.press("s", "T", "c", "j", "enter", "escape")
        sort, hidden = eyes.app.main.stage.panes["board"].sort, set(eyes.app.main.stage.panes["board"].hidden)
        theme = eyes.app.theme
    async with viewing(board, settings=settings) as eyes:
        pane = eyes.app.main.stage.panes["board"]
        assert (pane.sort, pane.hidden, eyes.app.preferences.theme) == (sort, hidden, theme)
        assert hidden
    settings.write_text('{"theme": 7, "sorts": ["\\ud800"], "hidden": {"board": 3}}')
    async with viewing(board, settings=settings) as eyes:
        assert eyes.app.preferences.theme == ""


async def test_y_copies_what_the_line_is_about(board: Board) -> None:
    await board.put("a/1", "x")
    async with viewing(board) as eyes:
        await eyes.press("j", "y")
        await eyes.sees("copied: a/1")
        assert eyes.app.clipboard == "a/1"


async def test_a_viewer_without_write_offers_nothing_to_do_and_says_so(board: Board) -> None:
    async with viewing(board) as eyes:
        await eyes.press("a")
        await eyes.sees("--write")


async def test_f_stays_with_the_newest_line_of_the_log(board: Board) -> None:
    async with viewing(board) as eyes:
        await eyes.press("4")
        for number in range(60):
            await board.put(f"a/{number}", number)
        await eyes.until(lambda: "a/59" in eyes.here, "the newest line is the one that the keys act on")
        await eyes.press("g")
        await board.put("a/60", 60)
        await eyes.until(lambda: eyes.watch.model.get("a/60") is not None, "the change is there")
        await eyes.until(lambda: "a/0" in eyes.here, "the keys act on a/0")


async def test_what_is_opened_is_read_again_when_it_changes(board: Board) -> None:
    await board.put("order/1", {"n": 1})
    async with viewing(board) as eyes:
        await eyes.press("colon")
        await eyes.type("order/1")
        await board.put("order/1", {"n": 77})
        await eyes.sees('"n": 77')


async def test_colours_that_no_terminal_has_are_not_asked_for(board: Board, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    async with viewing(board) as eyes:
        for strip in eyes.app.screen._compositor.render_strips():
            for segment in strip.apply_filter(eyes.app._filters[-1], eyes.app.screen.background_colors[0]):
                colours = (segment.style.color, segment.style.bgcolor) if segment.style is not None else ()
                assert all(colour is None or colour.is_default for colour in colours)


def _listed(eyes: Eyes, keys: set[str]) -> bool:
    return {f"a/{n}" for n in range(5) if f"   a/{n} " in eyes.text} == keys
