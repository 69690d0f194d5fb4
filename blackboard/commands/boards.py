"""``blackboard boards``: list, remove."""

from __future__ import annotations

import sys
import time
from typing import TYPE_CHECKING, Any

import click

from blackboard.commands.defaulting import DefaultingGroup
from blackboard.commands.offers import board_names
from blackboard.commands.target import Target, emit, open_backend, server_options

if TYPE_CHECKING:
    from blackboard.backend import Backend
    from blackboard.boards import BoardMeta


@click.group("boards", cls=DefaultingGroup)
def command() -> None:
    """List the boards of a server, or remove one.

    \b
    Examples:
      blackboard boards
      blackboard boards list -o json
      blackboard boards remove process_return@1 --yes
    """


@command.command("list")
@server_options
async def list_(target: Target) -> None:
    """List the boards, the newest first, with the state of the last run on each.

    \b
    Example:
      blackboard boards list --url redis://db:6379 -o jsonl
    """
    from blackboard import boards
    from blackboard.console import table
    from blackboard.errors import NothingSelected
    from blackboard.wording import span

    async with open_backend(target) as backend:
        found = await boards.list_boards(backend)
        if not found:
            raise NothingSelected(f"no board at {backend.url}")
        documents = [await _document(backend, meta) for meta in found]
    now_ms = time.time_ns() // 1_000_000
    rows = [
        (
            d["name"],
            d["revision"],
            d["epoch"],
            d["records"],
            span(now_ms - d["created_ms"]),
            d["damage"] or d["run"] or "",
        )
        for d in documents
    ]
    columns = ("board", "revision", "epoch", "records", "age", "run")
    emit(target, documents, lambda console: console.print(table(columns, rows, right=columns[1:5])))


async def _document(backend: Backend, meta: BoardMeta) -> dict[str, Any]:
    from blackboard import boards
    from blackboard.control_records import RUN
    from blackboard.errors import Corrupt

    damage, run, records = meta.damage, None, 0
    try:
        run = await boards.read_control(backend, meta.name, RUN)
        records = await boards.count_records(backend, meta.name)
    except Corrupt as error:
        damage = damage or str(error)
    return {
        "name": meta.name,
        "revision": meta.revision,
        "epoch": meta.epoch,
        "records": records,
        "created_ms": meta.created_ms,
        "run": run.value["status"] if run is not None else None,
        "damage": damage or None,
    }


@command.command("remove")
@click.argument("name", shell_complete=board_names)
@click.option("--yes", "-y", is_flag=True, help="Do not ask.")
@server_options
async def remove(target: Target, name: str, yes: bool) -> None:
    """Remove the board NAME: all its records and its log, also where it is damaged. Nothing brings it back.

    \b
    Example:
      blackboard boards remove process_return@1 --yes
    """
    from blackboard import boards
    from blackboard.errors import NothingSelected

    async with open_backend(target) as backend:
        if not await boards.has_keys(backend, name):
            raise NothingSelected(f"no board {name!r} at {backend.url}")
        if not yes:
            ask_whether_to_remove(name, await _count(backend, name))
        keys = await boards.remove_board(backend, name)
    emit(target, {"name": name, "keys_removed": keys}, lambda console: console.print(f"removed {name}: {keys} keys"))


async def _count(backend: Backend, name: str) -> str:
    from blackboard import boards
    from blackboard.errors import Corrupt

    try:
        return f"{await boards.count_records(backend, name)} records"
    except Corrupt:  # it is to go, whatever it holds
        return "whatever it holds"


def ask_whether_to_remove(name: str, records: str) -> None:
    """Return where a person says yes; raises :class:`UsageError` where there is nobody to say anything."""
    from blackboard.errors import UsageError

    try:
        sure = click.confirm(f"Remove board {name} with {records} and its log?", err=True)
    except click.Abort:
        if sys.stdin.isatty():
            raise
        # The question stands on a line that no answer ended.
        click.echo(err=True)
        raise UsageError(f"nobody is here to answer, so nothing was removed; to remove {name}, pass --yes") from None
    if not sure:
        raise click.Abort
