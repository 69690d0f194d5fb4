"""``blackboard export``."""

from __future__ import annotations

import contextlib
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from blackboard.commands.offers import files
from blackboard.commands.target import Target, board_options, emit, open_board

if TYPE_CHECKING:
    from collections.abc import Callable

    from blackboard.board import Board


@click.command("export")
@click.argument("file", default="-", shell_complete=files)
@board_options
async def command(target: Target, file: str) -> None:
    """Write the whole board to FILE as JSON lines: what stood at the horizon, every change since, and their digest.

    Without FILE, or with '-', to standard output. 'blackboard replay FILE' reads it, without a server. A file that
    is there already is not written over; one that is half written has no end and is refused by replay.

    \b
    Examples:
      blackboard export run.jsonl --board process_return@1
      blackboard export | gzip > board.jsonl.gz
    """
    async with open_board(target) as board:
        if file == "-":
            await _write(board, sys.stdout.write)
            return
        path = Path(file)
        lines = await _to_file(board, path)
        document = {"board": board.name, "file": str(path), "lines": lines}
        emit(target, document, lambda console: console.print(f"{lines:,} lines of board {board.name} in {path}"))


async def _to_file(board: Board, path: Path) -> int:
    from blackboard.errors import InvalidInput

    try:
        with path.open("x", encoding="utf-8") as stream:
            try:
                return await _write(board, stream.write)
            except BaseException:
                with contextlib.suppress(OSError):
                    path.unlink()
                raise
    except OSError as error:
        raise InvalidInput(f"cannot be written: {error.strerror or error}", place=str(path)) from error


async def _write(board: Board, write: Callable[[str], object]) -> int:
    from blackboard.archive import archive_lines

    lines = 0
    async for line in archive_lines(board.store):
        write(line)
        lines += 1
    return lines
