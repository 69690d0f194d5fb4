"""``blackboard watch`` on a real terminal, end to end: keys are typed, the screen is read, the terminal is given back."""

from __future__ import annotations

import asyncio
import os
import re
import shlex
import signal
import sys
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING, Final

import pytest

from blackboard.board import Board
from tests.escape_attacks import ATTACKS, hostile_records
from tests.own_server import OwnServer
from tests.returns_run import work
from tests.tmux import Terminal, needs_tmux

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = needs_tmux
VIEWS: Final = ("Board", "Agenda", "Agents", "Log", "Escalations", "Run")
COLOUR: Final = re.compile(r"\x1b\[[0-9;:]*m")


@contextmanager
def watching(
    board: Board, tmp_path: Path, *words: str, term: str = "tmux-256color", **environment: str
) -> Iterator[Terminal]:
    """The viewer on ``board`` in a terminal of 80 x 24, begun."""
    command = [sys.executable, "-m", "blackboard", "watch", "--url", board.store.backend.url, "--board", board.name]
    told = {"XDG_CONFIG_HOME": str(tmp_path), "HOME": str(tmp_path), **environment}
    with Terminal([*command, *words], term=term, environment=told, folder=tmp_path) as terminal:
        terminal.wait_for("━ ")
        yield terminal


async def test_what_is_typed_is_answered_from_the_first_key_to_the_last(board: Board, tmp_path: Path) -> None:
    await work(board)
    await asyncio.to_thread(_walk, board, tmp_path)


def _walk(board: Board, tmp_path: Path) -> None:
    with watching(board, tmp_path) as terminal:
        _move(terminal)
        _ask(terminal)
        terminal.send("q")
        assert terminal.wait_for_end() == 0


def _move(terminal: Terminal) -> None:
    terminal.wait_for("━ Board · 13 records")
    terminal.send("j")
    terminal.wait_until(lambda: terminal.here.startswith("check/R-1"), "j goes down")
    terminal.send("Down", "Down", "k", "Up")
    terminal.wait_until(lambda: terminal.here.startswith("check/R-1"), "up and down cancel each other")
    terminal.send("G")
    terminal.wait_until(lambda: "control" in terminal.here, "G goes to the end")
    terminal.send("g", "j", "Enter")
    terminal.wait_for("━ check/R-1, version 1")
    terminal.send("Escape")
    terminal.wait_for("━ Board")
    for number, name in enumerate(VIEWS, 1):
        terminal.send(str(number))
        terminal.wait_for(f"━ {name}")
    terminal.send("Tab")
    terminal.wait_for("━ Board")
    terminal.send("BTab")
    terminal.wait_for("━ Run")


def _ask(terminal: Terminal) -> None:
    terminal.send(":")
    terminal.write("refund/R-2")
    terminal.send("Enter")
    terminal.wait_for("━ refund/R-2")
    terminal.wait_for("boss")
    terminal.send("Escape")  # what follows it at once a terminal cannot tell from a key with Alt
    terminal.wait_for("━ Run")
    terminal.send("1", "/")
    terminal.write("return/* where amount > 100")
    terminal.send("Enter")
    terminal.wait_for("━ Board · 1 of ")
    terminal.wait_for("return/R-3")
    assert not terminal.says("check/R-1")
    terminal.send("Escape")
    terminal.wait_until_gone("━ Board · 1 of ")
    terminal.wait_for("check/R-1")
    terminal.send("s")
    terminal.wait_until_gone("s sort: key")
    terminal.send("Space")
    terminal.wait_for("paused, ")
    terminal.send("Space")
    terminal.wait_until_gone("paused, ")
    terminal.send("t", "C-u")
    terminal.write("5")
    terminal.send("Enter")
    terminal.wait_for("AS IT WAS at revision 5 of ")
    terminal.send("]")
    terminal.wait_for("AS IT WAS at revision 6 of ")
    terminal.send("[", "[")
    terminal.wait_for("AS IT WAS at revision 4 of ")
    terminal.send("Escape")
    terminal.wait_until_gone("AS IT WAS")
    terminal.send("?")
    terminal.wait_for("━ Help")
    terminal.send("Escape")
    terminal.wait_until_gone("━ Help")


async def test_y_copies_to_the_clipboard_of_the_terminal_what_the_line_is_about(board: Board, tmp_path: Path) -> None:
    await board.put("refund/R-1", 1)

    def copy() -> None:
        with watching(board, tmp_path) as terminal:
            terminal.send("j")
            terminal.wait_until(lambda: terminal.here.startswith("refund/R-1"), "the line is in sight")
            terminal.send("y")
            terminal.wait_until(lambda: terminal.clipboard() == "refund/R-1", "it is copied")

    await asyncio.to_thread(copy)


