"""A line that is too long goes on under its own beginning, at a space where there is one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from controller.viewer.line import Span, cells, plain

if TYPE_CHECKING:
    from controller.viewer.line import Line

LEAST: Final = 20
"""cells that what goes on has at least beside its indentation, where the line has so many"""


def folded(line: Line, width: int, indent: int) -> list[Line]:
    """``line`` as lines of at most ``width`` cells, those after the first ``indent`` cells in.

    Nothing is left out but one space at each fold.  A character wider than ``width`` has a line to itself.
    """
    text = plain(line)
    if cells(text) <= width:
        return [line]
    width = max(1, width)
    margin = " " * max(0, min(indent, width - LEAST))
    lines: list[Line] = []
    start, room = 0, width
    while start < len(text):
        end = _reach(text, start, room)
        if end < len(text):
            end = _space_before(text, start, end)
        part = _between(line, start, end)
        lines.append((Span(margin), *part) if lines and margin else part)
        start, room = end + (text[end : end + 1] == " "), width - len(margin)
    return lines


def _reach(text: str, start: int, room: int) -> int:
    """Where what fits into ``room`` cells ends; one character at least is taken."""
    part = text[start : start + room]
    if part.isascii():
        return start + len(part)
    taken, at = 0, start
    while at < len(text):
        taken += cells(text[at])
        if taken > room:
            break
        at += 1
    return max(at, start + 1)


def _space_before(text: str, start: int, end: int) -> int:
    """The last space at which the line can end, ``end`` where there is none after its own indentation."""
    words = start + len(text[start:end]) - len(text[start:end].lstrip(" "))
    found = text.rfind(" ", words, end + 1)
    return found if found > words else end


def _between(line: Line, start: int, end: int) -> Line:
    """The characters from ``start`` to ``end`` with the meanings that they have."""
    spans: list[Span] = []
    at = 0
    for span in line:
        piece = span.text[max(0, start - at) : max(0, end - at)]
        if piece:
            spans.append(Span(piece, span.meaning))
        at += len(span.text)
    return tuple(spans)
