"""When agents are called no more for a while: the terms of their circuit breakers."""

from __future__ import annotations

from typing import Annotated, Any, TypeAlias

from pydantic import BeforeValidator, Field, PlainValidator
from pydantic_core import PydanticCustomError

from blackboard.errors import InvalidInput
from knowledge_sources.breaker_terms import MOST_CALLS, Breaker, parse_spend
from scenarios.fields import Model, PositiveDurationMs, Share


def _spend(value: object) -> tuple[float, int]:
    try:
        return parse_spend(value)
    except InvalidInput as error:
        raise PydanticCustomError("refused", "refused", {"reason": error.reason, "column": 0}) from error


Calls: TypeAlias = Annotated[int, Field(ge=1, le=MOST_CALLS)]


class BreakerSettings(Model):
    """``errors`` of the last ``of`` calls, ``spend`` in some time, or ``idle`` calls in a row without a contribution."""

    errors: Annotated[Share, Field(gt=0, le=1)] | None = None
    of: Calls = 10
    spend: Annotated[tuple[float, int], PlainValidator(_spend)] | None = None
    idle: Calls | None = None
    cooldown_ms: Annotated[PositiveDurationMs, Field(alias="cooldown")] = 30_000

    @property
    def terms(self) -> Breaker:
        """What the controller takes."""
        spend, within_ms = self.spend if self.spend is not None else (None, 60_000)
        return Breaker(self.errors, self.of, spend, within_ms, self.idle, self.cooldown_ms)


def _off(value: Any) -> Any:
    return {} if value in ("off", False) else value


BreakerField: TypeAlias = Annotated[BreakerSettings, BeforeValidator(_off)]
"""``off`` is a breaker that never opens."""
