"""What every command on a board shares: which server, which board, which form of output."""

from __future__ import annotations

import contextlib
import functools
import inspect
import sys
from typing import TYPE_CHECKING, Any, Concatenate, Literal, NamedTuple, ParamSpec, TypeAlias, cast

import click

from blackboard.calling import ENDS_PROCESS
from blackboard.commands.offers import board_names, server_urls
from blackboard.commands.to_the_end import complete
from blackboard.errors import NothingSelected
from blackboard.terminal import format_json

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Coroutine

    from blackboard.backend import Backend
    from blackboard.board import Board
    from blackboard.console import SafeConsole

P = ParamSpec("P")
Command: TypeAlias = "Callable[Concatenate[Target, P], int | Coroutine[Any, Any, int | None] | None]"

Output: TypeAlias = Literal["text", "json", "jsonl"]


class Target(NamedTuple):
    """Where a command works and how it answers; ``None`` is what the settings say, or the newest board."""

    url: str | None
    board: str | None
    output: Output


_URL = click.option(
    "--url",
    "-u",
    metavar="URL",
    help="embedded:DIR, memory:, redis://…; default: the settings.",
    shell_complete=server_urls,
)
_BOARD = click.option(
    "--board", "-b", metavar="NAME", help="The board's name; default: the newest.", shell_complete=board_names
)
output_option = click.option(
    "--output",
    "-o",
    type=click.Choice(["text", "json", "jsonl"]),
    default="text",
    show_default=True,
    help="json: one document on stdout; jsonl: one per line.",
)


def file_options(command: Command[P]) -> Callable[..., int | None]:
    """Give a command that needs no server ``--output``, and its function a :class:`Target` in front."""

    @output_option
    @functools.wraps(command)
    def with_target(*args: P.args, **kwargs: P.kwargs) -> int | None:
        target = Target(None, None, cast("Output", kwargs.pop("output")))
        return cast("int | None", command(target, *args, **kwargs))

    return with_target


def server_options(command: Command[P]) -> Callable[..., int | None]:
    """Give a command ``--url`` and ``--output``, and its function a :class:`Target` in front.

    The function may be ``async def``; what it returns is the exit code, ``None`` for 0.
    """

    @_URL
    @output_option
    @functools.wraps(command)
    def with_target(*args: P.args, **kwargs: P.kwargs) -> int | None:
        target = Target(
            cast("str | None", kwargs.pop("url")),
            cast("str | None", kwargs.pop("board", None)),
            cast("Output", kwargs.pop("output")),
        )
        answer = command(target, *args, **kwargs)
        if not inspect.iscoroutine(answer):
            return cast("int | None", answer)
        return complete(answer, last_words=click.get_current_context().meta.get(ENDS_PROCESS))

    return with_target


def board_options(command: Command[P]) -> Callable[..., int | None]:
    """As :func:`server_options`, and ``--board``."""
    return _BOARD(server_options(command))


@contextlib.asynccontextmanager
async def open_backend(target: Target, *, create: bool = False) -> AsyncIterator[Backend]:
    """The server of ``target``, closed afterwards; raises :class:`NoBackend`.

    A private server is started where its directory is there.  Where it is not, it is made with ``create`` only:
    else :class:`NothingSelected`, because nobody who only reads wants an empty directory.
    """
    from blackboard.connect import connect
    from blackboard.settings import load_settings

    settings = load_settings({"url": target.url})
    if not create:
        _check_directory(settings.url)
    backend = await connect(settings=settings)
    try:
        yield backend
    finally:
        await backend.aclose()


def _check_directory(url: str) -> None:
    from blackboard.address import Address
    from blackboard.server_directory import directory_of

    address = Address.parse(url)
    if address.scheme == "embedded":
        path = directory_of(address.rest)
        if not path.is_dir():
            raise NothingSelected(f"no board here: there is no directory {path}; 'blackboard run' makes one")


@contextlib.asynccontextmanager
async def open_board(target: Target, *, author: str = "", create: bool = False) -> AsyncIterator[Board]:
    """The board that ``target`` or the settings name, else the newest of the server.

    Raises :class:`NothingSelected` where there is none; with ``create`` one that is named is made.
    """
    from blackboard.board import Board
    from blackboard.settings import load_settings

    named = load_settings({"board": target.board}).board
    async with open_backend(target, create=create and bool(named)) as backend:
        name = await _choose_board(backend, named, create=create)
        async with await Board.open(backend, name, author=author) as board:
            yield board


async def _choose_board(backend: Backend, named: str, *, create: bool) -> str:
    from blackboard import boards

    if named and (create or await boards.read_meta(backend, named) is not None):
        return named
    known = [meta.name for meta in await boards.list_boards(backend)]
    if named:
        import difflib

        nearest = difflib.get_close_matches(named, known, n=1)
        newest = f"; the newest is {known[0]!r}" if known else ""
        hint = f"; did you mean {nearest[0]!r}?" if nearest else newest
        raise NothingSelected(f"no board {named!r} at {backend.url}{hint}")
    if not known and backend.kind == "memory":
        raise NothingSelected("no board at memory:; one that was there ended with its process")
    if not known:
        raise NothingSelected(f"no board at {backend.url}; 'blackboard run' makes one")
    return known[0]


def emit(target: Target, document: object, render: Callable[[SafeConsole], None]) -> None:
    """Write ``document`` as JSON if that was asked for, else let ``render`` write it for a person.

    ``jsonl`` writes a list's items one to a line, and anything else as the one line it is.
    """
    if target.output == "json":
        sys.stdout.write(format_json(document, indent=2) + "\n")
    elif target.output == "jsonl":
        for item in document if isinstance(document, list) else [document]:
            sys.stdout.write(format_json(item) + "\n")
    else:
        from blackboard.console import SafeConsole

        render(SafeConsole())
