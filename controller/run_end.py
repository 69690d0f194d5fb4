"""How a run ends."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from controller.wait_for import WaitFor


@dataclass(frozen=True, slots=True)
class RunEnd:
    """Why a run ended: nothing is left to do, only people are awaited, or a limit of the run was reached."""

    status: Literal["finished", "awaiting", "timed_out", "stalled"]
    reason: str = ""
    waits: WaitFor | None = None
    """who waits for whom, where some wait for each other in a circle"""
