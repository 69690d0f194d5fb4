"""A run as a person watches it: what happens, and under it one live line; where there is no terminal, now and then one."""

from __future__ import annotations

import sys
from time import monotonic
from typing import TYPE_CHECKING, Any, Final

from blackboard.console import SafeConsole, shown
from blackboard.wording import counted
from scenarios.progress import Note, Progress

if TYPE_CHECKING:
    from blackboard.board import Board
    from blackboard.log import Change
    from blackboard.replica import Replica
    from scenarios.verdict import Finished

LIVE_EVERY_S: Final = 0.1
PLAIN_EVERY_S: Final = 2.0


class Silent:
    """An onlooker that shows nothing, for who wants the result alone, but why nothing goes on."""

    def __init__(self) -> None:
        self._errors = SafeConsole(sys.stderr)

    async def opened(self, board: Board, replica: Replica, *, resumed: bool) -> None:
        return

    def changed(self, change: Change, running: int, pending: int) -> None:
        return

    def note(self, text: str) -> None:
        return

    def rested(self) -> None:
        return

    def stopped(self, text: str) -> None:
        self._errors.print(shown(text))

    async def ended(self, finished: Finished | None) -> None:
        return

    def close(self) -> None:
        return


class RunScreen:
    """An onlooker that writes on ``console``; :meth:`close` takes the live line away."""

    def __init__(self, console: SafeConsole, scenario: str) -> None:
        self._console = console
        # The stream as it is now: while agents run, sys.stderr is theirs.
        self._errors = console if console.is_terminal else SafeConsole(sys.stderr)
        self._scenario = scenario
        self._progress = Progress()
        self._board = ""
        self._status: Any = None
        self._every_s = LIVE_EVERY_S if console.is_terminal else PLAIN_EVERY_S
        self._started = self._shown = monotonic()

    async def opened(self, board: Board, replica: Replica, *, resumed: bool) -> None:
        self._board = board.name
        self._progress.begin_with(replica.records())
        going_on = ", going on where it was left" if resumed else ""
        self._say(shown(f"{self._scenario} on board {board.name}{going_on}", "bold"))
        if self._console.is_terminal:
            self._status = self._console.status(self._line(0, 0))
            self._status.start()

    def changed(self, change: Change, running: int, pending: int) -> None:
        for note in self._progress.see(change):
            self._tell(note)
        now = monotonic()
        if now - self._shown >= self._every_s:
            self._shown = now
            line = self._line(running, pending)
            if self._status is not None:
                self._status.update(line)
            else:
                self._say(line)

    def note(self, text: str) -> None:
        self._tell(Note(text))

    def rested(self) -> None:
        questions = self._progress.questions
        waiting = f", {counted(questions, 'question')} to people open" if questions else ""
        self._tell(Note(f"at rest{waiting}; serving board {self._board} until interrupted"))
        if self._status is not None:
            self._status.update(self._line(0, 0))

    def stopped(self, text: str) -> None:
        self._errors.print(shown(text, "yellow"))

    async def ended(self, finished: Finished | None) -> None:
        return

    def close(self) -> None:
        """Take the live line away."""
        if self._status is not None:
            self._status.stop()
            self._status = None

    def _line(self, running: int, pending: int) -> Any:
        progress = self._progress
        parts = [
            f"{monotonic() - self._started:.1f} s: {progress.resting:,} of {progress.cases:,} cases at rest",
            f"{running:,} running",
            f"{pending:,} pending",
        ]
        if progress.questions:
            parts.append(f"{progress.questions:,} asked")
        line = shown(", ".join(parts))
        line.no_wrap, line.overflow = True, "ellipsis"
        return line

    def _tell(self, note: Note) -> None:
        self._say(shown(f"  {note.text}", "yellow" if note.grave else "cyan", keep="\n"))

    def _say(self, line: Any) -> None:
        self._console.print(line)
