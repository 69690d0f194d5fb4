"""How sure an agent is of what it contributes, and when a person is to look at it first."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Final, Literal, TypeAlias

from blackboard.errors import InvalidInput
from knowledge_sources.nearest import did_you_mean

Approval: TypeAlias = Literal["always", "unsure", "never"]
"""Which contributions of an agent wait for a person: all, those under its threshold, none."""

APPROVALS: Final[tuple[Approval, ...]] = ("always", "unsure", "never")
MAX_REASON: Final = 2_000
"""characters of the reason that are kept"""


@dataclass(frozen=True, slots=True)
class Sure:
    """A contribution with the confidence in it: ``return Sure("billing", 0.62, reason="two teams fit")``.

    ``value`` is what the agent would return without it; ``None`` where it posts through ``ctx``.  ``confidence`` is
    from 0 to 1.  Under the agent's ``threshold`` the call ends as ``unsure`` instead of contributing.
    """

    value: Any
    confidence: float
    reason: str = ""

    def __post_init__(self) -> None:
        object.__setattr__(self, "confidence", degree(self.confidence, "Sure: confidence"))
        if not isinstance(self.reason, str):
            raise TypeError(f"Sure: the reason {self.reason!r} is no text")
        object.__setattr__(self, "reason", self.reason[:MAX_REASON])


def degree(value: object, what: str) -> float:
    """``value`` as a number from 0 to 1; raises :class:`InvalidInput` naming ``what``."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value) or not 0 <= value <= 1:
        raise InvalidInput(f"{what}: {value!r} is no number from 0 to 1")
    return float(value)


def check_threshold(threshold: object) -> float | None:
    """A number from 0 to 1, or ``None`` for the scenario's."""
    return None if threshold is None else degree(threshold, "threshold")


def check_approval(approval: object) -> Approval | None:
    """One of the three, or ``None`` for the scenario's."""
    if approval is None:
        return None
    if approval not in APPROVALS:
        hint = did_you_mean(str(approval), APPROVALS)
        raise InvalidInput(f"approval: {approval!r} is none of {', '.join(APPROVALS)}{hint}")
    return approval
