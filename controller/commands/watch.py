"""``blackboard watch``."""

from __future__ import annotations

import contextlib
import gc
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from blackboard.commands.target import Target, board_options, open_board
from controller.viewer.preferences import THEMES

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from blackboard.board import Board
    from controller.viewer.watching import Watch
    from controller.viewer.writing import Writing

VIEWS: Final = ("board", "agenda", "agents", "log", "escalations", "run")


class Size(click.ParamType[tuple[int, int]]):
    """``120x40``: columns and lines."""

    name = "WxH"

    def convert(
        self, value: str | tuple[int, int], param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[int, int]:
        if isinstance(value, tuple):
            return value
        width, _, height = value.partition("x")
        if not (width.isdecimal() and height.isdecimal() and 20 <= int(width) <= 500 and 5 <= int(height) <= 200):
            self.fail(f"{value!r}: write columns x lines, such as 120x40 (20x5 to 500x200)", param, ctx)
        return int(width), int(height)


@click.command("watch")
@click.option("--view", type=click.Choice(VIEWS), default="board", help="The view to begin with.")
@click.option("--at", "moment", metavar="MOMENT", default="", help="Begin in the past: a revision, -10, a time.")
@click.option("--write", is_flag=True, help="Allow answers, orders, pause, step and post; without it it only reads.")
@click.option("--by", metavar="NAME", help="With --write: who you are; default: your user name.")
@click.option("--picture", type=click.Path(path_type=Path), metavar="FILE", help="Write an SVG of the screen, and end.")
@click.option("--press", metavar="KEYS", default="", help="For --picture: keys to press first: w,enter,:,type TEXT.")
@click.option("--size", type=Size(), default="120x40", show_default=True, help="For --picture.")
@click.option("--theme", type=click.Choice(THEMES), help="Colours; T changes them. Default: as the last time.")
@click.option("--until-end", is_flag=True, help="As a stream: end when the run on the board ends.")
@board_options
async def command(
    target: Target,
    *,
    view: str,
    moment: str,
    write: bool,
    by: str | None,
    picture: Path | None,
    press: str,
    size: tuple[int, int],
    theme: str | None,
    until_end: bool,
) -> None:
    """Show a board live: records, agenda, agents, log, questions, and why each thing happened. Press ? for the keys.

    It only reads unless --write is given. Where stdout is no terminal, and with -o jsonl, every change from now on is
    one line. -o json shows once how the board stands.

    \b
    Examples:
      blackboard watch
      blackboard watch --board process_return@1 --write --by alice
      blackboard watch --picture board.svg --press "j,w" --size 100x30
      blackboard watch --until-end -o jsonl
    """
    from blackboard.errors import UsageError
    from blackboard.settings import load_settings

    if load_settings({"url": target.url}).url.startswith("memory:"):
        raise UsageError("a memory: board lives inside the process that made it; no other process can watch it")
    if moment and target.output != "text":
        raise UsageError(
            f"--at is for the screen and pictures; 'blackboard at {moment}' lists the records as they were"
        )
    if by and not write:
        raise click.UsageError("--by says who writes: it goes with --write.")
    if press and picture is None:
        raise click.UsageError("--press says what to do before a picture is drawn: it goes with --picture.")
    streams = (sys.stdin, sys.stdout, sys.stderr)
    as_screen = target.output == "text" and all(stream.isatty() for stream in streams)
    async with _read_in(target) as watch:
        if target.output == "json":
            await _tell(watch)
        elif picture is not None:
            await _draw(watch, picture, press, size, theme=theme or THEMES[0], view=view, moment=moment)
        elif as_screen:
            await _show(
                watch, _writing(watch.board, by) if write else None, theme=theme or "", view=view, moment=moment
            )
        else:
            from controller.viewer.stream import Stream

            await Stream(watch, as_json=target.output == "jsonl").follow(until_end=until_end)


@contextlib.asynccontextmanager
async def _read_in(target: Target) -> AsyncIterator[Watch]:
    """The board, followed.  No collection looks into its records while they are read in, nor afterwards: each is a pause."""
    from controller.viewer.watching import Watch

    async with contextlib.AsyncExitStack() as stack:
        gc.disable()
        try:
            board = await stack.enter_async_context(open_board(target))
            watch = await stack.enter_async_context(Watch.begin(board))
            gc.freeze()
        finally:
            gc.enable()
        try:
            yield watch
        finally:
            gc.unfreeze()


async def _tell(watch: Watch) -> None:
    from blackboard.control_shapes import sound
    from blackboard.terminal import format_json
    from controller.viewer.snapshot import take

    await watch.look()
    replica, model = watch.replica, watch.model
    agenda = dict(model.agenda) if model.agenda is not None else None
    snapshot = take(watch.board.name, replica.revision, sound(replica.records()), agenda)
    sys.stdout.write(format_json(snapshot._asdict(), indent=2) + "\n")


def _writing(board: Board, by: str | None) -> Writing:
    from blackboard.user_name import user_name
    from controller.viewer.writing import Writing

    return Writing(board, by or user_name())


async def _show(watch: Watch, writing: Writing | None, *, theme: str, view: str, moment: str) -> None:
    from controller.viewer.app.viewer_app import ViewerApp
    from controller.viewer.preferences import place

    await ViewerApp(watch, writing=writing, view=view, moment=moment, theme=theme, settings=place()).watch_on()
    watch.check()


async def _draw(
    watch: Watch, path: Path, press: str, size: tuple[int, int], *, theme: str, view: str, moment: str
) -> None:
    from blackboard.errors import InvalidInput
    from controller.viewer.app.picture import draw
    from controller.viewer.app.viewer_app import ViewerApp
    from controller.viewer.pressing import keys_of

    keys = keys_of(press)
    await watch.settled()
    svg = await draw(ViewerApp(watch, view=view, theme=theme), size, keys, moment=moment)
    watch.check()
    try:
        path.write_text(svg, encoding="utf-8")
    except OSError as error:
        raise InvalidInput(f"cannot be written: {error.strerror or error}", place=str(path)) from error
