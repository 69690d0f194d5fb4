"""``blackboard replay``."""

from __future__ import annotations

import contextlib
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from blackboard.commands.offers import files
from blackboard.commands.target import Target, emit, file_options

if TYPE_CHECKING:
    from blackboard.archive import Archived
    from blackboard.console import SafeConsole


@click.command("replay")
@click.argument("file", shell_complete=files)
@click.argument("pattern", required=False)
@click.option("--at", "revision", type=click.IntRange(min=0), metavar="REVISION", help="Stop there; default: the end.")
@click.option("--limit", type=click.IntRange(min=0), default=200, show_default=True, help="Of the text; 0 shows all.")
@file_options
def command(target: Target, *, file: str, pattern: str | None, revision: int | None, limit: int) -> None:
    """Replay what 'blackboard export' wrote: check every digest, and list the records as they were.

    Needs no server. Exit code 3 where the file is not what was written.

    \b
    Examples:
      blackboard replay run.jsonl
      blackboard replay run.jsonl 'refund/*' --at 120
    """
    from blackboard.commands.record_view import chosen, record_document, record_table
    from blackboard.console import shown
    from blackboard.pattern import Pattern

    wanted = Pattern.parse(pattern) if pattern is not None else None
    archived = _read(file)
    state = archived.at(revision)
    records = chosen(state, wanted)
    told = f"board {archived.head.board} at revision {state.revision}: {state.count:,} records, every digest agrees"

    def render(console: SafeConsole) -> None:
        console.print(shown(told, "dim"))
        record_table(console, records, limit, "no such records")

    emit(target, [record_document(record) for record in records], render)


def _read(file: str) -> Archived:
    from blackboard.archive import read_archive
    from blackboard.errors import InvalidInput
    from blackboard.strict_json import MAX_TEXT

    try:
        with contextlib.ExitStack() as stack:
            stream = sys.stdin if file == "-" else stack.enter_context(Path(file).open(encoding="utf-8"))
            # A line that is longer than any that is written is cut, and refused for that.
            lines = iter(lambda: stream.readline(MAX_TEXT + 2), "")
            return read_archive(lines, place="standard input" if file == "-" else file)
    except OSError as error:
        raise InvalidInput(f"cannot be read: {error.strerror or error}", place=file) from error
