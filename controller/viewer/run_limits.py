"""What a whole run may use, as its record says: the limits of the scenario that it goes by."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, NamedTuple

from blackboard.durations import parse_duration
from blackboard.errors import InvalidInput

if TYPE_CHECKING:
    from blackboard.control_records import Run


class RunLimits(NamedTuple):
    """``None`` is no limit, or one that does not read as a scenario writes it."""

    time_ms: int | None = None
    cost: float | None = None
    tokens: float | None = None
    firings: float | None = None
    overhead: float | None = None
    """a share of the agents' running time"""

    @classmethod
    def of(cls, run: Run | None) -> RunLimits:
        """The limits of ``run``; its document is what a file held, and is taken as that."""
        document = run["settings"].get("document", {}) if run is not None else {}
        given = _part(_part(document, "limits"), "run")
        return cls(
            _duration_ms(given.get("time")),
            _amount(given.get("cost")),
            _amount(given.get("tokens")),
            _amount(given.get("firings")),
            _share(given.get("overhead")),
        )


def _part(document: dict[str, Any], name: str) -> dict[str, Any]:
    found = document.get(name)
    return found if isinstance(found, dict) else {}


def _amount(value: object) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return value if value > 0 and math.isfinite(value) else None


def _duration_ms(value: object) -> int | None:
    try:
        return parse_duration(value) if isinstance(value, str) else None
    except InvalidInput:
        return None


def _share(value: object) -> float | None:
    if not isinstance(value, str) or not value.endswith("%"):
        return None
    try:
        return _amount(float(value[:-1]) / 100)
    except ValueError:
        return None
