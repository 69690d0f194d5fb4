"""What a validator says of a proposed record: it may stand, or it may not and why."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final, TypeAlias

MAX_REASON: Final = 10_000
"""characters of a reason that are kept"""


@dataclass(frozen=True, slots=True)
class Pass:
    """The proposed record may stand.  ``score`` is how good it is, on the validator's own scale."""

    score: float | None = None
    reason: str = ""

    def __post_init__(self) -> None:
        _check_score(self.score)
        object.__setattr__(self, "reason", str(self.reason)[:MAX_REASON])


@dataclass(frozen=True, slots=True)
class Reject:
    """The proposed record may not stand; ``reason`` is what its author is told for the next attempt."""

    reason: str
    score: float | None = None

    def __post_init__(self) -> None:
        if not str(self.reason).strip():
            raise ValueError("Reject needs a reason: the author is told")
        _check_score(self.score)
        object.__setattr__(self, "reason", str(self.reason)[:MAX_REASON])


Said: TypeAlias = Pass | Reject


def _check_score(score: object) -> None:
    if score is not None and (
        isinstance(score, bool) or not isinstance(score, int | float) or not math.isfinite(score)
    ):
        raise ValueError(f"a score is a finite number, not {score!r}")
