"""What an agent prints and logs, kept with its activation and away from the terminal.

The running context is in a context variable, which tasks inherit and threads are handed, so two agents
that print at the same moment are told apart.  Where nobody intercepts, printing is as it always was.
"""

from __future__ import annotations

import contextlib
import logging
import sys
from contextvars import ContextVar
from typing import TYPE_CHECKING, Final, Protocol, TextIO, cast

if TYPE_CHECKING:
    from collections.abc import Iterator

MAX_LINES: Final = 200
MAX_LINE_LENGTH: Final = 500


class Sink(Protocol):
    """Where captured text goes; a context is one."""

    def captured(self, text: str) -> None: ...


RUNNING: Final[ContextVar[Sink | None]] = ContextVar("running_activation", default=None)
"""The activation that the present task or thread runs for."""


class Lines:
    """At most 200 lines of at most 500 characters; what goes beyond is counted, not kept."""

    __slots__ = ("_dropped", "_kept", "_partial")

    def __init__(self) -> None:
        self._kept: list[str] = []
        self._partial = ""
        self._dropped = 0

    def write(self, text: str) -> None:
        """Add ``text``, which ends a line only where it says so."""
        if len(self._kept) >= MAX_LINES:
            self._dropped += text.count("\n")
            return
        *complete, rest = text.split("\n")
        for line in complete:
            self._keep(self._partial + line)
            self._partial = ""
        # One character more than is kept, so that a cut line is known to be cut.
        self._partial = (self._partial + rest)[: MAX_LINE_LENGTH + 1]

    def all(self) -> list[str]:
        """The lines kept, an unfinished one included, and one that says how many are missing."""
        lines = list(self._kept)
        if self._partial:
            lines.append(_cut(self._partial))
        if self._dropped:
            lines.append(f"… {self._dropped} more lines")
        return lines

    def _keep(self, line: str) -> None:
        if len(self._kept) < MAX_LINES:
            self._kept.append(_cut(line))
        else:
            self._dropped += 1


def _cut(line: str) -> str:
    return line if len(line) <= MAX_LINE_LENGTH else line[: MAX_LINE_LENGTH - 1] + "…"


class _Stream:
    """A text stream that gives what a running agent writes to its activation, and all else to the real one."""

    def __init__(self, real: TextIO) -> None:
        self._real = real

    def write(self, text: str) -> int:
        sink = RUNNING.get()
        if sink is None:
            return self._real.write(text)
        sink.captured(text)
        return len(text)

    def writelines(self, lines: list[str]) -> None:
        for line in lines:
            self.write(line)

    def flush(self) -> None:
        if RUNNING.get() is None:
            self._real.flush()

    def __getattr__(self, name: str) -> object:
        return getattr(self._real, name)


def capturing(stream: TextIO) -> TextIO:
    """``stream``, but that what a running agent writes goes to its activation."""
    return cast("TextIO", _Stream(stream))


class _Handler(logging.Handler):
    """Gives the log records of a running agent to its activation."""

    def emit(self, record: logging.LogRecord) -> None:
        sink = RUNNING.get()
        if sink is not None:
            try:
                sink.captured(self.format(record) + "\n")
            except Exception:  # noqa: BLE001 - what a handler does with any error: say so and go on
                self.handleError(record)


def _outside_activations(_record: logging.LogRecord) -> bool:
    return RUNNING.get() is None


@contextlib.contextmanager
def intercepted() -> Iterator[None]:
    """While it lasts, print, ``sys.stdout``, ``sys.stderr`` and logging of running agents go to their activations.

    Handlers that the root logger has already stay silent for agents, because a stream that they hold
    would reach the terminal.  Levels are left as they are.
    """
    handler = _Handler()
    handler.setFormatter(logging.Formatter("%(levelname)s %(name)s: %(message)s"))
    root = logging.getLogger()
    others = list(root.handlers)
    streams = sys.stdout, sys.stderr
    sys.stdout, sys.stderr = _Stream(sys.stdout), _Stream(sys.stderr)
    for other in others:
        other.addFilter(_outside_activations)
    root.addHandler(handler)
    try:
        yield
    finally:
        root.removeHandler(handler)
        for other in others:
            other.removeFilter(_outside_activations)
        sys.stdout, sys.stderr = streams
