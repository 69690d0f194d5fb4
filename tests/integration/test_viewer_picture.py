"""``blackboard watch --picture``: an SVG of the screen that needs nothing else, whatever the records hold."""

from __future__ import annotations

import asyncio
import re
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree as ET

import pytest
from rich.segment import Segment
from rich.style import Style

from blackboard import exit_codes
from blackboard.board import Board
from blackboard.cli import main
from controller.viewer.app.svg import Frame, frame_of, moving, still

if TYPE_CHECKING:
    from pathlib import Path

SVG = "{http://www.w3.org/2000/svg}"
HOSTILE = {
    "markup": "</text></svg><script>alert(1)</script>",
    "entities": "&lt;&#0;&bogus; \"double\" 'single' ]]>",
    "controls": "\x1b[2J\x07\u202e\u0000\ufffe",
    "wide": "日本語テキスト",
}


class Easel:
    """A board that pictures are drawn of."""

    def __init__(self, url: str, name: str, folder: Path) -> None:
        self.path = folder / "picture.svg"
        self._url, self._name = url, name

    async def fill(self, values: dict[str, Any]) -> None:
        async with await Board.open(self._url, self._name) as board:
            for key, value in values.items():
                await board.put(key, value)

    async def draw(self, *words: str, path: Path | None = None) -> int:
        """The exit code of the command, which has a loop of its own."""
        at = ["--url", self._url, "--board", self._name, "--picture", str(path or self.path)]
        return await asyncio.to_thread(main, ["watch", *at, *words])


@pytest.fixture
def easel(redis_url: str, board_name: str, tmp_path: Path) -> Easel:
    return Easel(redis_url, board_name, tmp_path)


def texts(path: Path) -> str:
    """The words of the picture at ``path``, in the order of their places."""
    root = ET.fromstring(path.read_text(encoding="utf-8"))
    return " ".join(element.text or "" for element in root.iter(SVG + "text"))


async def test_the_keys_are_pressed_on_a_screen_of_the_size_that_is_asked_for(easel: Easel) -> None:
    await easel.fill({"return/R-1": {"amount": 20}, "return/R-2": {"amount": 30}})
    words = ("--size", "90x20", "--press", ":,type return/R-2,enter")
    assert await easel.draw(*words) == 0
    assert "return/R-2, version 1" in texts(easel.path)
    assert "R-1" not in texts(easel.path)
    tops = {float(element.attrib["y"]) for element in ET.parse(easel.path).iter(SVG + "text")}
    assert len(tops) <= 20


async def test_nothing_is_fetched_and_nothing_in_a_record_is_markup(easel: Easel) -> None:
    await easel.fill({f"hostile/{name}": text for name, text in HOSTILE.items()})
    assert await easel.draw("--size", "120x30") == 0
    text = easel.path.read_text(encoding="utf-8")
    assert not re.search(r"url\(|href|@import|font-face|http(?!://www\.w3\.org/2000/svg)", text)
    kinds = {element.tag.removeprefix(SVG) for element in ET.fromstring(text).iter()}
    assert kinds <= {"svg", "title", "style", "rect", "g", "text"}
    assert HOSTILE["markup"] in texts(easel.path)
    assert HOSTILE["wide"] in texts(easel.path)


async def test_the_same_board_gives_the_same_picture(easel: Easel) -> None:
    await easel.fill({f"return/R-{n}": {"amount": n} for n in range(40)})
    drawn = []
    for _ in range(2):
        assert await easel.draw("--at", "30", "--press", "j,enter,d") == 0
        drawn.append(easel.path.read_bytes())
    assert drawn[0] == drawn[1]


@pytest.mark.parametrize(("words", "code", "told"), [
    (["--press", "entr"], exit_codes.USAGE, "no key 'entr'; did you mean 'enter'?"),
    (["--at", "nowhere"], exit_codes.NOTHING_SELECTED, "nowhere"),
    (["--theme", "pink"], exit_codes.USAGE, "pink"),
    (["--size", "2x2"], exit_codes.USAGE, "write columns x lines"),
])  # fmt: skip
async def test_what_cannot_be_drawn_is_told_and_no_file_is_left(
    easel: Easel, capsys: pytest.CaptureFixture[str], words: list[str], code: int, told: str
) -> None:  # fmt: skip
    await easel.fill({"a": 1})
    assert await easel.draw(*words) == code
    error = capsys.readouterr().err
    assert told in error
    assert "internal" not in error
    assert not easel.path.exists()


async def test_a_file_that_cannot_be_written_is_told(easel: Easel, capsys: pytest.CaptureFixture[str]) -> None:
    await easel.fill({"a": 1})
    path = easel.path.parent / "none" / "picture.svg"
    assert await easel.draw(path=path) == exit_codes.INVALID
    assert f"{path}: cannot be written: No such file or directory" in capsys.readouterr().err


def test_keys_without_a_picture_are_a_mistake(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["watch", "--press", "w"]) == exit_codes.USAGE
    assert "goes with --picture" in capsys.readouterr().err


def row(text: str, style: str = "") -> list[Segment]:
    return [Segment(text, Style.parse(style))]


def test_what_xml_may_not_hold_is_replaced() -> None:
    picture = still(frame_of([row("a\x00\x1b\ud800<b>&")], 10), "t\x00")
    assert [element.text for element in ET.fromstring(picture).iter(SVG + "text")] == ["a\ufffd\ufffd\ufffd<b>&"]


def test_words_stand_on_their_cells_whatever_the_font() -> None:
    picture = still(frame_of([[*row("ab  日本"), *row(" c", "bold red on blue")]], 20), "t")
    found = [element.attrib for element in ET.fromstring(picture).iter(SVG + "text")]
    assert [(one["x"], one["textLength"]) for one in found] == [("0", "16.8"), ("33.6", "33.6"), ("75.6", "8.4")]


def test_a_film_shows_each_row_as_long_as_it_stands_and_its_end_where_nothing_moves() -> None:
    first, second = (Frame(10, frame_of([row("stays"), row(text)], 10).rows) for text in ("before", "after"))
    film = moving([(0, first), (400, second)], 1_000, "t")
    groups = {
        next(group.iter(SVG + "text")).text: (group.get("visibility"), group.find(SVG + "animate"))
        for group in ET.fromstring(film).iter(SVG + "g")
        if group.find(SVG + "animate") is not None
    }
    assert set(groups) == {"before", "after"}
    hidden, motion = groups["before"]
    assert hidden == "hidden"
    assert motion is not None
    assert (motion.attrib["values"], motion.attrib["keyTimes"]) == ("visible;hidden", "0;0.4000")
    assert groups["after"][0] is None
