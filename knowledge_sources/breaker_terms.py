"""When the circuit breaker of an agent opens, and for how long: what a declaration or a scenario says of it."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from blackboard.durations import parse_duration
from blackboard.errors import InvalidInput
from knowledge_sources.nearest import did_you_mean

_SHARE: Final = re.compile(r"([0-9]{1,3}(?:\.[0-9]{1,4})?)%\Z")
_SPEND: Final = re.compile(r"([0-9]{1,12}(?:\.[0-9]{1,9})?)\s*/\s*(\S+)\Z")
MOST_CALLS: Final = 10_000


@dataclass(frozen=True, slots=True)
class Breaker:
    """``None`` for what does not open it; one of which all is ``None`` never opens.

    ``errors`` is the share of the last ``of`` calls that failed, ``spend`` money within ``spend_within_ms``, ``idle``
    calls in a row that contributed nothing.  It stays open for ``cooldown_ms``, twice as long each time that the call
    which it then lets through fails, 32 times as long at most.
    """

    errors: float | None = None
    of: int = 10
    spend: float | None = None
    spend_within_ms: int = 60_000
    idle: int | None = None
    cooldown_ms: int = 30_000

    def __post_init__(self) -> None:
        if self.errors is not None and not 0 < self.errors <= 1:
            raise InvalidInput("breaker: errors is a share of more than 0% and at most 100%")
        if not 1 <= self.of <= MOST_CALLS or (self.idle is not None and not 1 <= self.idle <= MOST_CALLS):
            raise InvalidInput(f"breaker: of and idle are whole numbers from 1 to {MOST_CALLS:,}")
        if self.spend is not None and not (math.isfinite(self.spend) and self.spend >= 0):
            raise InvalidInput("breaker: spend is an amount of money, as in 1.00/1m")
        if self.spend_within_ms < 1 or self.cooldown_ms < 1:
            raise InvalidInput("breaker: its durations are longer than nothing")

    @property
    def opens(self) -> bool:
        """Whether anything opens it."""
        return not (self.errors is None and self.spend is None and self.idle is None)


NEVER: Final = Breaker()
"""The breaker of an agent that has none."""

_FORM: Final = "{'errors': '50%', 'of': 10, 'spend': '1.00/1m', 'idle': 20, 'cooldown': '30s'}"


def parse_breaker(given: Breaker | Mapping[str, Any] | bool | None) -> Breaker | None:
    """The terms in ``{errors: 50%, of: 10, spend: 1.00/1m, idle: 20, cooldown: 30s}``.

    ``None`` says nothing, so that those of the controller hold; ``False`` is no breaker at all.
    """
    if given is None or isinstance(given, Breaker):
        return given
    if given is False:
        return NEVER
    if not isinstance(given, Mapping):
        raise InvalidInput(f"breaker: {given!r}: write {_FORM}, or False for none")
    fields: dict[str, Any] = {}
    for name, value in given.items():
        if name == "errors":
            fields["errors"] = parse_share(value)
        elif name == "spend":
            fields["spend"], fields["spend_within_ms"] = parse_spend(value)
        elif name in ("of", "idle") and isinstance(value, int) and not isinstance(value, bool):
            fields[name] = value
        elif name == "cooldown" and isinstance(value, str):
            fields["cooldown_ms"] = parse_duration(value)
        else:
            hint = did_you_mean(name, ("errors", "of", "spend", "idle", "cooldown"))
            raise InvalidInput(f"breaker: {name}={value!r}{hint}; write {_FORM}")
    return Breaker(**fields)


def parse_share(text: object) -> float:
    """``50%`` as 0.5."""
    found = _SHARE.match(text) if isinstance(text, str) else None
    if found is None:
        raise InvalidInput(f"breaker: errors={text!r} is not a share: write a percentage, like 50%")
    return float(found[1]) / 100


def parse_spend(text: object) -> tuple[float, int]:
    """``1.00/1m`` as money and milliseconds."""
    found = _SPEND.match(text) if isinstance(text, str) else None
    if found is None:
        raise InvalidInput(f"breaker: spend={text!r} is no rate: write money and a duration, like 1.00/1m")
    return float(found[1]), parse_duration(found[2])
