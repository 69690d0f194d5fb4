"""What a board holds, offered where a command line takes it: boards, keys, agents, questions.

Only a server that runs and answers within :data:`WITHIN_S` is asked; where there is none, or anything goes wrong,
nothing is offered.
"""

from __future__ import annotations

import contextlib
import threading
from typing import TYPE_CHECKING, Final, TypeAlias

from blackboard.commands.completing import SAFE

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    import click
    from click.shell_completion import CompletionItem

    from blackboard.backend import Backend

    Ask: TypeAlias = Callable[[Backend, str], Awaitable[list[str]]]

WITHIN_S: Final = 0.3
"""how long a shell waits for a server, connecting included"""


def server_urls(_ctx: click.Context, _param: click.Parameter, _incomplete: str) -> list[str]:
    """How the URL of each kind of server begins."""
    return ["embedded:", "memory:", "redis://", "rediss://", "unix:///"]


def files(_ctx: click.Context, _param: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Whatever files the shell sees."""
    from click.shell_completion import CompletionItem

    return [CompletionItem(incomplete, type="file")]


def board_names(ctx: click.Context, _param: click.Parameter, incomplete: str) -> list[str]:
    """The boards of the server, the newest first."""

    async def ask(backend: Backend, _board: str) -> list[str]:
        from blackboard.boards import list_boards

        return [meta.name for meta in await list_boards(backend)]

    return _asked(ctx, incomplete, ask, with_board=False)


def record_keys(ctx: click.Context, _param: click.Parameter, incomplete: str) -> list[str]:
    """The keys of the board, up to the next ``/``."""

    async def ask(backend: Backend, board: str) -> list[str]:
        from blackboard.names import keys_beginning

        return await keys_beginning(backend, board, incomplete)

    return _asked(ctx, incomplete, ask)


def agent_names(ctx: click.Context, _param: click.Parameter, incomplete: str) -> list[str]:
    """The agents that are registered on the board."""

    async def ask(backend: Backend, board: str) -> list[str]:
        from blackboard.control_records import AGENTS
        from blackboard.names import control_records

        return [record.key.removeprefix(AGENTS) for record in await control_records(backend, board, AGENTS)]

    return _asked(ctx, incomplete, ask)


def open_questions(ctx: click.Context, _param: click.Parameter, incomplete: str) -> list[str]:
    """The ids of the questions that are open, the oldest first."""

    async def ask(backend: Backend, board: str) -> list[str]:
        from blackboard.control_records import ESCALATIONS
        from blackboard.names import control_records

        asked = [one for one in await control_records(backend, board, ESCALATIONS) if one.value["status"] == "open"]
        asked.sort(key=lambda record: int(record.value["asked_ms"]))
        return [record.key.removeprefix(ESCALATIONS) for record in asked]

    return _asked(ctx, incomplete, ask)


def _asked(ctx: click.Context, incomplete: str, ask: Ask, *, with_board: bool = True) -> list[str]:
    """What ``ask`` finds at the server, and on the board, that the line so far or the settings name."""
    import asyncio

    # Loaded out here, so that the time is the server's alone.
    import blackboard.boards
    import blackboard.connect
    import blackboard.names
    from blackboard.settings import load_settings

    if incomplete and not SAFE.match(incomplete):
        return []
    found: list[str] = []

    async def look() -> None:
        settings = load_settings({"url": ctx.params.get("url"), "board": ctx.params.get("board")})
        async with await blackboard.connect.connect_to_running(settings) as backend:
            board = settings.board
            if with_board and not board:
                board = (await blackboard.boards.list_boards(backend))[0].name
            found.extend(await ask(backend, board))

    def work() -> None:
        with contextlib.suppress(Exception):
            asyncio.run(look())

    # A thread of its own, because nothing ends a look-up of a host's name.
    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    thread.join(WITHIN_S)
    return [name for name in found if name.startswith(incomplete) and SAFE.match(name) and not name.startswith("-")]
