"""``blackboard get``."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from blackboard.commands.offers import record_keys
from blackboard.commands.target import Target, board_options, emit, open_board

if TYPE_CHECKING:
    from typing import Any

    from blackboard.console import SafeConsole
    from blackboard.record import Record


@click.command("get")
@click.argument("key", shell_complete=record_keys)
@click.option("--at", "moment", metavar="MOMENT", help="As it was then: a revision, a commit, a snapshot, a time.")
@board_options
async def command(target: Target, *, key: str, moment: str | None) -> None:
    """Show the record at KEY: its value, who wrote it, from what.

    \b
    Examples:
      blackboard get refund/R-1001
      blackboard get refund/R-1001 --at 120
      blackboard get refund/R-1001 -o json --board process_return@1
    """
    from blackboard.commands.record_view import record_document
    from blackboard.errors import NothingSelected
    from blackboard.keys import check_key

    async with open_board(target) as board:
        record = await board.get(key) if moment is None else (await board.at(moment)).get(check_key(key))
        if record is None:
            then = f" at {moment}" if moment is not None else ""
            raise NothingSelected(f"no record at {key!r} on board {board.name}{then}")
        emit(target, record_document(record), lambda console: _render(console, record))


def _render(console: SafeConsole, record: Record[Any]) -> None:
    from blackboard.commands.record_view import instant
    from blackboard.console import shown, table
    from blackboard.terminal import format_json

    console.print(shown(format_json(record.value, indent=2), keep="\n"))
    facts = [
        ("commit", f"{record.commit}, version {record.version}"),
        ("written", instant(record.time_ms) + (f" by {record.author}" if record.author else "")),
        ("activation", record.activation),
        ("case", record.case),
        ("status", record.status),
        ("expires", instant(record.expires_ms) if record.expires_ms else ""),
        ("from", ", ".join(record.causes)),
    ]
    lines = table(("", ""), [(shown(name, "dim"), text) for name, text in facts if text])
    lines.show_header = False
    console.print()
    console.print(lines)
