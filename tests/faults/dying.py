"""Death before a chosen line: ``dying.py N FILE ARGUMENT…`` runs FILE as a program that dies before its N-th line.

A process that is killed is killed before one of its lines, so trying each is trying every moment, but for those
within a call of the system.
"""

from __future__ import annotations

import os
import runpy
import signal
import sys
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Collection
    from types import FrameType


class Lines:
    """Counts the lines that run in ``files``, and kills this process before number ``last``, or never (0)."""

    def __init__(self, files: Collection[str], last: int) -> None:
        self._files = files
        self._last = last
        self.count = 0

    def watch(self) -> None:
        """Count from now on, in this thread and in what it forks."""
        sys.settrace(self._enter)

    def _enter(self, frame: FrameType, event: str, _argument: Any) -> Any:
        return self._line if event == "call" and frame.f_code.co_filename in self._files else None

    def _line(self, _frame: FrameType, event: str, _argument: Any) -> Any:
        if event == "line":
            self.count += 1
            if self.count == self._last:
                os.kill(os.getpid(), signal.SIGKILL)
        return self._line


if __name__ == "__main__":
    number, sys.argv = int(sys.argv[1]), sys.argv[2:]
    Lines([sys.argv[0]], number).watch()
    runpy.run_path(sys.argv[0], run_name="__main__")