async def test_the_mouse_opens_views_and_lines(board: Board, tmp_path: Path) -> None:
    await board.put("refund/R-1", 1)

    def point() -> None:
        with watching(board, tmp_path) as terminal:
            row, line = next((row, line) for row, line in enumerate(terminal.screen()) if "3 agents" in line)
            terminal.click(line.index("agents"), row)
            terminal.wait_for("━ Agents")

    await asyncio.to_thread(point)


async def test_it_fits_every_size_and_comes_back_from_it(board: Board, tmp_path: Path) -> None:
    """From 80 x 24 to 300 x 100 and down to a strip and back: nothing is lost, nothing hangs over."""
    await work(board)

    def stretch() -> None:
        with watching(board, tmp_path, COLUMNS="80", LINES="24") as terminal:
            terminal.wait_for("━ Board · 13 records")
            begun = _without_ages(terminal.screen())
            for width, height in ((200, 50), (300, 100), (40, 10), (20, 6), (80, 24)):
                terminal.resize(width, height)
                if width >= 200:
                    terminal.wait_for("─ Log")
                else:
                    terminal.wait_until_gone("─ Log")
                terminal.wait_until(partial(_fills, terminal, height), f"it is drawn on {width} x {height}")
            terminal.wait_until(lambda: _without_ages(terminal.screen()) == begun, "it looks as in the beginning")
            terminal.send("q")
            assert terminal.wait_for_end() == 0

    await asyncio.to_thread(stretch)


def _fills(terminal: Terminal, height: int) -> bool:
    return len(terminal.screen()) == height and terminal.says("▌")


def _without_ages(lines: list[str]) -> list[str]:
    return [re.sub(r"\s+\d+ (s|min)( ago)?$", "", line) for line in lines]


@pytest.mark.parametrize("how", ["q", "C-c", "SIGTERM", "SIGHUP"])
async def test_however_it_is_left_the_terminal_is_as_it_was_found(board: Board, tmp_path: Path, how: str) -> None:
    await board.put("refund/R-1", 1)
    watch = [sys.executable, "-m", "blackboard", "watch", "--url", board.store.backend.url, "--board", board.name]
    line = f"echo what stood before; {shlex.join(watch)} & echo $! > {shlex.quote(str(tmp_path))}/pid; fg; echo over $?"

    def leave() -> None:
        told = {"XDG_CONFIG_HOME": str(tmp_path), "HOME": str(tmp_path), "PS1": "$ "}
        with Terminal(["bash", "--norc", "-i"], environment=told, folder=tmp_path) as terminal:
            terminal.wait_for("$")
            found = terminal.modes
            terminal.write(line)
            terminal.send("Enter")
            terminal.wait_for("━ Board")
            terminal.wait_until_gone("what stood before")
            assert terminal.modes != found
            if how.startswith("SIG"):
                os.kill(int((tmp_path / "pid").read_text()), getattr(signal, how))
            else:
                terminal.send(how)
            terminal.wait_for(f"over {0 if how == 'q' else 130}")
            assert terminal.says("what stood before")
            assert not terminal.says("━")
            terminal.write("echo typed; exit")
            terminal.send("Enter")
            terminal.wait_for_end()
            assert terminal.left_as_found()
            assert not terminal.says("Traceback")
            assert terminal.modes == found

    await asyncio.to_thread(leave)


async def test_a_signal_to_go_on_does_not_make_it_forget_how_the_terminal_was_found(
    board: Board, tmp_path: Path
) -> None:
    await board.put("refund/R-1", 1)

    def go_on() -> None:
        with watching(board, tmp_path) as terminal:
            os.kill(terminal.pid, signal.SIGCONT)
            terminal.send("2")
            terminal.wait_for("━ Agenda")
            terminal.send("q")
            assert terminal.wait_for_end() == 0
            assert terminal.left_as_found()

    await asyncio.to_thread(go_on)


