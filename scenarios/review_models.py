"""What a scenario file says of people: whose contributions wait for them, and which decisions are critical."""

from __future__ import annotations

from typing import Annotated, Final, Literal

from pydantic import Field, PlainValidator

from scenarios.fields import PatternField, positive_duration_ms

Confidence = Annotated[float, Field(ge=0, le=1)]
"""From 0 to 1."""


def _time_to_confirm_ms(value: object) -> int:
    return 0 if value == "off" or value is False else positive_duration_ms(value)


ConfirmWithinMs = Annotated[int, PlainValidator(_time_to_confirm_ms)]
"""``30s`` in the file, milliseconds here; ``off``: 0, for contributions that are no claims."""
ApprovalField = Literal["always", "unsure", "never"]
MAX_CRITICAL: Final = 100
CriticalPatterns = Annotated[tuple[PatternField, ...], Field(strict=False, max_length=MAX_CRITICAL)]
"""Records that are critical decisions."""
