"""The terminal while the viewer has it and other work goes on in the process: a run with its agents.

What that work writes to standard output and error, in Python or below it, is kept aside, so that it cannot land
between the lines of the screen.  Ctrl-C stays a signal, as without a screen: it is heard where a key would not be,
while an agent blocks the loop.
"""

from __future__ import annotations

import codecs
import contextlib
import io
import os
import signal
import sys
import termios
import threading
from typing import TYPE_CHECKING, Any, Final, Self

from blackboard import exit_codes
from controller.viewer.app.steady_driver import SteadyDriver
from knowledge_sources.capture import Lines

if TYPE_CHECKING:
    from collections.abc import Callable

    from textual.app import App
    from textual.driver import Driver

OUT: Final = 1
ERR: Final = 2
KITTY_OFF: Final = "\x1b[<u"
"""With that protocol of the keyboard a terminal sends Ctrl-C as a key, which makes no signal."""
RESET: Final = (
    "\x1b[?2004l\x1b[?2048l\x1b[?1006l\x1b[?1015l\x1b[?1003l\x1b[?1000l\x1b[?1004l\x1b[?7h\x1b[<u\x1b[?1049l\x1b[?25h"
)
"""undoes what the driver asks of a terminal: paste, size, mouse, focus, wrapping, keyboard, screen, cursor"""
GONE_S: Final = 10.0
"""from the end of the terminal to that of the process: an agent that blocks the loop would keep it for ever"""
END_S: Final = 0.2
"""how long what was written last may take to arrive; a child process may hold the pipe open for ever"""


class HeldTerminal:
    """Taken where it is made; :meth:`give_back` puts everything back as it was, and may be called again."""

    def __init__(self) -> None:
        self._input = sys.__stdin__.fileno() if sys.__stdin__ is not None else 0
        self._settings = termios.tcgetattr(self._input)
        _flush()
        self._real = {number: os.dup(number) for number in (OUT, ERR)}
        self._screen = _Screen(self._real[ERR])
        end, pipe = os.pipe()
        for number in self._real:
            os.dup2(pipe, number)
        os.close(pipe)
        self._aside = Lines()
        self._reader = threading.Thread(target=_read, args=(end, self._aside), name="written-aside", daemon=True)
        self._reader.start()
        self._held = True
        self._interrupts = 0
        self._interrupted: Callable[[], object] = lambda: None
        self._gone: Callable[[], object] = lambda: None
        self._before: Any = None
        self._hang_up: Any = None
        self._is_gone = False

    @property
    def held(self) -> bool:
        """Whether the viewer still has it."""
        return self._held

    @property
    def driver(self) -> type[Driver]:
        """What draws on it."""
        held, screen = self, self._screen

        class HeldDriver(SteadyDriver):
            def __init__(
                self, app: App[Any], *, debug: bool = False, mouse: bool = True, size: tuple[int, int] | None = None
            ) -> None:
                super().__init__(app, debug=debug, mouse=mouse, size=size)
                self._file = screen

            def _get_terminal_size(self) -> tuple[int, int]:
                width, height = os.get_terminal_size(screen.fileno())
                return width or 80, height or 24

            @classmethod
            def _patch_lflag(cls, attrs: int) -> int:
                return super()._patch_lflag(attrs) | (attrs & termios.ISIG)

            def start_application_mode(self) -> None:
                super().start_application_mode()  # type: ignore[no-untyped-call]  # Textual's
                if held.held:
                    self.write(KITTY_OFF)

        return HeldDriver

    def listen(self, interrupted: Callable[[], object], gone: Callable[[], object]) -> Self:
        """Tell of the first Ctrl-C, and before the second ends the process wherever it is, give the terminal back.

        ``gone`` is called when the terminal is closed; the process ends soon after that, whatever still runs in it.
        """
        self._interrupted, self._gone = interrupted, gone
        before = signal.getsignal(signal.SIGINT)
        if callable(before) and threading.current_thread() is threading.main_thread():
            self._before = before
            signal.signal(signal.SIGINT, self._heard)
        hang_up = signal.getsignal(signal.SIGHUP)
        if self._before is not None and hang_up is not signal.SIG_IGN:
            self._hang_up = hang_up
            signal.signal(signal.SIGHUP, self._hung_up)
        return self

    def give_back(self) -> list[str]:
        """Put streams and signals back; returns what was written aside, at the first time."""
        if not self._held:
            return []
        self._held = False
        if self._before is not None:
            signal.signal(signal.SIGINT, self._before)
        if self._hang_up is not None and not self._is_gone:
            signal.signal(signal.SIGHUP, self._hang_up)
        _flush()
        for number, real in self._real.items():
            os.dup2(real, number)
        self._reader.join(END_S)
        return self._aside.all()

    def reset(self) -> None:
        """As :meth:`give_back`, from any place of the program and without the driver, which may not come to its end."""
        self._screen.lost = True
        with contextlib.suppress(OSError):
            os.write(self._real[ERR], RESET.encode())
        with contextlib.suppress(termios.error):
            termios.tcsetattr(self._input, termios.TCSANOW, self._settings)
        self.give_back()

    def _hung_up(self, number: int, frame: Any) -> None:
        del number, frame
        if not self._is_gone:  # it comes again, from a shell that ends with its terminal
            self._is_gone = self._screen.lost = True
            last = threading.Timer(GONE_S, os._exit, (exit_codes.INTERRUPTED,))
            last.daemon = True
            last.start()
            self._gone()

    def _heard(self, number: int, frame: Any) -> None:
        self._interrupts += 1
        before = self._before
        if self._interrupts == 1:
            self._interrupted()
        else:
            self.reset()
        before(number, frame)


class _Screen(io.TextIOWrapper):
    """Where the driver draws; what it draws on a terminal that has gone away is dropped: nothing waits for that."""

    def __init__(self, descriptor: int) -> None:
        self.lost = False
        super().__init__(io.FileIO(descriptor, "wb", closefd=False), encoding="utf-8", errors="backslashreplace")

    def write(self, text: str) -> int:
        if not self.lost:
            with contextlib.suppress(OSError):
                super().write(text)
        return len(text)

    def flush(self) -> None:
        with contextlib.suppress(OSError):
            super().flush()


def _flush() -> None:
    for stream in (sys.__stdout__, sys.__stderr__):
        if stream is not None:
            with contextlib.suppress(OSError, ValueError):
                stream.flush()


def _read(end: int, aside: Lines) -> None:
    decode = codecs.getincrementaldecoder("utf-8")("backslashreplace").decode
    while data := os.read(end, 1 << 16):
        aside.write(decode(data))
    os.close(end)
