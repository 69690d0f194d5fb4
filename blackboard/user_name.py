"""Who is logged in here: the person that a command speaks for, unless told."""

from __future__ import annotations

import getpass
import os


def user_name() -> str:
    """Who is logged in here; ``uid-1000`` where the system has no name for that."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return f"uid-{os.getuid()}"
