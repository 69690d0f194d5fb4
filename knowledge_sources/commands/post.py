"""``blackboard post``."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import click

from blackboard.commands.target import Target, board_options, emit, open_board

if TYPE_CHECKING:
    from blackboard.commit import Committed


@click.command("post")
@click.argument("key")
@click.argument("value")
@click.option("--if-commit", metavar="COMMIT", help="Only if the record is still as this commit (1-42) wrote it.")
@click.option("--if-absent", is_flag=True, help="Only if there is no such record.")
@click.option("--once", metavar="ID", help="Idempotency key: the same post again gets the first result, for 24 h.")
@click.option("--ttl", metavar="TIME", help="How long it stays: 500ms, 30s, 2m, 1h.")
@click.option("--reason", default="", help="Kept beside it, under control/posts/.")
@click.option("--by", metavar="NAME", help="The author; default: your user name.")
@board_options
async def command(
    target: Target,
    *,
    key: str,
    value: str,
    if_commit: str | None,
    if_absent: bool,
    once: str | None,
    ttl: str | None,
    reason: str,
    by: str | None,
) -> None:
    """Write VALUE at KEY: a JSON value, or a text as it is; '-' reads it from standard input.

    What begins with {, [ or ", and a number, true, false or null, is JSON, and refused where it is none; any other
    word is a text without quotes: on is "on", and 007 is "007".
    Without --if-commit or --if-absent what stands there is replaced. A board named with --board is made
    if it is not there. A value that begins with '-' comes after '--'. One that is not what the board's schema for
    the key asks for is refused, naming the field.

    \b
    Examples:
      blackboard post return/R-1 '{"order": "O-7", "amount": 129.5}' --if-absent
      blackboard post flag/maintenance on --ttl 30m
    """
    from blackboard.durations import parse_duration
    from blackboard.errors import UsageError
    from blackboard.terminal import sanitize
    from blackboard.typed_value import parse_value
    from blackboard.user_name import user_name
    from knowledge_sources.posting import check_postable, described, post

    check_postable(key)
    if if_commit is not None and if_absent:
        raise UsageError("--if-commit and --if-absent contradict each other")
    ttl_ms = parse_duration(ttl) if ttl is not None else None
    content = parse_value(sys.stdin.read() if value == "-" else value)
    async with open_board(target, create=True) as board:
        done = await post(
            board, key, content, by or user_name(), if_commit=if_commit, if_absent=if_absent, reason=reason, once=once,
            ttl_ms=ttl_ms,
        )  # fmt: skip
    outcome = sanitize(described(key, done))
    emit(target, _document(board.name, key, done), lambda console: console.print(outcome))


def _document(board: str, key: str, committed: Committed) -> dict[str, Any]:
    written = committed.writes[0]
    return {
        "board": board,
        "key": key,
        "commit": written.commit,
        "version": written.version,
        "changed": written.changed,
        "repeated": committed.repeated,
    }
