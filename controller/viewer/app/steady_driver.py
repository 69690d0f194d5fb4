"""What draws on a terminal: it takes it once, and asks the terminal itself for its size."""

from __future__ import annotations

import os
from typing import Any

from textual.drivers.linux_driver import LinuxDriver


class SteadyDriver(LinuxDriver):
    """Textual's, which takes the terminal again at every SIGCONT and then keeps its own settings for those it found.

    A shell that ends sends one to jobs that never stopped.  And Textual's believes ``COLUMNS`` and ``LINES`` where they
    are in the environment, and then no terminal ever changes its size.
    """

    def _sigcont_application(self, *_: Any) -> None:
        if self._must_signal_resume:  # it was stopped by Ctrl-Z
            super()._sigcont_application()

    def _get_terminal_size(self) -> tuple[int, int]:
        try:
            return os.get_terminal_size(self.fileno)
        except OSError:
            return super()._get_terminal_size()
