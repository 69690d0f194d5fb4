"""A value of any size as lines of indented JSON, of which the first are shown."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from blackboard.field_changes import ABSENT, field_changes
from blackboard.terminal import json_pieces
from blackboard.wording import counted
from controller.viewer.details.page import MOST_CHARACTERS, Entry, bounded
from controller.viewer.line import Line, Span, line, said

if TYPE_CHECKING:
    from collections.abc import Iterator

    from controller.viewer.line import Meaning

MOST_LINES: Final = 500
"""of a value that are shown"""
MOST_FIELDS: Final = 200
"""changed fields that are shown"""
_FIELD: Final = re.compile(r'( *)("(?:[^"\\]|\\.)*"): ')


def value_entries(value: object, most: int = MOST_LINES) -> list[Entry]:
    """``value`` as lines, and how many more there are."""
    entries = [Entry(_coloured(text), indent=len(text) - len(text.lstrip(" ")) + 4) for text in _lines(value, most)]
    more = _line_count(value) - len(entries) if len(entries) == most else 0
    if more > 0:
        entries.append(Entry(line(said(f"… and {counted(more, 'more line')}", "dim"))))
    return entries


def change_entries(before: object, after: object, most: int = MOST_FIELDS) -> list[Entry]:
    """What is not the same in two values, field by field."""
    changes = field_changes(before, after)
    entries: list[Entry] = []
    for path, old, new in changes[:most]:
        name = path or "(value)"
        entries += [] if old is ABSENT else [_side("-", name, old, "removed")]
        entries += [] if new is ABSENT else [_side("+", name, new, "added")]
    if len(changes) > most:
        entries.append(Entry(line(said(f"… and {counted(len(changes) - most, 'more field')}", "dim"))))
    return entries or [Entry(line(said("the same value", "dim")))]


def one_line(value: object, most: int = MOST_CHARACTERS) -> str:
    """``value`` as JSON on one line, cut after ``most`` characters."""
    text = ""
    for piece in json_pieces(value):
        text += piece
        if len(text) > most:
            return text[: most - 1] + "…"
    return text


def _side(sign: str, path: str, value: Any, meaning: Meaning) -> Entry:
    return Entry(line(said(f"{sign} {bounded(path)}: {one_line(value)}", meaning)), indent=4)


def _lines(value: object, most: int) -> Iterator[str]:
    """The first ``most`` lines; one that is too long is cut, with how much is left out."""
    shown, length, given = "", 0, 0
    for piece in json_pieces(value, indent=2):
        for number, text in enumerate(piece.split("\n")):
            if number:
                yield _cut(shown, length)
                given += 1
                if given == most:
                    return
                shown, length = "", 0
            length += len(text)
            if len(shown) < MOST_CHARACTERS:
                shown += text[: MOST_CHARACTERS - len(shown)]
    yield _cut(shown, length)


def _cut(shown: str, length: int) -> str:
    more = length - len(shown)
    return f"{shown}… ({more:,} characters more)" if more else shown


def _line_count(value: object) -> int:
    """How many lines the whole has."""
    count, stack = 0, [value]
    while stack:
        one = stack.pop()
        if isinstance(one, dict) and one:
            count += 2
            stack.extend(one.values())
        elif isinstance(one, list | tuple) and one:
            count += 2
            stack.extend(one)
        else:
            count += 3 if isinstance(one, bytes) else 1
    return count


def _coloured(text: str) -> Line:
    field = _FIELD.match(text)
    if field is None:
        return line(said(text))
    return (Span(field[1]), said(field[2], "name"), said(text[field.end(2) :]))
