"""``blackboard log``: how far back a board's log reaches, and what keeps it there."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from blackboard.commands.defaulting import DefaultingGroup
from blackboard.commands.target import Target, board_options, emit, open_board

if TYPE_CHECKING:
    from blackboard.board import Board
    from blackboard.console import SafeConsole


class LogGroup(DefaultingGroup):
    """``blackboard log`` is ``blackboard log show``."""

    default = "show"


@click.group("log", cls=LogGroup)
def command() -> None:
    """Show how much of a board's log is kept, set it, trim it, and name revisions that stay.

    \b
    Examples:
      blackboard log
      blackboard log keep --revisions 100000 --age 7d
      blackboard log snapshot before-the-change
    """


@command.command("show")
@board_options
async def show(target: Target) -> None:
    """Show from where to where the log reaches, its limits, and the snapshots.

    \b
    Example:
      blackboard log show -o json
    """
    async with open_board(target) as board:
        document = await _document(board)
    emit(target, document, lambda console: _render(console, document))


async def _document(board: Board) -> dict[str, Any]:
    retention = await board.retention()
    return {
        "board": board.name,
        "horizon": await board.horizon(),
        "revision": await board.revision(),
        "limits": {
            "revisions": retention.revisions,
            "age_ms": retention.age_ms,
            "size_bytes": retention.size_bytes,
        },
        "kept": str(retention),
        "snapshots": [snapshot._asdict() for snapshot in await board.snapshots()],
    }


def _render(console: SafeConsole, document: dict[str, Any]) -> None:
    from blackboard.commands.record_view import instant
    from blackboard.console import shown, table

    horizon, revision = document["horizon"], document["revision"]
    reach = f"revisions {horizon + 1:,} to {revision:,}" if revision > horizon else "nothing yet"
    console.print(shown(f"board {document['board']}: the log holds {reach}; kept: {document['kept']}"))
    rows = [(s["name"], s["revision"], instant(s["taken_ms"]), s["author"]) for s in document["snapshots"]]
    if rows:
        console.print(table(("snapshot", "revision", "taken", "by"), rows, right=("revision",)))


def _tell(target: Target, document: dict[str, Any], sentence: str) -> None:
    from blackboard.console import shown

    emit(target, document, lambda console: console.print(shown(sentence)))


@command.command("keep")
@click.option("--revisions", type=click.IntRange(min=0), metavar="N", help="The newest N; 0 is no limit.")
@click.option("--age", metavar="TIME", help="No older than 12h, 7d …")
@click.option("--size", metavar="SIZE", help="No more memory than 256MB, 1GB …")
@click.option("--everything", is_flag=True, help="No limit at all.")
@board_options
async def keep(target: Target, *, revisions: int | None, age: str | None, size: str | None, everything: bool) -> None:
    """Set how much of the log is kept. What is not named is not limited.

    Whoever writes to the board trims what is past the limits; live readers and snapshots hold it back.

    \b
    Examples:
      blackboard log keep --revisions 100000
      blackboard log keep --age 7d --size 256MB
    """
    from blackboard.durations import parse_duration
    from blackboard.errors import UsageError
    from blackboard.retention import EVERYTHING, Retention, parse_size

    given = revisions is not None or age is not None or size is not None
    if given and everything:
        raise UsageError("--everything is no limit at all: leave it out, or --revisions, --age and --size")
    if not given and not everything:
        raise UsageError("name a limit: --revisions, --age or --size; or --everything for none")
    wanted = Retention(
        revisions or 0,
        parse_duration(age) if age is not None else 0,
        parse_size(size) if size is not None else 0,
    )
    async with open_board(target) as board:
        await board.retain(EVERYTHING if everything else wanted)
        document = await _document(board)
    emit(target, document, lambda console: _render(console, document))


@command.command("trim")
@click.argument("moment", required=False)
@board_options
async def trim(target: Target, moment: str | None) -> None:
    """Trim the log now, up to MOMENT, or to its limits. The board's records stay; 'at' reaches no further back.

    \b
    Examples:
      blackboard log trim
      blackboard log trim 5000 --board main
    """
    from blackboard.holds import SNAPSHOT

    async with open_board(target) as board:
        before = await board.horizon()
        trimmed = await board.trim(moment)
    held = "" if trimmed.horizon > before else "; there was nothing to trim: the newest commit always stays"
    if trimmed.holder:
        kind = "snapshot" if trimmed.holder.startswith(SNAPSHOT) else "reader"
        held = f"; the {kind} {trimmed.holder.removeprefix(SNAPSHOT)} holds it from revision {trimmed.held_at}"
    document = {"horizon": trimmed.horizon, "holder": trimmed.holder, "held_at": trimmed.held_at}
    _tell(target, document, f"the log begins after {trimmed.horizon:,}{held}")


@command.command("snapshot")
@click.argument("name")
@click.argument("moment", default="now")
@click.option("--by", metavar="NAME", help="The author; default: your user name.")
@board_options
async def snapshot(target: Target, *, name: str, moment: str, by: str | None) -> None:
    """Give a revision a NAME and keep the log from there, until 'log drop NAME'.

    \b
    Examples:
      blackboard log snapshot before-the-change
      blackboard log snapshot first-refund 1-120
    """
    from blackboard.user_name import user_name

    async with open_board(target, author=by or user_name()) as board:
        taken = await board.snapshot(name, moment)
    _tell(target, taken._asdict(), f"{name} is revision {taken.revision}")


@command.command("drop")
@click.argument("name")
@board_options
async def drop(target: Target, name: str) -> None:
    """Drop the snapshot NAME: the log may be trimmed past it.

    \b
    Example:
      blackboard log drop before-the-change
    """
    async with open_board(target) as board:
        await board.drop_snapshot(name)
    _tell(target, {"dropped": name}, f"dropped {name}")
