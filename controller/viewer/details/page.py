"""The lines of a detail: sections under titles, laid out on so many cells."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from blackboard.wording import span
from controller.viewer.folding import folded
from controller.viewer.line import Line, Span, cells, line, plain, said

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from controller.viewer.line import Meaning
    from controller.viewer.target import Target

WIDTH: Final = 78
"""cells, until somebody says how many there are"""
NAMES: Final = 16
"""cells of the names that stand before facts"""
AWAY: Final = 14
"""cells for how far away a moment is"""
MOST_CHARACTERS: Final = 2_000
"""of a text on one line"""


class Entry(NamedTuple):
    """One thing that is said: a line of any length."""

    line: Line
    target: Target | None = None
    """what it names, and enter opens"""
    indent: int = 2
    """cells that it goes on with where it is folded"""
    moment_ms: int = 0
    """how far away that is, is said behind it; 0: nothing"""
    copied: str = ""
    """what is copied, where that is not the line"""


class Section(NamedTuple):
    """Entries under a title; ``name`` is what the screen knows it by when it is told anew."""

    title: str
    entries: Sequence[Entry]
    name: str = ""


def bounded(text: str) -> str:
    """``text``, cut where nobody would read on, with how much is left out."""
    more = len(text) - MOST_CHARACTERS
    return text if more <= 0 else f"{text[:MOST_CHARACTERS]}… ({more:,} characters more)"


def told(text: object, target: Target | None = None, meaning: Meaning = "", *, indent: int = 2) -> Entry:
    """One sentence; what names something is a link unless it means something else."""
    return Entry(
        line(said(bounded(str(text)), meaning or ("link" if target is not None else ""))), target, indent=indent
    )


def fact(name: str, text: object, target: Target | None = None, meaning: Meaning = "", *, moment_ms: int = 0) -> Entry:
    """``text`` beside its name."""
    shown = said(bounded(str(text)), meaning or ("link" if target is not None else ""))
    return Entry(
        (Span(f"{name:<{NAMES - 1}} ", "dim"), shown), target, indent=NAMES, moment_ms=moment_ms, copied=str(text)
    )


def facts(name: str, texts: Iterable[str], meaning: Meaning = "") -> list[Entry]:
    """Several facts of one name, which stands before the first."""
    return [fact(name if not number else "", text, None, meaning) for number, text in enumerate(texts)]


class _Row(NamedTuple):
    line: Line
    identity: str
    entry: Entry | None
    last: bool = False
    """of its entry"""


class Page:
    """Sections as rows.  Pure: it shows what it was last given."""

    def __init__(self, title: str) -> None:
        self.title = title
        self._sections: tuple[Section, ...] = ()
        self._width = WIDTH
        self._rows: list[_Row] = []
        self._places: dict[str, int] = {}

    def show(self, title: str, sections: Iterable[Section]) -> None:
        """Show these sections from now on; those without entries are left out."""
        self.title = title
        self._sections = tuple(section for section in sections if section.entries)
        self._lay_out()

    def fit(self, width: int) -> None:
        """Lay the text out on ``width`` cells."""
        if width != self._width:
            self._width = width
            self._lay_out()

    def heading(self, width: int) -> Line | None:
        return None

    def __len__(self) -> int:
        return len(self._rows)

    def line(self, row: int, width: int, now_ms: int) -> Line:
        shown = self._rows[row]
        if shown.entry is None or not shown.last or not shown.entry.moment_ms:
            return shown.line
        return (*shown.line, Span(f"  {_away(shown.entry.moment_ms, now_ms)}", "dim"))

    def identity(self, row: int) -> str:
        return self._rows[row].identity

    def row_of(self, identity: str) -> int | None:
        return self._places.get(identity)

    def target(self, row: int) -> Target | None:
        entry = self._rows[row].entry
        return entry.target if entry is not None else None

    def text(self, row: int) -> str:
        entry = self._rows[row].entry
        if entry is None:
            return plain(self._rows[row].line)
        return entry.copied or (entry.target.name if entry.target is not None else plain(entry.line).strip())

    def _lay_out(self) -> None:
        rows: list[_Row] = []
        for section in self._sections:
            name = section.name or section.title
            if rows:
                rows.append(_Row((), f"{name}/above", None))
            if section.title:
                parts = folded(line(said(section.title, "title")), self._width, 0)
                rows += [_Row(part, f"{name}/title/{at}", None) for at, part in enumerate(parts)]
            for number, entry in enumerate(section.entries):
                parts = folded(entry.line, self._width, entry.indent)
                if entry.moment_ms and cells(plain(parts[-1])) + AWAY > self._width:
                    parts.append((Span(" " * max(0, min(entry.indent - 2, self._width - AWAY))),))
                rows += [
                    _Row(part, f"{name}/{number}/{at}", entry, at == len(parts) - 1) for at, part in enumerate(parts)
                ]
        self._rows = rows
        self._places = {row.identity: at for at, row in enumerate(rows)}


def _away(moment_ms: int, now_ms: int) -> str:
    """How far a moment lies back, or ahead."""
    return f"{span(now_ms - moment_ms)} ago" if moment_ms <= now_ms else f"in {span(moment_ms - now_ms)}"
