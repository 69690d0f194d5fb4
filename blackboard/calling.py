"""How the command line was called: as a process, or by a program that goes on after it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, TypeAlias

Told: TypeAlias = Callable[[BaseException], int]
"""Tells a person of an error and returns the exit code that it stands for."""

ENDS_PROCESS: Final = "blackboard.ends_process"
"""in the ``meta`` of a command: how errors are told where the process has nothing to do after it, else ``None``"""
