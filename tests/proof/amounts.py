"""How much a proof does: little at every push, very much in a soak; and the seed that repeats it."""

from __future__ import annotations

import os
import random
import sys


def soaking() -> bool:
    """Whether the long amounts were asked for, with ``BLACKBOARD_SOAK=1``."""
    return os.environ.get("BLACKBOARD_SOAK") == "1"


def amount(short: int, soak: int) -> int:
    """``soak`` in a soak, else ``short``."""
    return soak if soaking() else short


def seed() -> int:
    """The number in ``BLACKBOARD_SEED``, else 1."""
    return int(os.environ.get("BLACKBOARD_SEED") or 1)


def chance(what: str) -> random.Random:
    """Random numbers from the seed and ``what``, so that no test shifts another's; says both on stdout."""
    sys.stdout.write(f"{what}: BLACKBOARD_SEED={seed()}\n")
    return random.Random(f"{seed()} {what}")
