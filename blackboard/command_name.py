"""How the program that runs is typed, so that a suggested command works when it is copied."""

from __future__ import annotations

import shlex
import shutil
import sys
from pathlib import Path
from typing import Final

NAME: Final = "blackboard"


def command_name() -> str:
    """``blackboard`` where the shell finds the program of this process under it, else the path that was typed.

    A virtual environment that is not active has its programs off the PATH: there it is ``.venv/bin/blackboard``.
    """
    program = Path(sys.argv[0])
    if program.stem == "__main__":
        typed = f"{shlex.quote(sys.executable)} -m {NAME}"
    elif program.stem == NAME:
        typed = shlex.quote(str(program))
    else:  # a test, or a program of its own, that calls us
        return NAME
    found = shutil.which(NAME)
    beside = Path(sys.executable).parent
    return NAME if found is not None and Path(found).parent.resolve() == beside.resolve() else typed
