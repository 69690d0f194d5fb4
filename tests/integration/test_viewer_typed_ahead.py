"""What is typed faster than the viewer answers: as over a slow line, where keys arrive together."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from textual import events

from tests.viewing import CHARACTERS, Eyes, viewing

if TYPE_CHECKING:
    from blackboard.board import Board


def press_at_once(eyes: Eyes, *keys: str) -> None:
    """Have ``keys`` arrive before any of them is answered."""
    driver = eyes.app._driver
    assert driver is not None
    for key in keys:
        name = next((name for name, typed in CHARACTERS.items() if typed == key), key)
        pressed = events.Key(name, key if len(key) == 1 else None)
        pressed.set_sender(eyes.app)
        driver.send_message(pressed)


@pytest.mark.parametrize("text", ["refund/*", "quit t y", 'n == "q"'])
async def test_a_filter_that_arrives_with_its_slash_is_typed_and_no_letter_of_it_is_an_order(
    board: Board, text: str
) -> None:
    await board.put("refund/1", {"n": 1})
    async with viewing(board) as eyes:
        press_at_once(eyes, "/", *text, "enter")
        await eyes.until(lambda: eyes.app.main.stage.filters.get("board"), "the filter is taken")
        wanted = eyes.app.main.stage.filters["board"]
        assert wanted is not None
        assert wanted.text == text
        assert not eyes.app.main.prompt.asking
        await eyes.sees(f" · only {text}")


async def test_a_new_filter_that_arrives_at_once_takes_the_place_of_the_one_before(board: Board) -> None:
    async with viewing(board) as eyes:
        for text in ("zebra", "lion"):
            press_at_once(eyes, "/", *text, "enter")
            await eyes.until(
                lambda text=text: getattr(eyes.app.main.stage.filters.get("board"), "text", "") == text,  # type: ignore[misc]
                f"{text} is taken",
            )


async def test_a_jump_that_arrives_at_once_goes_there(board: Board) -> None:
    async with viewing(board) as eyes:
        press_at_once(eyes, ":", *"log", "enter")
        await eyes.at("Log")
