"""``blackboard history``."""

from __future__ import annotations

import click

from blackboard.commands.offers import record_keys
from blackboard.commands.target import Target, board_options, emit, open_board


@click.command("history")
@click.argument("key", shell_complete=record_keys)
@board_options
async def command(target: Target, key: str) -> None:
    """Show every change of the record at KEY that the log holds, the oldest first.

    \b
    Examples:
      blackboard history stock/SKU-7
      blackboard history stock/SKU-7 -o jsonl
    """
    from blackboard.commands.record_view import author_of, change_document, instant, short_value
    from blackboard.console import table
    from blackboard.errors import NothingSelected

    async with open_board(target) as board:
        changes = await board.history(key)
        if not changes:
            horizon = await board.horizon()
            cut = f"; it was trimmed up to revision {horizon}, and 'blackboard at {horizon}' lists what was there then"
            raise NothingSelected(f"the log of board {board.name} holds no change of {key!r}{cut if horizon else ''}")
        rows = [
            (
                change.commit,
                instant(change.time_ms),
                change.operation,
                author_of(change),
                short_value(change.record.value) if change.record is not None else "",
            )
            for change in changes
        ]
        emit(
            target,
            [change_document(change) for change in changes],
            lambda console: console.print(table(("commit", "time", "operation", "author", "value"), rows)),
        )
