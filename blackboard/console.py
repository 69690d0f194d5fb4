"""What a person sees: tables and lines of text that came from records, shown and never obeyed."""

from __future__ import annotations

import re
from typing import IO, TYPE_CHECKING, Any, Final, NoReturn, cast

from rich.console import Console
from rich.table import Table
from rich.text import Text

from blackboard.terminal import sanitize

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

UNBOUNDED = 100_000
"""columns of a file or pipe: nothing is cut or wrapped there"""
_PADDING: Final = re.compile(r" +$", re.MULTILINE)


class SafeConsole(Console):
    """A console that takes no markup, emoji codes or highlighting from text, and reports a closed pipe.

    Strings printed on it must have passed :func:`~blackboard.terminal.sanitize`; :func:`shown` does that.
    """

    def __init__(self, file: IO[str] | None = None) -> None:
        super().__init__(file=file, markup=False, emoji=False, highlight=False)
        if not self.is_terminal:
            self.width = UNBOUNDED
            self.file = cast("IO[str]", _Unpadded(self.file))

    def on_broken_pipe(self) -> NoReturn:
        """Let the command line decide the exit code, where rich would exit with 1."""
        raise BrokenPipeError


class _Unpadded:
    """A stream that gets each line without the blanks at its end, which a table needs on a screen only."""

    def __init__(self, stream: IO[str]) -> None:
        self._stream = stream

    def write(self, text: str) -> int:
        return self._stream.write(_PADDING.sub("", text))

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


def shown(text: object, style: str = "", *, keep: str = "") -> Text:
    """``text`` as one sanitised piece of a line, in ``style``."""
    return Text(sanitize(str(text), keep=keep), style=style)


def table(columns: Sequence[str], rows: Iterable[Sequence[object]], *, right: Sequence[str] = ()) -> Table:
    """A table without lines; cells are sanitised, the columns named in ``right`` are aligned to the right.

    Where a terminal is too narrow the widest cells are cut, with an ellipsis; headings stay whole.
    """
    grid = Table(box=None, pad_edge=False)
    for name in columns:
        heading = _one_line(Text(name, style="bold"))
        grid.add_column(heading, justify="right" if name in right else "left", min_width=heading.cell_len)
    for row in rows:
        grid.add_row(*(_one_line(cell.copy() if isinstance(cell, Text) else shown(cell)) for cell in row))
    return grid


def _one_line(text: Text) -> Text:
    text.no_wrap, text.overflow = True, "ellipsis"
    return text
