"""The viewer in a test: an app without a terminal on a real board, its keys pressed and its screen read."""

from __future__ import annotations

import re
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

from textual import events

from controller.viewer.app.viewer_app import ViewerApp
from controller.viewer.watching import Watch
from tests.waiting import eventually

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from textual.pilot import Pilot

    from blackboard.board import Board


CHARACTERS = {
    "space": " ", "slash": "/", "colon": ":", "question_mark": "?", "left_square_bracket": "[",
    "right_square_bracket": "]", "minus": "-", "plus": "+", "equals_sign": "=",
}  # fmt: skip
"""what a key types that is not named after it"""


class Eyes:
    """Presses keys and reads what is shown."""

    def __init__(self, pilot: Pilot[None], watch: Watch) -> None:
        self.pilot = pilot
        self.watch = watch

    @property
    def app(self) -> ViewerApp:
        assert isinstance(self.pilot.app, ViewerApp)
        return self.pilot.app

    @property
    def lines(self) -> list[str]:
        """What is on the screen."""
        return [strip.text.rstrip() for strip in self.app.screen._compositor.render_strips()]

    @property
    def text(self) -> str:
        return "\n".join(self.lines)

    @property
    def title(self) -> str:
        """The title of the view or detail that the keys act on."""
        found = re.search(r"(?:^| )━ (.*?)  ?━", self.text, re.MULTILINE)
        return found[1].strip() if found is not None else ""

    @property
    def here(self) -> str:
        """The line that the keys act on."""
        marked = [line.partition("▌")[2] for line in self.lines if "▌" in line]
        return marked[0] if marked else ""

    async def press(self, *keys: str) -> None:
        """Press ``keys`` one after the other, each answered before the next.

        As a pilot does, who besides waits for the process to be idle: with a controller in it, it never is.
        """
        for key in keys:
            driver = self.app._driver
            assert driver is not None
            pressed = events.Key(key, key if len(key) == 1 else CHARACTERS.get(key))
            pressed.set_sender(self.app)
            driver.send_message(pressed)
            for _ in range(2):  # what a key posts is answered in turn
                await self.pilot._wait_for_screen()

    async def type(self, text: str) -> None:
        """Type ``text`` into what is asked, and enter it."""
        for one in text:
            await self.press(next((name for name, typed in CHARACTERS.items() if typed == one), one))
        await self.press("enter")

    async def sees(self, text: str, seconds: float = 10.0) -> None:
        """Return as soon as ``text`` is on the screen."""
        await self.until(lambda: text in self.text, f"{text!r} is shown", seconds)

    async def at(self, title: str) -> None:
        """Return as soon as the keys act on the view or detail whose title begins so."""
        await self.until(lambda: self.title.startswith(title), f"the keys act on {title}")

    async def until(self, holds: Callable[[], object], what: str, seconds: float = 10.0) -> None:
        try:
            await eventually(holds, what, seconds)
        except AssertionError as error:
            raise AssertionError(f"{error}; the screen was\n{self.text}") from None


@asynccontextmanager
async def viewing(board: Board, size: tuple[int, int] = (140, 45), **options: Any) -> AsyncIterator[Eyes]:
    """The viewer on ``board``, begun and settled."""
    async with Watch.begin(board) as watch:
        await watch.settled()
        async with ViewerApp(watch, **options).run_test(size=size) as pilot:
            await pilot.pause()
            yield Eyes(pilot, watch)
