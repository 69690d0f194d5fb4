"""``blackboard ls``."""

from __future__ import annotations

import click

from blackboard.commands.target import Target, board_options, emit, open_board


@click.command("ls")
@click.argument("pattern", required=False)
@click.option("--limit", type=click.IntRange(min=0), default=200, show_default=True, help="Of the text; 0 shows all.")
@board_options
async def command(target: Target, *, pattern: str | None, limit: int) -> None:
    """List the records that match PATTERN, sorted by key; without one, all but those under control/.

    \b
    Examples:
      blackboard ls 'refund/* where amount > 100'
      blackboard ls 'control/agents/*' -o jsonl
    """
    from blackboard.commands.record_view import chosen, record_document, record_table

    async with open_board(target) as board:
        records = await board.find(pattern) if pattern is not None else chosen(await board.replica(), None)
        matched = f"match {pattern}" if pattern is not None else "are there"
        emit(
            target,
            [record_document(record) for record in records],
            lambda console: record_table(console, records, limit, f"no records {matched} on board {board.name}"),
        )
