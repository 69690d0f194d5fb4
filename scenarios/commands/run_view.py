"""A run as a person watches it in the viewer: on top while it goes, and left standing when it has ended.

Who leaves the viewer before that gets the plain progress of the run instead.
"""

from __future__ import annotations

import asyncio
import sys
from typing import TYPE_CHECKING

from blackboard.console import SafeConsole, shown
from blackboard.control_records import FLOW
from blackboard.wording import counted
from controller.viewer.app.held_terminal import HeldTerminal
from controller.viewer.app.viewer_app import ViewerApp
from controller.viewer.preferences import place
from controller.viewer.watching import Watch
from controller.viewer.writing import Writing
from knowledge_sources.capture import capturing
from scenarios.flow_note import flow_note

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

    from blackboard.board import Board
    from blackboard.log import Change
    from blackboard.replica import Replica
    from controller.viewer.line import Meaning
    from scenarios.commands.run_screen import RunScreen, Silent
    from scenarios.verdict import Finished


class RunView:
    """An onlooker that shows the run's own board in the viewer, and hands on to ``plain`` where that is left.

    ``by`` may act from it; ``""`` is nobody.  The replica, the loop and the collector are those of the run.
    """

    def __init__(self, plain: Silent | RunScreen, by: str) -> None:
        self._plain = plain
        self._by = by
        self._streams = sys.stdout, sys.stderr
        self._errors = SafeConsole(sys.stderr)
        self._terminal: HeldTerminal | None = None
        self._app: ViewerApp | None = None
        self._viewing: asyncio.Task[None] | None = None
        self._run: asyncio.Task[object] | None = None
        self._ended = False
        self._notices: list[Callable[[ViewerApp], None]] = []
        """until there is an app to tell them"""
        self._hand_on: Callable[[], Coroutine[None, None, None]]

    async def opened(self, board: Board, replica: Replica, *, resumed: bool) -> None:
        """Begin when the viewer stands, so that its beginning is no part of the run."""

        async def hand_on() -> None:
            await self._plain.opened(board, replica, resumed=resumed)
            flow = replica.get(FLOW)
            if flow is not None and flow.value["mode"] != "running":
                self._plain.stopped(flow_note(board.name, flow.value))

        self._hand_on = hand_on
        self._run = asyncio.current_task()
        loop = asyncio.get_running_loop()
        self._terminal = HeldTerminal().listen(
            lambda: loop.call_soon_threadsafe(self._interrupted), lambda: loop.call_soon_threadsafe(self._closed)
        )
        # Whoever takes the streams later, and gives these back, what agents write goes to their activations.
        sys.stdout, sys.stderr = capturing(self._streams[0]), capturing(self._streams[1])
        drawn = asyncio.Event()
        self._viewing = asyncio.create_task(self._view(board, self._terminal, drawn))
        await drawn.wait()

    def changed(self, change: Change, running: int, pending: int) -> None:
        if not self._shown:
            self._plain.changed(change, running, pending)

    def note(self, text: str) -> None:
        if self._shown:
            self._tell(text)
        else:
            self._plain.note(text)

    def rested(self) -> None:
        if self._shown:
            self._tell("at rest; serving until interrupted")
        else:
            self._plain.rested()

    def stopped(self, text: str) -> None:
        if self._shown:
            self._tell(text, "warn")
        else:
            self._plain.stopped(text)

    async def ended(self, finished: Finished | None) -> None:
        """Stay until the person leaves, unless the run was interrupted or ended by an error."""
        self._ended = True
        if self._viewing is None:
            return
        if finished is None or finished.status == "interrupted":
            self._leave()
        else:
            self._tell(*outcome(finished), lasting=True)
        try:
            await asyncio.wait({self._viewing})
        except asyncio.CancelledError:  # Ctrl-C where nothing is left to be interrupted
            task = asyncio.current_task()
            if task is not None:
                task.uncancel()
            self._leave()
            await asyncio.wait({self._viewing})

    def close(self) -> None:
        """Give back what is still held."""
        if self._terminal is not None and self._terminal.held:
            self._terminal.reset()
        sys.stdout, sys.stderr = self._streams
        self._plain.close()

    @property
    def _shown(self) -> bool:
        return self._terminal is not None and self._terminal.held

    async def _view(self, board: Board, terminal: HeldTerminal, drawn: asyncio.Event) -> None:
        """Show it until the person leaves; then the run is interrupted or told of without, as they left."""
        failure = ""
        try:
            await self._show(board, terminal, drawn)
        except Exception as error:  # noqa: BLE001  a viewer that fails is no reason for the run to
            failure = f"the viewer has failed: {type(error).__name__}: {error}"
        finally:
            for line in terminal.give_back():
                self._errors.print(shown(line))
            drawn.set()
        if failure:
            self._errors.print(shown(failure, "yellow"))
        if self._ended:
            return
        if self._app is not None and self._app.interrupted and self._run is not None:
            self._run.cancel()
        else:
            await self._hand_on()

    async def _show(self, board: Board, terminal: HeldTerminal, drawn: asyncio.Event) -> None:
        async with Watch.begin(board) as watch:
            writing = Writing(board, self._by) if self._by else None
            self._app = ViewerApp(watch, writing=writing, settings=place(), driver=terminal.driver, drawn=drawn)
            for tell in self._notices:
                tell(self._app)
            await self._app.show()
            watch.check()

    def _closed(self) -> None:
        if self._run is not None:
            self._run.cancel()

    def _interrupted(self) -> None:
        if not self._ended:
            self._tell("interrupted; what runs is handed back", "warn")

    def _tell(self, text: str, meaning: Meaning = "", *, lasting: bool = False) -> None:
        def tell(app: ViewerApp) -> None:
            app.tell(text, meaning, lasting=lasting)

        if self._app is not None:
            tell(self._app)
        else:
            self._notices.append(tell)

    def _leave(self) -> None:
        if self._app is not None:
            self._app.exit()
        elif self._viewing is not None:
            self._viewing.cancel()


def outcome(finished: Finished) -> tuple[str, Meaning]:
    """How a run ended and whether what was expected of it came true, in one line."""
    results = finished.results
    failed = [result for result in results if not result.passed]
    ended = f"Ended (q for the summary): {finished.ending}"
    if failed:
        number = f"{len(failed)} of {counted(len(results), 'expectation')} failed"
        return f"Ended (q for the summary): {number}: {failed[0].sentence} · {finished.ending}", "bad"
    held = f" · {counted(len(results), 'expectation')} held" if results else ""
    return ended + held, "good" if finished.exit_code == 0 else "bad"
