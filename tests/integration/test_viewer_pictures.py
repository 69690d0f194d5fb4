"""What the viewer looks like, compared with pictures that are kept: characters, and how each cell is drawn.

``BLACKBOARD_DRAW=1 pytest tests/integration/test_viewer_pictures.py`` draws them anew.
"""

from __future__ import annotations

import asyncio
import re
import time
from typing import TYPE_CHECKING

import pytest

from controller.viewer.writing import Writing
from tests.own_server import OwnServer
from tests.pictured import PICTURES, compare, picture_of
from tests.still_returns import still_returns
from tests.viewing import Eyes, viewing

if TYPE_CHECKING:
    from collections.abc import Iterator

VIEWS = ("board", "agenda", "agents", "log", "escalations", "run")
SMALL, TALL, LARGE = (80, 24), (80, 42), (140, 45)
MOST_BYTES = 400_000


@pytest.fixture(autouse=True)
def everywhere_alike(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The time zone and the colours of whoever runs the tests do not count."""
    monkeypatch.setenv("TZ", "UTC")
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.delenv("COLORTERM", raising=False)
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


async def drawn(name: str, *keys: str, size: tuple[int, int] = SMALL, theme: str = "textual-dark", view: str = "board",
                moment: str = "", write: bool = False, text: str = "") -> None:  # fmt: skip
    """Press ``keys`` (``:text`` types it), and compare what is shown, once it holds ``text``, with the picture ``name``."""
    async with still_returns() as board:
        writing = Writing(board, "ann") if write else None
        async with viewing(board, size, theme=theme, view=view, moment=moment, writing=writing) as eyes:
            if moment:
                await eyes.sees("AS IT WAS")
            for key in keys:
                if key.startswith(":"):
                    await eyes.type(key[1:])
                    await eyes.until(lambda: len(eyes.app.main.trail.top or ()), "what was named is open and read")
                else:
                    await eyes.press(key)
            if text:
                await eyes.sees(text)
            await still(eyes)
            compare(name, picture_of(eyes.app))


async def still(eyes: Eyes) -> None:
    """Return once the screen is the same twice, and nothing is being worked on."""
    while True:
        before = eyes.text
        await asyncio.sleep(0.25)  # longer than one picture takes to be followed by the next
        await eyes.until(lambda: not eyes.app.main.busy, "nothing is worked on")
        if eyes.text == before:
            return


@pytest.mark.parametrize("view", VIEWS)
async def test_each_view_alone_on_a_small_screen(view: str) -> None:
    await drawn(f"{view}-80x24", "z", view=view)


@pytest.mark.parametrize("theme", ["textual-dark", "textual-light", "ansi-dark"])
async def test_all_views_beside_each_other(theme: str) -> None:
    await drawn(f"all-{theme}", size=LARGE, theme=theme)


async def test_all_views_without_colours(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    await drawn("all-no-color", size=LARGE, theme="")


async def test_the_help() -> None:
    await drawn("help", "question_mark", text="Help")


async def test_the_past_says_so_first() -> None:
    await drawn("past", size=LARGE, moment="10")


async def test_a_record_with_what_a_version_changed() -> None:
    await drawn("record-diff", "colon", ":check/R-1", "d", size=TALL, text="no receipt")


async def test_an_activation_with_those_that_were_not_chosen() -> None:
    await drawn("activation", "colon", ":activation aa03", size=TALL, text="not chosen")


async def test_why_an_agent_has_not_fired() -> None:
    await drawn("why-not", "colon", ":agent refund", "w", size=TALL, text="keeps it from firing")


async def test_the_story_of_a_case() -> None:
    await drawn("case", "colon", ":case return/R-1", "w", size=TALL, text="it said")


async def test_a_question() -> None:
    await drawn("question", "enter", size=TALL, view="escalations", text="Refund 900.00")


async def test_the_form_to_answer_it() -> None:
    await drawn("answer", "a", "enter", view="escalations", write=True, text="reason")


async def test_a_lost_connection_says_so_first() -> None:
    with OwnServer() as server:
        async with still_returns(server.url) as board, viewing(board, SMALL, theme="textual-dark") as eyes:
            server.kill()
            await eyes.sees("no answer for", 30)
            compare("lost", re.sub(r"(no answer for) +\d+ s", r"\1 N s", picture_of(eyes.app)))


def test_the_pictures_are_small_and_each_is_drawn_by_a_test() -> None:
    kept = sorted(path.stem for path in PICTURES.glob("*.txt"))
    assert sum(path.stat().st_size for path in PICTURES.glob("*.txt")) < MOST_BYTES
    views = [f"{view}-80x24" for view in VIEWS]
    whole = [f"all-{theme}" for theme in ("textual-dark", "textual-light", "ansi-dark", "no-color")]
    others = ["help", "past", "record-diff", "activation", "why-not", "case", "question", "answer", "lost"]
    assert kept == sorted([*views, *whole, *others])
