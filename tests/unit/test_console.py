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


def test_a_file_gets_lines_of_any_length() -> None:
    file = io.StringIO()
    SafeConsole(file).print(shown("x" * 5_000))
    assert file.getvalue() == "x" * 5_000 + "\n"


def test_a_closed_pipe_is_left_to_the_command_line() -> None:
    with pytest.raises(BrokenPipeError):
        SafeConsole(ClosedPipe()).print("line")
