"""``blackboard diff``: two moments of one board, or two runs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from blackboard import exit_codes
from blackboard.commands.target import Target, board_options, emit, open_board

if TYPE_CHECKING:
    from blackboard.board import Board
    from blackboard.console import SafeConsole
    from blackboard.divergence import Divergence
    from blackboard.history import Difference
    from blackboard.log import Change
    from blackboard.pattern import Pattern
    from blackboard.record import Record


@click.command("diff")
@click.argument("first", required=False)
@click.argument("second", default="now")
@click.option("--only", metavar="PATTERN", help="Only records whose key it matches.")
@click.option("--with", "other", metavar="BOARD", help="Compare with another board: where do the two runs part?")
@board_options
async def command(target: Target, *, first: str | None, second: str, only: str | None, other: str | None) -> int:
    """Show what is not the same at two moments, field by field; without SECOND, at FIRST and now.

    A moment is a revision, a commit, a snapshot's name, a time, 'oldest' or 'now'. With --with BOARD it shows instead
    for each record the first version that the two boards do not share, the earliest first: two runs of one
    scenario part there. Exit code 1 where there is a difference.

    \b
    Examples:
      blackboard diff 120 140 --only 'refund/*'
      blackboard diff --board process_return@1 --with process_return@2
    """
    from blackboard.errors import UsageError
    from blackboard.keys import CONTROL_REGION, region_of
    from blackboard.pattern import Pattern

    if (first is None) == (other is None):
        raise UsageError("diff takes either a moment to begin with or --with and a board")
    pattern = Pattern.parse(only) if only is not None else None
    async with open_board(target) as board:
        if other is not None:
            parted = [one for one in await _parted(board, other) if _wanted(pattern, one.key)]
            emit(target, [_parting(one) for one in parted], lambda console: _render_runs(console, parted))
            return exit_codes.FAILED if parted else exit_codes.OK
        found = [one for one in await board.diff(str(first), second) if _wanted(pattern, one.key)]
        if only is None:
            found = [one for one in found if region_of(one.key) != CONTROL_REGION]
        emit(target, [_difference(one) for one in found], lambda console: _render(console, found))
        return exit_codes.FAILED if found else exit_codes.OK


def _wanted(pattern: Pattern | None, key: str) -> bool:
    return pattern is None or pattern.match_key(key) is not None


def _difference(one: Difference) -> dict[str, Any]:
    from blackboard.commands.record_view import record_document

    before, after = one.before, one.after
    return {
        "key": one.key,
        "before": record_document(before) if before is not None else None,
        "after": record_document(after) if after is not None else None,
        "fields": [{"path": path, "before": old, "after": new} for path, old, new in _fields(before, after)],
    }


def _fields(before: Record[Any] | None, after: Record[Any] | None) -> list[tuple[str, Any, Any]]:
    """The fields that changed; a field that is not there is ``None``, as JSON has nothing else."""
    from blackboard.field_changes import ABSENT, field_changes

    if before is None or after is None:
        return []
    changes = field_changes(before.value, after.value)
    if before.status != after.status:
        changes += field_changes({"(status)": before.status}, {"(status)": after.status})
    return [(path, None if old is ABSENT else old, None if new is ABSENT else new) for path, old, new in changes]


def _render(console: SafeConsole, found: list[Difference]) -> None:
    from blackboard.commands.record_view import short_value
    from blackboard.console import shown

    for one in found:
        before, after = one.before, one.after
        if before is None and after is not None:
            console.print(shown(f"+ {one.key}  {short_value(after.value)}  ({after.commit} {after.author})", "green"))
        elif after is None and before is not None:
            console.print(shown(f"- {one.key}  {short_value(before.value)}  ({before.commit} {before.author})", "red"))
        elif before is not None and after is not None:
            console.print(shown(f"~ {one.key}  ({before.commit} → {after.commit} {after.author})", "yellow"))
            for path, old, new in _fields(before, after):
                console.print(shown(f"    {path or '(value)'}: {short_value(old)} → {short_value(new)}"))
    if not found:
        console.print("no difference")


async def _parted(board: Board, other: str) -> list[Divergence]:
    from blackboard.board import Board
    from blackboard.boards import read_meta
    from blackboard.divergence import divergences
    from blackboard.errors import NothingSelected
    from blackboard.history import changes_known

    if await read_meta(board.backend, other) is None:
        raise NothingSelected(f"no board {other!r} at {board.backend.url}")
    async with await Board.open(board.backend, other, create=False) as second:
        for each in (board, second):
            if horizon := await each.horizon():
                cut = f"the log of board {each.name} was trimmed up to revision {horizon}"
                raise NothingSelected(f"{cut}: where two runs part is told from whole logs alone")
        return divergences(
            [change async for change in changes_known(board.store)],
            [change async for change in changes_known(second.store)],
        )


def _parting(one: Divergence) -> dict[str, Any]:
    from blackboard.commands.record_view import change_document

    return {
        "key": one.key,
        "number": one.number,
        "first": change_document(one.first) if one.first is not None else None,
        "second": change_document(one.second) if one.second is not None else None,
    }


def _render_runs(console: SafeConsole, parted: list[Divergence]) -> None:
    from blackboard.commands.record_view import short_value
    from blackboard.console import shown, table

    def told(change: Change | None) -> str:
        if change is None:
            return "—"
        value = short_value(change.record.value) if change.record is not None else "removed"
        return f"{change.commit} {change.author}: {value}"

    if not parted:
        console.print("the same: every record has the same versions on both boards")
        return
    where = parted[0]
    console.print(shown(f"the first difference: {where.key}, version {where.number}, at revision {where.revision}"))
    rows = [(one.key, one.number, told(one.first), told(one.second)) for one in parted]
    console.print(table(("key", "version", "here", "there"), rows, right=("version",)))
