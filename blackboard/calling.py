"""How the command line was called: as a process, or by a program that goes on after it."""

from __future__ import annotations

from typing import Final

ENDS_PROCESS: Final = "blackboard.ends_process"
"""in the ``meta`` of a command: whether the process has nothing to do after it"""
