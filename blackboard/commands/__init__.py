"""The sub-commands that need the board alone, one module each; the root loads them by name."""

from __future__ import annotations

from typing import Final

ENDS_PROCESS: Final = "blackboard.ends_process"
"""in the ``meta`` of a command: whether the process has nothing to do after it"""
