"""``blackboard watch``."""

from __future__ import annotations

import asyncio
import sys
from collections import deque
from typing import TYPE_CHECKING, Any, Final

import click
from rich.live import Live

from blackboard.commands.target import Target, board_options, open_board
from blackboard.console import SafeConsole
from blackboard.control_records import RUN
from blackboard.control_shapes import Sieve, checked
from blackboard.errors import HistoryLost, NoBackend, ServerRefused, UsageError
from blackboard.settings import load_settings
from blackboard.terminal import format_json
from controller.agenda_view import parse_agenda
from controller.viewer.screen import picture
from controller.viewer.snapshot import Snapshot, line_of, take

if TYPE_CHECKING:
    from collections.abc import Callable

    from blackboard.board import Board
    from blackboard.log import Change
    from blackboard.replica import Replica

SCREEN_EVERY_S: Final = 0.25
LINES_EVERY_S: Final = 0.05
SILENT_S: Final = 1.5
"""without an answer for so long the server counts as away"""


@click.command("watch")
@click.option("--until-end", is_flag=True, help="End when the run on the board ends.")
@board_options
async def command(target: Target, *, until_end: bool) -> None:
    """Show a board live: records, agenda, agents, log, questions. It only reads; Ctrl-C ends it.

    Where stdout is no terminal, and with -o jsonl, every change from now on is one line. -o json shows once how
    the board stands.

    \b
    Examples:
      blackboard watch
      blackboard watch --board process_return@1 --until-end -o jsonl
    """
    if load_settings({"url": target.url}).url.startswith("memory:"):
        raise UsageError("a memory: board lives inside the process that made it; no other process can watch it")
    async with open_board(target) as board:
        viewer = Viewer(board, await board.replica())
        if target.output == "json":
            await viewer.look()
            sys.stdout.write(format_json(viewer.snapshot()._asdict(), indent=2) + "\n")
        elif target.output == "text" and sys.stdout.isatty():
            with Live(console=SafeConsole(), screen=True, auto_refresh=False) as live:
                await viewer.follow(lambda: viewer.draw(live), SCREEN_EVERY_S, until_end=until_end)
        else:
            as_json = target.output == "jsonl"
            viewer.tell_of_ended_run(until_end=until_end)
            await viewer.follow(lambda: viewer.write(as_json=as_json), LINES_EVERY_S, until_end=until_end)


class Viewer:
    """Follows one board: what it shows comes from the replica and, for the agenda, from a look now and then."""

    def __init__(self, board: Board, replica: Replica) -> None:
        self._board = board
        self._replica = replica
        self._agenda: dict[str, Any] | None = None
        self._sieve = Sieve()
        self._agenda_kept: dict[str, Any] | None = None
        self._kept: Snapshot | None = None
        self._changes: deque[Change] = deque()
        self._loop = asyncio.get_running_loop()
        self._heard = self._loop.time()
        self._away = False

    async def look(self) -> None:
        """Read the agenda, which is not in the log; raises what a read raises."""
        raw = await self._board.store.read("GET", self._board.store.keys.agenda)
        self._agenda = parse_agenda(raw) if raw else None
        self._heard = self._loop.time()

    def snapshot(self) -> Snapshot:
        """The board as the replica shows it; the same one while nothing changes."""
        kept, revision = self._kept, self._replica.revision
        if kept is None or kept.revision != revision or self._agenda != self._agenda_kept:
            records = self._sieve.sound(self._replica.records())
            kept = self._kept = take(self._board.name, revision, records, self._agenda)
            self._agenda_kept = self._agenda
        return kept

    async def follow(self, show: Callable[[], None], every_s: float, *, until_end: bool) -> None:
        """Call ``show`` again and again, until the run has ended or for ever; raises where the board is gone."""
        self._replica.subscribe(self._changes.append)
        looking = asyncio.create_task(self._keep_looking())
        try:
            while not looking.done():
                self._replica.check_following()
                run = self._replica.get(RUN)
                show()
                if until_end and run is not None and checked(run).value["status"] != "running":
                    return
                await asyncio.wait([looking], timeout=every_s)
            looking.result()
        finally:
            looking.cancel()

    async def _keep_looking(self) -> None:
        while True:
            try:
                await self.look()
            except HistoryLost:
                await self._board.revision()  # raises again where the board itself is gone
            except (NoBackend, ServerRefused):
                pass  # which is shown; the next look tries again
            await asyncio.sleep(SCREEN_EVERY_S)

    def draw(self, live: Live) -> None:
        """The screen, with as many of the newest changes as it can hold."""
        while len(self._changes) > live.console.height:
            self._changes.popleft()
        now_ms = self._board.store.server_now_ms()
        silent_s = self._loop.time() - self._heard
        shown_s = silent_s if silent_s > SILENT_S else 0.0
        live.update(picture(self.snapshot(), self._changes, now_ms=now_ms, silent_s=shown_s), refresh=True)

    def tell_of_ended_run(self, *, until_end: bool) -> None:
        """Say on stderr that the run on the board is over, where it is: nothing more may come for ever."""
        run = self._replica.get(RUN)
        if run is None or checked(run).value["status"] == "running":
            return
        told = "there is nothing to wait for" if until_end else "waiting for other changes; --until-end ends at once"
        sys.stderr.write(f"blackboard: the run on {self._board.name} has ended ({run.value['status']}): {told}\n")

    def write(self, *, as_json: bool) -> None:
        """One line for each change since the last call; on stderr when the server goes away and comes back."""
        while self._changes:
            sys.stdout.write(line_of(self._changes.popleft(), as_json=as_json) + "\n")
        sys.stdout.flush()
        away = self._loop.time() - self._heard > SILENT_S
        if away != self._away:
            self._away = away
            told = "does not answer; connecting again" if away else "answers again"
            sys.stderr.write(f"blackboard: {self._board.backend.url} {told}\n")
