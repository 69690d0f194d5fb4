"""One line of the screen: pieces of text that each mean something; which colour that is, the theme says.

Text comes from records: it is made safe here, where it is measured, and again by the one widget that draws it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Literal, NamedTuple, TypeAlias

from rich.cells import cell_len, set_cell_size

from blackboard.terminal import sanitize

if TYPE_CHECKING:
    from collections.abc import Sequence

Meaning: TypeAlias = Literal[
    "", "dim", "title", "name", "lit", "good", "warn", "bad", "added", "removed", "link", "frame"
]
"""what a piece of text says beside its words; ``lit`` is what has just changed, ``link`` what enter opens"""
GAP: Final = 2
"""columns between two cells"""
LOOKED_AT: Final = 8
"""characters of a text for each cell that it is cut to: more only where many are combined in one cell"""


class Span(NamedTuple):
    """A piece of a line."""

    text: str
    meaning: Meaning = ""


Line: TypeAlias = tuple[Span, ...]


class Column(NamedTuple):
    """A column of a table: ``width`` cells, and of what is left over ``share`` parts."""

    name: str
    width: int
    share: int = 0
    right: bool = False


def said(text: object, meaning: Meaning = "") -> Span:
    """``text`` as a span, with nothing in it that could act on a terminal."""
    return Span(sanitize(str(text)), meaning)


def line(*spans: Span | str) -> Line:
    """A line of ``spans``; strings mean nothing beside their words."""
    return tuple(span if isinstance(span, Span) else said(span) for span in spans)


def plain(line: Line) -> str:
    """The words of ``line``."""
    return "".join(span.text for span in line)


def cells(text: str) -> int:
    """How many cells ``text``, made safe, is drawn on."""
    return cell_len(text)


def fitted(columns: Sequence[Column], width: int) -> list[int]:
    """How wide each column is on ``width`` cells: what is over goes to those with a share, in proportion.

    Where there is too little the last columns become 0 and are not drawn.
    """
    widths: list[int] = []
    left = width + GAP
    for column in columns:
        taken = min(column.width, max(0, left - GAP))
        widths.append(taken)
        left -= taken + GAP if taken else left
    shares = sum(column.share for column, taken in zip(columns, widths, strict=True) if taken)
    over = max(0, left)
    for index, column in enumerate(columns):
        if over and shares and column.share and widths[index]:
            more = over * column.share // shares
            widths[index] += more
            over, shares = over - more, shares - column.share
    return widths


def row(columns: Sequence[Column], widths: Sequence[int], told: Sequence[Span]) -> Line:
    """``told`` as one line, each cut or filled to the width of its column."""
    spans: list[Span] = []
    for column, width, cell in zip(columns, widths, told, strict=True):
        if not width:
            continue
        if spans:
            spans.append(Span(" " * GAP))
        spans.append(Span(cut(cell.text, width, right=column.right), cell.meaning))
    return tuple(spans)


def headings(columns: Sequence[Column], widths: Sequence[int]) -> Line:
    """The names of ``columns`` above their cells."""
    return row(columns, widths, [Span(column.name, "dim") for column in columns])


def cut(text: str, width: int, *, right: bool = False) -> str:
    """``text``, made safe, on exactly ``width`` cells: filled with spaces, or cut with an ellipsis.

    Of a long text no more is looked at than could be shown.
    """
    most = LOOKED_AT * (width + 1)
    more, text = len(text) > most, sanitize(text[:most])
    length = cell_len(text)
    if length > width or more:
        return set_cell_size(text, width - 1) + "…" if width > 1 else set_cell_size(text, width)
    filling = " " * (width - length)
    return filling + text if right else text + filling
