"""``blackboard agenda``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from blackboard.commands.target import Target, board_options, emit, open_board

if TYPE_CHECKING:
    from blackboard.board import Board
    from blackboard.console import SafeConsole


@click.command("agenda")
@board_options
async def command(target: Target) -> None:
    """Show what is to fire next, in order, and what runs, as the leader of the board last told.

    The order is that of level, then rating and waiting, then who was first; 'why-not' explains who is missing.

    \b
    Examples:
      blackboard agenda
      blackboard agenda -o json --board process_return@1
    """
    from blackboard.errors import NothingSelected

    async with open_board(target) as board:
        document = await _read(board)
        if document is None:
            raise NothingSelected(f"nobody leads board {board.name}, so there is no agenda")
    emit(target, document, lambda console: _render(console, document))


async def _read(board: Board) -> dict[str, Any] | None:
    from blackboard.errors import Corrupt
    from controller.agenda_view import parse_agenda

    raw = await board.store.read("GET", board.store.keys.agenda)
    if raw is None:
        return None
    document = parse_agenda(raw)
    if document is None:
        raise Corrupt(f"the agenda of board {board.name} does not parse")
    return {"board": board.name, **document}


def _render(console: SafeConsole, document: dict[str, Any]) -> None:
    from blackboard.console import shown, table
    from blackboard.wording import counted, seconds

    now_ms = document["at_ms"]
    running = [(one["agent"], one["case"], seconds(now_ms - one["eligible_ms"])) for one in document["running"]]
    console.print(shown(f"{len(running)} running, {counted(document['pending_count'], 'activation')} pending"))
    if running:
        console.print(table(("running", "case", "since eligible"), running, right=("since eligible",)))
    rows = [
        (place, one["agent"], one["case"], one["level"], f"{one['rating']:g}", seconds(one["waited_ms"]),
         one["attempt"], one["state"])
        for place, one in enumerate(document["pending"], 1)
    ]  # fmt: skip
    if rows:
        names = ("", "next", "case", "level", "rating", "waited", "attempt", "state")
        console.print(table(names, rows, right=("", "rating", "waited", "attempt")))
    more = document["pending_count"] - len(rows)
    if more > 0:
        console.print(shown(f"… and {more:,} more"))
