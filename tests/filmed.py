"""A film of a real terminal: what its screen showed and when, as an asciinema file and as an SVG that moves."""

from __future__ import annotations

import json
import threading
import time
from typing import TYPE_CHECKING, Final, Self

from rich.console import Console
from rich.text import Text

from controller.viewer.app.svg import Frame, frame_of, moving
from tests.tmux import Terminal

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

LONGEST_MS: Final = 2_500
"""that one picture stands: where the terminal was still for longer, the film is not"""
LAST_MS: Final = 5_000
TYPED_S: Final = 0.04
"""between two characters, so that one sees them come"""


class Film:
    """A shell in a terminal, filmed from its prompt on until the end of the block."""

    def __init__(self, environment: Mapping[str, str], width: int, height: int, every_s: float = 0.15) -> None:
        self.terminal = Terminal(
            ["bash", "--norc", "--noprofile"],
            width=width,
            height=height,
            environment={"PS1": "$ ", "COLORTERM": "truecolor", **environment},
        )
        self._width, self._every_s = width, every_s
        self._seen: list[tuple[float, list[str]]] = []
        self._over = threading.Event()
        self._camera = threading.Thread(target=self._roll)

    def type(self, text: str) -> None:
        """Type ``text`` as a person does, and enter it."""
        for character in text:
            self.terminal.write(character)
            self.look(TYPED_S)
        self.terminal.send("Enter")

    def look(self, seconds: float) -> None:
        """Give who watches the film time to read."""
        self._over.wait(seconds)

    def write(self, path: Path, title: str) -> None:
        """Keep what was filmed at ``path`` with the endings ``.svg`` and ``.cast``."""
        self.look(1.0)  # what was waited for is to be on the film
        shown = self._shown()
        frames = [(ms, self._frame(lines)) for ms, lines in shown]
        path.with_suffix(".svg").write_text(moving(frames, shown[-1][0] + LAST_MS, title), encoding="utf-8")
        head = {"version": 2, "width": self._width, "height": len(shown[0][1]), "title": title}
        events = [[ms / 1000, "o", text] for ms, text in _written(shown)]
        text = "".join(json.dumps(one, ensure_ascii=False) + "\n" for one in [head, *events])
        path.with_suffix(".cast").write_text(text, encoding="utf-8")

    def _roll(self) -> None:
        while not self._over.is_set():
            lines = self.terminal.screen(styled=True)
            if not self._seen or lines != self._seen[-1][1]:
                self._seen.append((time.monotonic(), lines))
            self._over.wait(self._every_s)

    def _shown(self) -> list[tuple[int, list[str]]]:
        """Each screen with the ms of the film from which it is shown."""
        now_ms, before = 0, self._seen[0][0]
        found = []
        for at_s, lines in self._seen:
            now_ms += min(LONGEST_MS, round((at_s - before) * 1000))
            before = at_s
            found.append((now_ms, lines))
        return found

    def _frame(self, lines: list[str]) -> Frame:
        console = Console(width=self._width, color_system="truecolor", force_terminal=True, highlight=False)
        return frame_of((Text.from_ansi(line).render(console, end="") for line in lines), self._width)

    def __enter__(self) -> Self:
        self.terminal.wait_for("$")
        self._camera.start()
        return self

    def __exit__(self, *ended: object) -> None:
        self._over.set()
        self._camera.join()
        self.terminal.close()


def _written(shown: list[tuple[int, list[str]]]) -> list[tuple[int, str]]:
    """What a terminal must be sent to show the same: the lines that are others than before."""
    standing: list[str] = []
    found = []
    for ms, lines in shown:
        standing += [""] * (len(lines) - len(standing))
        changed = [(row, line) for row, line in enumerate(lines) if line != standing[row]]
        found.append((ms, "".join(f"\x1b[{row + 1};1H\x1b[0m\x1b[2K{line}\x1b[0m" for row, line in changed)))
        standing = list(lines)
    return found
