"""When work counts as stalled, as a scenario file says it."""

from __future__ import annotations

from typing import Annotated, Any, Final

from pydantic import BeforeValidator, PlainValidator
from pydantic_core import PydanticCustomError

from controller.stalling import StallLimits
from scenarios.fields import Model

MOST: Final = 1_000_000_000
_DEFAULTS: Final = StallLimits()


def _times(value: object) -> int | None:
    if value == "off" or value is False:
        return None
    if isinstance(value, int) and not isinstance(value, bool) and 1 <= value <= MOST:
        return value
    reason = f"{value!r} is neither a number from 1 on nor off"
    raise PydanticCustomError("refused", "refused", {"reason": reason, "column": 0})


Times = Annotated[int | None, PlainValidator(_times)]
"""A number of times, or ``off``."""


StepsField = Annotated[int, PlainValidator(lambda value: _times(value) or 0)]
"""How often an agent may fire for one case; ``off``, which is 0 here: as often as it comes."""


class StallSettings(Model):
    """What :class:`controller.stalling.StallLimits` says, each sign a number or ``off``."""

    toggles: Times = _DEFAULTS.toggles
    firings: Times = _DEFAULTS.firings
    depth: Times = _DEFAULTS.depth
    repeats: Times = _DEFAULTS.repeats


def _all_off(value: Any) -> Any:
    return dict.fromkeys(StallSettings.model_fields, "off") if value == "off" or value is False else value


StallField = Annotated[StallSettings, BeforeValidator(_all_off)]
"""``off`` switches every sign off."""
