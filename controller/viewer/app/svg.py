"""A screen as SVG: whole in itself, valid whatever a record holds, and the same for the same screen.

Nothing is fetched: the font is one of those a reader has.  Each run of characters is placed and stretched on its cells,
so that columns stand below each other in any of them.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final, NamedTuple, TypeAlias
from xml.sax.saxutils import escape

from rich.cells import cell_len
from rich.terminal_theme import DEFAULT_TERMINAL_THEME, SVG_EXPORT_THEME, TerminalTheme

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from rich.segment import Segment
    from rich.style import Style

CELL: Final = (8.4, 18)
"""pixels of a cell"""
SIZE: Final = 14
BASE: Final = 13.5
"""from the top of a cell to the line that its character stands on"""
EDGE: Final = 10
FONTS: Final = (
    "ui-monospace, SFMono-Regular, 'SF Mono', Menlo, Consolas, 'DejaVu Sans Mono', 'Liberation Mono', monospace"
)
NOT_XML: Final = re.compile(r"[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
WORDS: Final = re.compile(r"\S+(?: \S+)*")


class Look(NamedTuple):
    """How characters are drawn: colours as ``#rrggbb``."""

    color: str
    ground: str
    bold: bool = False
    dim: bool = False
    italic: bool = False
    underline: bool = False


class Run(NamedTuple):
    """Characters of one look, from a column on."""

    column: int
    text: str
    look: Look


Row: TypeAlias = tuple[Run, ...]


class Frame(NamedTuple):
    """A whole screen."""

    width: int
    rows: tuple[Row, ...]


def frame_of(lines: Iterable[Iterable[Segment]], width: int, *, dark: bool = True) -> Frame:
    """The screen of ``lines``; colours that are left to the terminal become those of a dark one, or of a light one."""
    theme = SVG_EXPORT_THEME if dark else DEFAULT_TERMINAL_THEME
    return Frame(width, tuple(_row(line, theme) for line in lines))


def still(frame: Frame, title: str) -> str:
    """``frame`` as a picture."""
    return moving([(0, frame)], 0, title)


def moving(frames: Sequence[tuple[int, Frame]], lasts_ms: int, title: str) -> str:
    """``frames``, each with the ms from which it is shown, as a film that begins anew after ``lasts_ms``.

    Where nothing moves the last one is seen.
    """
    width = max(frame.width for _, frame in frames)
    height = max(len(frame.rows) for _, frame in frames)
    ground = _ground(frames[-1][1])
    classes: dict[Look, str] = {}
    drawn = [_shown(one, lasts_ms, ground, classes) for one in _spells(frames, lasts_ms)]
    across, down = width * CELL[0] + 2 * EDGE, height * CELL[1] + 2 * EDGE
    styles = [f".{name}{{{_css(look)}}}" for look, name in classes.items()]
    return "\n".join([
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {across:g} {down:g}" width="{across:g}" role="img">',
        f"<title>{_safe(title)}</title>",
        f"<style>text{{font:{SIZE}px {FONTS};white-space:pre}}{''.join(styles)}</style>",
        f'<rect width="100%" height="100%" rx="8" fill="{ground}"/>',
        f'<g transform="translate({EDGE} {EDGE})">', *drawn, "</g>", "</svg>", "",
    ])  # fmt: skip


class Spell(NamedTuple):
    """A row that stands from one time to another."""

    row: int
    runs: Row
    first_ms: int
    end_ms: int


def _spells(frames: Sequence[tuple[int, Frame]], lasts_ms: int) -> list[Spell]:
    """What stands where and when; a row that does not change is there once."""
    standing: dict[int, tuple[Row, int]] = {}
    found: list[Spell] = []
    for at_ms, frame in frames:
        for number, runs in enumerate(frame.rows):
            before = standing.get(number)
            if before is not None and before[0] == runs:
                continue
            if before is not None:
                found.append(Spell(number, before[0], before[1], at_ms))
            standing[number] = (runs, at_ms)
    found += [Spell(number, runs, first, lasts_ms) for number, (runs, first) in standing.items()]
    return sorted(found)


