"""How a run ends."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class RunEnd:
    """Why a run ended: nothing is left to do, only people are awaited, or a limit of the run was reached."""

    status: Literal["finished", "awaiting", "timed_out", "stalled"]
    reason: str = ""
