"""A tick of an agent's timer, as the agent is given it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from blackboard.control_records import TIMERS
from blackboard.pattern import Pattern

if TYPE_CHECKING:
    from blackboard.record import Record

TICK: Final = "tick"
"""the alias of the record that a timer writes"""


@dataclass(frozen=True, slots=True)
class Tick:
    """Tick ``n`` of a timer, from 1; instants are milliseconds since 1970 of the server.

    It was due at ``due_ms`` and written at ``at_ms``; ``missed`` are those before it that were due while nobody led
    the board, or while the agent was still at work on the last one.
    """

    n: int
    due_ms: int
    at_ms: int
    missed: int

    @classmethod
    def of(cls, record: Record[Any]) -> Tick:
        """The tick in ``record``, which is one under ``control/timers/``."""
        value = record.value
        return cls(**{name: value[name] for name in cls.__slots__})


def tick_pattern(agent: str) -> Pattern:
    """What an agent with a timer watches: its own ticks, the record that starts the timer left out."""
    return Pattern.parse(f"{TIMERS}{agent} where n > 0")
