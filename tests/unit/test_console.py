"""Text from records is shown by the console and never read as an order to it."""

from __future__ import annotations

import io

import pytest

from blackboard.console import SafeConsole, shown, table


class ClosedPipe(io.StringIO):
    def write(self, text: str) -> int:
        raise BrokenPipeError


def test_a_cell_shows_markup_and_escapes_as_they_are_written() -> None:
    file = io.StringIO()
    SafeConsole(file).print(table(("key",), [("[bold]a[/bold] :warning: \x1b[31m",)]))
    assert file.getvalue().splitlines()[1].rstrip() == r"[bold]a[/bold] :warning: \x1b[31m"


def test_a_narrow_terminal_gets_whole_headings_and_the_widest_cells_cut() -> None:
    """One line a row, whatever the width; before, headings were broken into two."""
    columns = ("board", "revision", "records", "run")
    rows = [("a-board-with-a-long-name@1", 12, 3, "finished"), ("b@1", 123_456, 3, "awaiting")]
    shown_at = {}
    for width in (60, 40, 33):
        file = io.StringIO()
        console = SafeConsole(file)
        console.width = width
        console.print(table(columns, rows, right=columns[1:3]))
        shown_at[width] = [line.rstrip() for line in file.getvalue().splitlines()]
        assert [len(shown_at[width]), *shown_at[width][0].split()] == [3, *columns]
        assert max(map(len, shown_at[width])) <= width
    assert shown_at[60][1].split() == ["a-board-with-a-long-name@1", "12", "3", "finished"]
    assert shown_at[33][1].split()[0].startswith("a-boa")
    assert shown_at[33][1].split()[0].endswith("…")


def test_a_file_gets_lines_of_any_length() -> None:
    file = io.StringIO()
    SafeConsole(file).print(shown("x" * 5_000))
    assert file.getvalue() == "x" * 5_000 + "\n"


def test_a_file_gets_no_blanks_at_the_end_of_a_line_and_keeps_those_within_it() -> None:
    file = io.StringIO()
    console = SafeConsole(file)
    console.print(table(("key", "value"), [("a", "long"), ("b/c", ""), ("", "x")]))
    console.print(shown("two  blanks, then three   "))
    assert file.getvalue() == "key  value\na    long\nb/c\n     x\ntwo  blanks, then three\n"


def test_a_closed_pipe_is_left_to_the_command_line() -> None:
    with pytest.raises(BrokenPipeError):
        SafeConsole(ClosedPipe()).print("line")
