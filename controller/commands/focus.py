"""``blackboard focus``: show, set, clear."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from blackboard.commands.defaulting import DefaultingGroup
from blackboard.commands.target import Target, board_options, emit, open_board
from controller.commands.flow import said_by

if TYPE_CHECKING:
    from blackboard.control_records import Focus


class _Group(DefaultingGroup):
    default = "show"


@click.group("focus", cls=_Group)
def command() -> None:
    """Show what alone is to fire on a board, set it, or clear it.

    \b
    Examples:
      blackboard focus
      blackboard focus set --agent refund --for 10m --reason "the refunds first"
      blackboard focus clear
    """


@command.command("show")
@board_options
async def show(target: Target) -> None:
    """Show the focus of a board.

    \b
    Example:
      blackboard focus show -o json
    """
    from controller.flow import focus_of

    async with open_board(target) as board:
        found = await focus_of(board)
        line = described(found) if found is not None else f"board {board.name} has no focus: everything may fire"
    _tell(target, {"board": board.name, "focus": found}, line)


@command.command("set")
@click.option("--agent", "agents", multiple=True, metavar="NAME", help="Only this agent; may be repeated.")
@click.option(
    "--region", "regions", multiple=True, metavar="REGION", help="Only what a record of this region sets off."
)
@click.option("--case", "cases", multiple=True, metavar="CASE", help="Only this case, by the key of its fed record.")
@click.option("--pattern", "patterns", multiple=True, metavar="PATTERN", help="Only what such a record sets off.")
@click.option("--for", "duration", metavar="DURATION", help="How long, as in 10m; default: until it is cleared.")
@said_by
@board_options
async def set_(
    target: Target,
    *,
    agents: tuple[str, ...],
    regions: tuple[str, ...],
    cases: tuple[str, ...],
    patterns: tuple[str, ...],
    duration: str | None,
    by: str | None,
    reason: str,
) -> None:
    """Let only that fire which meets each kind of condition that is given; supervisors go on seeing to what is late.

    The others stay pending. A run that has nothing else left ends as awaiting people, and says what is out of focus.

    \b
    Examples:
      blackboard focus set --region refund --region payment
      blackboard focus set --pattern 'order/{order} where amount > 500' --for 30m
    """
    from blackboard.durations import parse_duration
    from blackboard.user_name import user_name
    from controller.cases import is_case
    from controller.flow import focus
    from controller.giving import check_registered

    ttl_ms = parse_duration(duration) if duration is not None else None
    if ttl_ms == 0:
        raise click.UsageError("--for: must be longer than nothing")
    async with open_board(target) as board:
        await check_registered(board, agents)
        absent = [case for case in cases if not await is_case(board, case)]
        wanted: Focus = {
            "agents": list(agents),
            "regions": list(regions),
            "cases": list(cases),
            "patterns": list(patterns),
            "author": by or user_name(),
            "reason": reason,
            "expires_ms": None if ttl_ms is None else board.store.server_now_ms() + ttl_ms,
        }
        await focus(board, wanted, ttl_ms)
    note = f"; nothing is of case {' or '.join(absent)} as yet" if absent else ""
    _tell(target, {"board": board.name, "focus": wanted}, described(wanted) + note)


@command.command("clear")
@said_by
@board_options
async def clear(target: Target, *, by: str | None, reason: str) -> None:
    """Let everything fire again.

    \b
    Example:
      blackboard focus clear
    """
    from blackboard.user_name import user_name
    from controller.flow import Person, unfocus

    async with open_board(target) as board:
        there_was = await unfocus(board, Person(by or user_name(), reason))
    line = "everything may fire again" if there_was else f"board {board.name} had no focus"
    _tell(target, {"board": board.name, "focus": None}, line)


def described(focus: Focus) -> str:
    """The focus in a line."""
    from blackboard.commands.record_view import instant
    from controller.focus import Focus as Parsed

    until = f", until {instant(focus['expires_ms'])}" if focus["expires_ms"] is not None else ""
    return f"only {Parsed.of(focus).describe()}{until}"


def _tell(target: Target, document: dict[str, object], line: str) -> None:
    from blackboard.console import shown

    emit(target, document, lambda console: console.print(shown(line)))
