"""How a run ends."""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Final, Literal

if TYPE_CHECKING:
    from controller.wait_for import WaitFor


@dataclass(frozen=True, slots=True)
class RunEnd:
    """Why a run ended: nothing is left to do, only people are awaited, or a limit of the run was reached."""

    status: Literal["finished", "awaiting", "timed_out", "stalled"]
    reason: str = ""
    waits: WaitFor | None = None
    """who waits for whom, where some wait for each other in a circle"""

    @property
    def sentence(self) -> str:
        """Why, for a person; there is one for every end."""
        return self.reason or _SENTENCES[self.status]


_SENTENCES: Final = MappingProxyType({
    "finished": "nothing is left to do",
    "awaiting": "only people are awaited",
    "timed_out": "its time is used up",
    "stalled": "nothing can go on",
})  # fmt: skip
