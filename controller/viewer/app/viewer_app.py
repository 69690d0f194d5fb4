"""The viewer as a program on a terminal: its screen, its colours, what it keeps for the next time."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import threading
from collections import deque
from typing import TYPE_CHECKING, Any, ClassVar, Final

from textual import events
from textual.app import App
from textual.binding import Binding, BindingType
from textual.filter import NoColor

from controller.viewer import preferences as kept
from controller.viewer.app.drawing import Drawing
from controller.viewer.app.main_screen import MainScreen
from controller.viewer.app.stage import VIEWS
from controller.viewer.app.steady_driver import SteadyDriver
from controller.viewer.preferences import THEMES

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from textual.dom import DOMNode
    from textual.driver import Driver

    from controller.viewer.line import Meaning
    from controller.viewer.watching import Watch
    from controller.viewer.writing import Writing

PLAIN: Final = "ansi-dark"
ANSWERED_WITHIN_S: Final = 2.0
"""so long the keys behind one that takes long have to wait for it"""
ROUNDS: Final = 3
"""from a widget up to the app: what a key posts is answered in turn, and that may post something again"""
INTERRUPTING: Final = ("ctrl+c", "ctrl+q")
"""keys that wait for no other"""


class ViewerApp(App[None]):
    """Shows the board that ``watch`` follows until the person leaves or the board is gone.

    What goes wrong inside it is raised by :meth:`watch_on`, not printed: a traceback shows values of records.
    """

    ENABLE_COMMAND_PALETTE = False
    ALLOW_SELECT = False
    BINDINGS: ClassVar[list[BindingType]] = [Binding(",".join(INTERRUPTING), "interrupt", show=False, priority=True)]

    def __init__(
        self,
        watch: Watch,
        *,
        writing: Writing | None = None,
        view: str = VIEWS[0],
        moment: str = "",
        theme: str = "",
        settings: Path | None = None,
        driver: type[Driver] | None = None,
        drawn: asyncio.Event | None = None,
    ) -> None:
        """``driver`` is one of a terminal that somebody else holds: then the process's streams are left to them.

        ``drawn`` is set when there is something to be seen.
        """
        self._wanted = theme
        self.interrupted = False
        self._drawn = drawn
        self._streams = (sys.stdout, sys.stderr) if driver is not None else None
        self._typed: deque[events.Key] = deque()
        """keys that are not answered yet; the first of them is being answered"""
        no_color = os.environ.get("NO_COLOR")
        super().__init__(driver_class=driver or SteadyDriver)
        self._plain = no_color is not None
        if no_color is not None:
            os.environ["NO_COLOR"] = no_color  # which Textual takes away, from agents too
            self._filters[-1:] = [NoColor()]  # where it would draw in shades of grey
        self._factory: Any = None
        self._settings = settings
        self.preferences = kept.load(settings) if settings is not None else kept.Preferences()
        self.main = MainScreen(watch, self.preferences, writing, view=view, moment=moment)

    async def watch_on(self) -> None:
        """Show it on the terminal; raises :class:`KeyboardInterrupt` for Ctrl-C, and what went wrong."""
        loop = asyncio.get_running_loop()
        ending = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
        for number in ending:  # the terminal is given back as it was
            loop.add_signal_handler(number, self.action_interrupt)
        try:
            await self.show()
        finally:
            for number in ending:
                loop.remove_signal_handler(number)
        if self.interrupted:
            raise KeyboardInterrupt

    async def show(self) -> None:
        """Show it on the terminal, whoever hears the signals; raises what went wrong.

        :attr:`interrupted` says whether the person left by a key that interrupts.
        """
        self._factory = asyncio.get_running_loop().get_task_factory()
        stops = {number: signal.getsignal(number) for number in (signal.SIGTSTP, signal.SIGCONT)}
        try:
            await self.run_async()
        finally:
            if threading.current_thread() is threading.main_thread():
                for number, before in stops.items():  # those of the driver would start it again
                    signal.signal(number, before)
        if self._exception is not None:
            raise self._exception

    def tell(self, text: str, meaning: Meaning = "", *, lasting: bool = False) -> None:
        """Say ``text`` above the footer, from any task and also before there is a footer."""
        self.call_later(self.main.tell, text, meaning, lasting=lasting)

    async def on_event(self, event: events.Event) -> None:
        if not isinstance(event, events.Key) or event.is_forwarded or event.key in INTERRUPTING:
            await super().on_event(event)
            return
        self._typed.append(event)
        if len(self._typed) == 1:
            await self._take_key()

    async def _take_key(self) -> None:
        """Hand on the first key; those behind it wait until it has been answered, since they may be meant for that.

        What is typed ahead, over a slow line or by a program, would else go to who had the focus when it came.
        """
        key = self._typed[0]
        path = [*(self.focused or self.screen).ancestors_with_self]
        await super().on_event(key)
        self.set_timer(ANSWERED_WITHIN_S, lambda: self._answered(key))
        self._follow(key, path * ROUNDS)

    def _follow(self, key: events.Key, path: Sequence[DOMNode]) -> None:
        """Go where ``key`` went, behind it in the queue of each on ``path``."""
        for at, node in enumerate(path, 1):
            if node.call_later(self._follow, key, path[at:]):
                return
        self._answered(key)

    def _answered(self, key: events.Key) -> None:
        if self._typed and self._typed[0] is key:
            self._typed.popleft()
            if self._typed:
                self.call_later(self._take_key)

    def action_interrupt(self) -> None:
        """Leave as interrupted."""
        self.interrupted = True
        self.exit()

    def _fatal_error(self) -> None:
        self._close_messages_no_wait()

    def on_load(self) -> None:
        # Textual sets one that starts tasks at once, for the whole loop: also for what runs beside it.
        asyncio.get_running_loop().set_task_factory(self._factory)
        if self._streams is not None:
            self._streams = (sys.stdout, sys.stderr)

    def on_mount(self) -> None:
        if self._streams is not None:
            sys.stdout, sys.stderr = self._streams  # which Textual has just taken
        self.theme = self._first_theme()
        self.push_screen(self.main)
        if self._drawn is not None:
            self.main.call_after_refresh(self._drawn.set)

    async def on_unmount(self) -> None:
        self.main.stage.note(self.preferences)
        if self._settings is not None:
            kept.save(self.preferences, self._settings)
        await self.main.trail.aclose()
        await self.main.stage.close()

    def _first_theme(self) -> str:
        """What was asked for; else, where there are only the sixteen of the terminal or none, those; else the last."""
        if self._wanted:
            return self._wanted
        if self._plain or self.console.color_system in (None, "standard"):
            return PLAIN
        return self.preferences.theme if self.preferences.theme in THEMES else THEMES[0]

    def action_next_theme(self) -> None:
        """Take the next theme."""
        at = THEMES.index(self.theme) if self.theme in THEMES else -1
        self.theme = self.preferences.theme = THEMES[(at + 1) % len(THEMES)]
        for drawing in self.screen.query(Drawing):
            drawing.repaint()
