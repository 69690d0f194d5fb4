"""``blackboard post``."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from blackboard.commands.target import board_options

if TYPE_CHECKING:
    from blackboard.commands.target import Target


@click.command("post")
@click.argument("key")
@click.argument("value")
@click.option("--if-commit", metavar="COMMIT", help="Only if the record is still as this commit (1-42) wrote it.")
@click.option("--if-absent", is_flag=True, help="Only if there is no such record.")
@click.option("--once", metavar="ID", help="Idempotency key: the same post again gets the first result, for 24 h.")
@click.option("--ttl", metavar="TIME", help="How long it stays: 500ms, 30s, 2m, 1h.")
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
    by: str | None,
) -> None:
    """Write VALUE at KEY: a JSON value, or a text as it is; '-' reads it from standard input.

    Without --if-commit or --if-absent what stands there is replaced. A board named with --board is made
    if it is not there. A value that begins with '-' comes after '--'. One that is not what the board's schema for
    the key asks for is refused, naming the field.

    \b
    Examples:
      blackboard post return/R-1 '{"order": "O-7", "amount": 129.5}' --if-absent
      blackboard post flag/maintenance on --ttl 30m
    """
    from blackboard.commands.post import post
    from knowledge_sources.region_schemas import hold_to_schemas

    await post(
        target,
        key=key,
        value=value,
        if_commit=if_commit,
        if_absent=if_absent,
        once=once,
        ttl=ttl,
        by=by,
        hold=hold_to_schemas,
    )
