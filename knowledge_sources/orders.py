"""The orders of a supervisor: what is to become of an activation, or of everything within a scope.

An order is about the activation that its supervisor was asked about, unless it names another scope.  What scopes
and verbs mean together is decided in :mod:`controller.overrides`.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any, ClassVar, Final, TypeAlias

from blackboard.durations import parse_duration
from blackboard.errors import InvalidInput
from blackboard.pattern import Pattern

AUTHORITIES: Final = frozenset({"force", "veto", "hold", "boost", "reassign", "cancel", "extend", "decide"})
"""Everything that a supervisor may be given the authority for."""
MAX_REASON: Final = 10_000
"""characters; a reason is kept with the order, with what came of it and with the activation"""
SCOPES: Final = ("activation", "agent", "capability", "case", "pattern")
"""By what an order may be scoped; of several, all hold."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Scoped:
    """What an order is about, where that is not the activation its supervisor was asked about.

    Of several, all hold: ``agent="refund", case="return/R-1"``.  ``pattern`` is matched by a record that
    triggers the activation.
    """

    verb: ClassVar[str] = ""
    activation: str = ""
    agent: str = ""
    capability: str = ""
    case: str = ""
    pattern: str = ""

    @property
    def scope(self) -> dict[str, str]:
        """The parts of the scope that are given."""
        return {part: text for part in SCOPES if (text := getattr(self, part))}


@dataclass(frozen=True, slots=True, kw_only=True)
class Lasting(Scoped):
    """An order that stands: ``lasts`` is a duration like ``10m``, by default until it is revoked."""

    lasts: str = ""
    lasts_ms: int = field(init=False, default=0)

    def __post_init__(self) -> None:
        if self.lasts:
            lasts_ms = parse_duration(self.lasts)
            if lasts_ms <= 0:
                raise InvalidInput(f"{self.verb}: lasts {self.lasts!r}: it is longer than nothing")
            object.__setattr__(self, "lasts_ms", lasts_ms)


@dataclass(frozen=True, slots=True)
class Force(Lasting):
    """Fire it next, before all others, however low its level."""

    verb: ClassVar[str] = "force"
    reason: str

    def __post_init__(self) -> None:
        Lasting.__post_init__(self)
        _check(self, self.reason)


@dataclass(frozen=True, slots=True)
class Hold(Lasting):
    """Keep it from firing for a while: it stays pending, off the agenda."""

    verb: ClassVar[str] = "hold"
    reason: str

    def __post_init__(self) -> None:
        Lasting.__post_init__(self)
        _check(self, self.reason)


@dataclass(frozen=True, slots=True)
class Boost(Lasting):
    """Let it go sooner, or later: ``points`` are added to its score, ``level`` is the one at which it competes."""

    verb: ClassVar[str] = "boost"
    reason: str
    points: float = 0.0
    level: str = ""

    def __post_init__(self) -> None:
        Lasting.__post_init__(self)
        _check(self, self.reason)
        if type(self.points) not in (int, float) or not math.isfinite(self.points):
            raise ValueError(f"boost: {self.points!r} are no points: it is a finite number")
        if not self.points and not self.level:
            raise ValueError("boost: say by how many points, or to which level")


@dataclass(frozen=True, slots=True)
class Veto(Lasting):
    """Forbid it, so that it does not run, now or later; with a wider scope also what comes while the order stands."""

    verb: ClassVar[str] = "veto"
    reason: str

    def __post_init__(self) -> None:
        Lasting.__post_init__(self)
        _check(self, self.reason)


@dataclass(frozen=True, slots=True)
class Extend(Scoped):
    """Give it more time: ``by`` is a duration like ``30s``, counted from now."""

    verb: ClassVar[str] = "extend"
    by: str
    reason: str
    by_ms: int = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "by_ms", parse_duration(self.by))
        if self.by_ms <= 0:
            raise InvalidInput(f"extend: by {self.by!r}: it is longer than nothing")
        _check(self, self.reason)


@dataclass(frozen=True, slots=True)
class Decide(Scoped):
    """Contribute ``value`` in the place of the agent; ``key`` says where if the agent contributes to several."""

    verb: ClassVar[str] = "decide"
    value: Any
    reason: str
    key: str = ""

    def __post_init__(self) -> None:
        _check(self, self.reason)


@dataclass(frozen=True, slots=True)
class Cancel(Scoped):
    """End it without a contribution."""

    verb: ClassVar[str] = "cancel"
    reason: str

    def __post_init__(self) -> None:
        _check(self, self.reason)


@dataclass(frozen=True, slots=True)
class Reassign(Scoped):
    """End it, and let the agent ``to``, which has the same capability, go next on the same records."""

    verb: ClassVar[str] = "reassign"
    to: str
    reason: str

    def __post_init__(self) -> None:
        if not self.to:
            raise ValueError("reassign: say to which agent")
        _check(self, self.reason)


Order: TypeAlias = Force | Hold | Boost | Veto | Extend | Decide | Cancel | Reassign
ORDERS: Final = (Force, Hold, Boost, Veto, Extend, Decide, Cancel, Reassign)


def _check(order: Scoped, reason: object) -> None:
    if not isinstance(reason, str) or not reason.strip():
        raise ValueError(f"{order.verb} needs a reason: it is kept with the order")
    if len(reason) > MAX_REASON:
        raise ValueError(f"{order.verb}: a reason has at most {MAX_REASON:,} characters")
    for part in SCOPES:
        given = getattr(order, part)
        if not isinstance(given, str):
            raise ValueError(f"{order.verb}: {part}={given!r} is not a text")  # noqa: TRY004  # as for what is empty
    if order.pattern:
        Pattern.parse(order.pattern)
