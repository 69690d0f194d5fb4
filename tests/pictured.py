"""Pictures of a screen that are compared: its characters, and under them how each cell is drawn.

A picture is a text file in ``tests/pictures``, so that a difference can be read.  ``BLACKBOARD_DRAW=1`` writes those
that are missing or differ, to be looked at before they are kept.
"""

from __future__ import annotations

import os
from pathlib import Path
from string import ascii_letters, digits
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from textual.app import App

PICTURES = Path(__file__).parent / "pictures"
LETTERS = "." + ascii_letters + digits
"""one for each style, in the order in which they come; the first is the most usual one"""


def picture_of(app: App[Any]) -> str:
    """What ``app`` shows: lines of characters, lines of letters that stand for styles, and what those are."""
    strips = app.screen._compositor.render_strips()
    styles: dict[str, str] = {}
    drawn, letters = [], []
    for strip in strips:
        drawn.append(strip.text.rstrip())
        line = []
        for segment in strip:
            style = str(segment.style)
            letter = styles.setdefault(style, LETTERS[len(styles) % len(LETTERS)])
            line.append(letter * segment.cell_length)
        letters.append("".join(line))
    legend = [f"{letter} {style}" for style, letter in styles.items()]
    return "\n".join([*drawn, "", *letters, "", *legend]) + "\n"


def compare(name: str, found: str) -> None:
    """Assert that ``found`` is the picture kept as ``name``."""
    path = PICTURES / f"{name}.txt"
    if os.environ.get("BLACKBOARD_DRAW") == "1":
        path.write_text(found, encoding="utf-8")
        return
    kept = path.read_text(encoding="utf-8") if path.exists() else ""
    assert found == kept, _told(name, kept.splitlines(), found.splitlines())


def _told(name: str, kept: list[str], found: list[str]) -> str:
    first = next((n for n, (a, b) in enumerate(zip(kept, found, strict=False)) if a != b), min(len(kept), len(found)))
    said = f"the picture {name} has changed from line {first + 1}; BLACKBOARD_DRAW=1 draws it anew"
    return "\n".join([said, "kept:", *kept[first : first + 3], "now:", *found[first : first + 3]])
