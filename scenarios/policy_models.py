"""How a scenario file says who goes first: the order of the agenda, and what may run side by side."""

from __future__ import annotations

import math
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field

from controller.grouping import RunningLimits
from controller.strategy import Policy
from scenarios.fields import Model, Name, PositiveDurationMs


def _off_is(unlimited: Any) -> BeforeValidator:
    """``off`` in the file is ``unlimited`` here."""
    return BeforeValidator(lambda value: unlimited if value == "off" else value)


Points = Annotated[float, Field(ge=0, le=1_000_000)]
Side = Annotated[Annotated[int, Field(ge=1, le=10_000)] | None, _off_is(None)]
"""How many may run at once; ``off`` is no limit."""


class PolicySettings(Model):
    """The order within a level: points a second of waiting, at most ``cap``; who is first among equals; what is shared."""

    ageing: Points = 1.0
    cap: Annotated[Points | None, _off_is(None)] = 60.0
    tie: Literal["fifo", "recency"] = "fifo"
    promote_after_ms: Annotated[Annotated[PositiveDurationMs | None, _off_is(None)], Field(alias="promote_after")] = (
        None
    )
    fair: Annotated[Name | None, _off_is(None)] = None

    def policy(self) -> Policy:
        """The policy as the controller takes it."""
        return Policy(
            ageing_rate_per_s=self.ageing,
            ageing_cap=math.inf if self.cap is None else self.cap,
            tie=self.tie,
            promote_after_ms=self.promote_after_ms,
            fair=self.fair or "",
        )


class SideBySide(Model):
    """How many activations run at once, of a capability and for one value of a capture."""

    capability: dict[Name, Side] = Field(default_factory=dict)
    capture: dict[Name, Side] = Field(default_factory=dict)

    def limits(self) -> RunningLimits:
        """The limits as the controller takes them."""
        return RunningLimits(_given(self.capability), _given(self.capture))


def _given(limits: dict[str, int | None]) -> dict[str, int]:
    return {name: limit for name, limit in limits.items() if limit is not None}
