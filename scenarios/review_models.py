"""What a scenario file says of people: whose contributions wait for them, and which decisions are critical."""

from __future__ import annotations

from typing import Annotated, Final, Literal

from pydantic import Field

from scenarios.fields import PatternField

Confidence = Annotated[float, Field(ge=0, le=1)]
"""From 0 to 1."""
ApprovalField = Literal["always", "unsure", "never"]
MAX_CRITICAL: Final = 100
CriticalPatterns = Annotated[tuple[PatternField, ...], Field(strict=False, max_length=MAX_CRITICAL)]
"""Records that are critical decisions."""
