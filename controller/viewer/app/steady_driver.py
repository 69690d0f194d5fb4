"""What draws on a terminal, where the signal to go on is no reason to take the terminal a second time."""

from __future__ import annotations

from typing import Any

from textual.drivers.linux_driver import LinuxDriver


class SteadyDriver(LinuxDriver):
    """Textual's, which takes the terminal again at every SIGCONT and then keeps its own settings for those it found.

    A shell that ends sends one to jobs that never stopped.
    """

    def _sigcont_application(self, *_: Any) -> None:
        if self._must_signal_resume:  # it was stopped by Ctrl-Z
            super()._sigcont_application()