@pytest.mark.parametrize(
    ("term", "environment", "refused"),
    [
        ("tmux-256color", {}, r"\x1b\[(?!)"),
        ("xterm-256color", {}, r"\x1b\[(?!)"),
        ("screen", {}, r"[34]8;2;"),
        ("xterm-16color", {}, r"[34]8[;:]"),
        ("xterm-256color", {"NO_COLOR": "1"}, r"\x1b\[(?:[0-9;:]*;)?(?:3[0-8]|4[0-8]|9[0-7]|10[0-7])[;:m]"),
    ],
)
async def test_each_kind_of_terminal_gets_the_colours_that_it_has(
    board: Board, tmp_path: Path, term: str, environment: dict[str, str], refused: str
) -> None:
    await work(board)

    def colour() -> None:
        with watching(board, tmp_path, term=term, **environment) as terminal:
            terminal.wait_for("━ Board · 13 records")
            terminal.send("j", "Enter")
            terminal.wait_for("━ check/R-1")
            styled = "\n".join(terminal.screen(styled=True))
            assert not re.search(refused, styled), styled
            assert COLOUR.search(styled)  # bold and reverse stay where there is no colour
            terminal.send("q")
            assert terminal.wait_for_end() == 0

    await asyncio.to_thread(colour)


async def test_a_server_that_is_killed_is_waited_for_and_nothing_is_missed(tmp_path: Path) -> None:
    with OwnServer("--appendfsync", "always") as server:
        async with await Board.open(server.url, "mine") as board:
            await board.put("refund/R-1", 1)

            def kill_and_come_back() -> None:
                with watching(board, tmp_path) as terminal:
                    terminal.wait_for("refund/R-1")
                    server.kill()
                    terminal.wait_for("connecting again")
                    terminal.send("2")
                    terminal.wait_for("━ Agenda")
                    terminal.send("1")
                    server.start()
                    asyncio.run(_post_again(server.url))
                    terminal.wait_for("refund/R-2")
                    terminal.wait_until_gone("connecting again")
                    terminal.send("q")
                    assert terminal.wait_for_end() == 0

            await asyncio.to_thread(kill_and_come_back)


async def _post_again(url: str) -> None:
    async with await Board.open(url, "mine") as board:
        await board.put("refund/R-2", 2)


async def test_a_terminal_that_obeys_is_not_reached_by_any_attack(board: Board, tmp_path: Path) -> None:
    """The first command proves that this terminal does as it is told; the viewer then shows every attack."""
    obeys = ["sh", "-c", r"printf '\033]2;renamed\007\033]52;c;b2JleWVk\007\033]8;;x\033\\'; exec cat"]
    with Terminal(obeys) as terminal:
        terminal.wait_until(lambda: terminal.title == "renamed", "the title is set")
        terminal.wait_until(lambda: terminal.clipboard() == "obeyed", "the clipboard is set")
    for number, text in enumerate(ATTACKS.values()):
        await board.put(f"case/{number}", {"text": text[:500], text[:50]: 1})
        for record in hostile_records(text[:100], number)[6:]:
            if record.key.startswith("control/") and record.key.count("/") == 2:
                key = f"{record.key.rpartition('/')[0]}/{number}"
                await board.put(key, record.value)

    def walk() -> None:
        with watching(board, tmp_path) as terminal:
            named = terminal.title
            for view in "123456":
                terminal.send(view)
                terminal.wait_for(f"━ {VIEWS[int(view) - 1]}")
                for _ in range(12):
                    terminal.send("j", "Enter", "w", "d")
                    terminal.wait_for("━ ")
                    terminal.send(":")
                    terminal.write(VIEWS[int(view) - 1].lower())
                    terminal.send("Enter")
                    terminal.wait_for(f"━ {VIEWS[int(view) - 1]}")
            for key, shows in (("?", "━ Help"), ("c", "━ Columns")):
                terminal.send("1", key)
                terminal.wait_for(shows)
                terminal.send("Escape")
                terminal.wait_until_gone(shows)
            assert terminal.title == named
            assert terminal.clipboard() == ""
            terminal.send("q")
            assert terminal.wait_for_end() == 0
            assert terminal.left_as_found()

    await asyncio.to_thread(walk)


async def test_what_is_typed_ahead_goes_to_what_the_keys_before_it_open(board: Board, tmp_path: Path) -> None:
    """All in one piece, as over a slow line or from a program; before, letters of a name acted as keys of the view."""
    await work(board)

    def type_ahead() -> None:
        with watching(board, tmp_path) as terminal:
            terminal.wait_for("━ Board · 13 records")
            terminal.write("j\rwd:refund/R-2\r:agents\r/boss\r:board\r/R-3\rj")
            terminal.wait_until(lambda: terminal.says("━ Board") and not terminal.says("R-1"), "all keys are answered")
            terminal.send("2", "3")
            terminal.wait_for("━ Agents")
            terminal.wait_for("boss")
            assert not terminal.says("refund_late")
            terminal.send("q")
            assert terminal.wait_for_end() == 0

    await asyncio.to_thread(type_ahead)
