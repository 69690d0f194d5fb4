"""``blackboard at``."""

from __future__ import annotations

import click

from blackboard.commands.target import Target, board_options, emit, open_board


@click.command("at")
@click.argument("moment")
@click.argument("pattern", required=False)
@click.option("--limit", type=click.IntRange(min=0), default=200, show_default=True, help="Of the text; 0 shows all.")
@board_options
async def command(target: Target, *, moment: str, pattern: str | None, limit: int) -> None:
    """List the records as they were at MOMENT: a revision, a commit, a snapshot's name, a time, 'oldest' or 'now'.

    Without PATTERN all but those under control/. A time is 10:47, 10:47:30 or a date with one: what stood then.

    \b
    Examples:
      blackboard at 120 'refund/*'
      blackboard at before-the-change -o jsonl
    """
    from blackboard.commands.record_view import chosen, record_document, record_table
    from blackboard.pattern import Pattern

    wanted = Pattern.parse(pattern) if pattern is not None else None
    async with open_board(target) as board:
        state = await board.at(moment)
        records = chosen(state, wanted)
        none = f"no such records on board {board.name} at revision {state.revision}"
        emit(
            target,
            [record_document(record) for record in records],
            lambda console: record_table(console, records, limit, none),
        )
