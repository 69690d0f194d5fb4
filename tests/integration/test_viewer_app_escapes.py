"""The whole viewer on a real board of which every text is an attack: nothing that it draws acts on the terminal."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

import pytest
from rich.console import Console
from textual import events
from textual.widgets import Input

from blackboard.control_records import SHAPES
from controller.viewer.writing import Writing
from tests.escape_attacks import ATTACKS, acting, filled, hostile_records
from tests.viewed import put
from tests.viewing import viewing

if TYPE_CHECKING:
    from blackboard.board import Board
    from tests.viewing import Eyes

STYLED: Final = re.compile(r"\x1b\[[0-9;:]*m")
"""the one kind of sequence that a line is drawn with"""
MIXED: Final = "\x1b]52;c;eA==\x07\x1b[2J\x9b2J\u202e\u200b[bold red]x[/] [link=https://evil.example]y[/]\r\n\t\ud55c\u0301\x00\x7f"
"""one of each kind, short enough to be seen in a cell"""


async def fill(board: Board, text: str) -> None:
    """Records of every kind that hold nothing but ``text``, under keys that a board takes."""
    await board.put("case/1", {text: [text, {text: text}]})
    for place, shape in SHAPES.items():
        await board.put(f"{place}1" if place.endswith("/") else place, filled(shape, text))


def check(eyes: Eyes, where: str) -> None:
    """Fail where the screen, as it is sent to a terminal with all its colours, holds anything beside text and colours."""
    console = Console(color_system="truecolor", force_terminal=True)
    for strip in eyes.app.screen._compositor.render_strips():
        sent = strip.render(console)
        assert not acting(STYLED.sub("", sent)), f"{where}: {sent!r}"
        assert strip.cell_length <= eyes.app.size.width, f"{where}: {strip.text!r}"


@pytest.mark.parametrize("view", range(1, 7))
async def test_no_picture_of_the_viewer_holds_what_acts(board: Board, view: int) -> None:
    await fill(board, MIXED)
    async with viewing(board, (100, 30), writing=Writing(board, "ann")) as eyes:
        await eyes.press(str(view), "g")
        check(eyes, "the view")
        for row in range(4):
            await eyes.press("j", "enter")
            check(eyes, f"row {row}")
            for key in ("w", "d", "G", "enter"):
                await eyes.press(key)
                check(eyes, f"row {row}, {key}")
            await eyes.press("escape", "escape")
        await eyes.press("a")
        check(eyes, "the menu")
        await eyes.press("down", "enter")
        check(eyes, "a form")
        await eyes.press("escape", "escape", "y")
        check(eyes, "copied")


@pytest.mark.parametrize("question", ["slash", "colon", "t"])
async def test_what_is_pasted_into_a_prompt_or_refused_there_cannot_act(board: Board, question: str) -> None:
    async with viewing(board, (100, 30)) as eyes:
        for name in (
            "the screen cleared",
            "the sequences of C1, as code points",
            "text turned round by bidi overrides",
        ):
            await eyes.press(question)
            await paste(eyes, ATTACKS[name])
            check(eyes, f"{name}, pasted")
            await eyes.press("enter")
            check(eyes, f"{name}, entered")
            await eyes.press("escape", "escape")


async def test_what_a_name_on_the_board_completes_in_a_prompt_cannot_act(board: Board) -> None:
    attack = f"zz{ATTACKS['the clipboard, by OSC 52']}"
    async with viewing(board, (100, 30)) as eyes:
        for record in hostile_records(attack):
            eyes.watch.model.apply(put(record))
        assert attack in eyes.watch.model.agents
        await eyes.press("colon", "z", "z")
        for key in ("right", "end", "right"):
            check(eyes, f"typed, then {key}")
            await eyes.press(key)
        typed = eyes.app.main.query_one("#input", Input)
        typed.value = attack
        await eyes.pilot.pause()
        check(eyes, "set")
        assert not acting(typed.value)


async def paste(eyes: Eyes, text: str) -> None:
    """As a terminal hands over what is pasted."""
    pasted: Any = events.Paste(text)
    pasted.set_sender(eyes.app)
    driver = eyes.app._driver
    assert driver is not None
    driver.send_message(pasted)
    for _ in range(2):
        await eyes.pilot._wait_for_screen()