def _shown(spell: Spell, lasts_ms: int, ground: str, classes: dict[Look, str]) -> str:
    top = spell.row * CELL[1]
    parts = [part for run in spell.runs for part in _drawn(run, top, ground, classes)]
    if not parts:
        return ""
    if spell.end_ms - spell.first_ms >= lasts_ms:
        return "".join(parts)
    begins, ends = spell.first_ms / lasts_ms, spell.end_ms / lasts_ms
    values, times = ["visible"], ["0"]
    if begins > 0:
        values, times = ["hidden", "visible"], ["0", f"{begins:.4f}"]
    if ends < 1:
        values, times = [*values, "hidden"], [*times, f"{ends:.4f}"]
    hidden = ' visibility="hidden"' if ends < 1 else ""
    motion = (
        f'<animate attributeName="visibility" calcMode="discrete" dur="{lasts_ms}ms" repeatCount="indefinite"'
        f' values="{";".join(values)}" keyTimes="{";".join(times)}"/>'
    )
    return f"<g{hidden}>{motion}{''.join(parts)}</g>"


def _drawn(run: Run, top: float, ground: str, classes: dict[Look, str]) -> list[str]:
    """The ground of a run where it is another one than the picture's, and its words where they stand."""
    parts = []
    if run.look.ground != ground:
        left, wide = run.column * CELL[0], cell_len(run.text) * CELL[0]
        parts.append(f'<rect x="{left:g}" y="{top:g}" width="{wide:g}" height="{CELL[1]}" fill="{run.look.ground}"/>')
    for found in WORDS.finditer(run.text):
        name = classes.setdefault(run.look._replace(ground=""), f"c{len(classes)}")
        left = (run.column + cell_len(run.text[: found.start()])) * CELL[0]
        wide = cell_len(found[0]) * CELL[0]
        parts.append(
            f'<text class="{name}" x="{left:g}" y="{top + BASE:g}" textLength="{wide:g}"'
            f' lengthAdjust="spacingAndGlyphs">{_safe(found[0])}</text>'
        )
    return parts


def _row(line: Iterable[Segment], theme: TerminalTheme) -> Row:
    runs: list[Run] = []
    column = 0
    for segment in line:
        text, look = segment.text.rstrip("\n"), _look(segment.style, theme)
        if runs and runs[-1].look == look:
            runs[-1] = runs[-1]._replace(text=runs[-1].text + text)
        elif text:
            runs.append(Run(column, text, look))
        column += cell_len(text)
    return tuple(runs)


def _look(style: Style | None, theme: TerminalTheme) -> Look:
    color, ground = theme.foreground_color.hex, theme.background_color.hex
    if style is None:
        return Look(color, ground)
    if style.color is not None:
        color = style.color.get_truecolor(theme).hex
    if style.bgcolor is not None:
        ground = style.bgcolor.get_truecolor(theme, foreground=False).hex
    if style.reverse:
        color, ground = ground, color
    return Look(color, ground, bool(style.bold), bool(style.dim), bool(style.italic), bool(style.underline))


def _ground(frame: Frame) -> str:
    """The ground of most cells."""
    found: dict[str, int] = {}
    for row in frame.rows:
        for run in row:
            found[run.look.ground] = found.get(run.look.ground, 0) + cell_len(run.text)
    return max(found, key=found.__getitem__) if found else SVG_EXPORT_THEME.background_color.hex


def _css(look: Look) -> str:
    told = [
        ("font-weight:bold", look.bold),
        ("opacity:.65", look.dim),
        ("font-style:italic", look.italic),
        ("text-decoration:underline", look.underline),
    ]
    return ";".join([f"fill:{look.color}", *(css for css, holds in told if holds)])


def _safe(text: str) -> str:
    """``text`` as characters of an XML document, with none that it may not have."""
    return escape(NOT_XML.sub("\ufffd", text))
