"""What a supervisor is shown: an activation that is overdue, has failed or does not get on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from collections.abc import Mapping

    from blackboard.control_records import FailureClass
    from blackboard.record import Record


@dataclass(frozen=True, slots=True)
class Overdue:
    """The attention record that a supervisor's activation is about; durations and instants in milliseconds.

    ``times`` counts how often this was raised for the activation, this time included; ``step`` is the
    place on the ladder, from 0; ``waited_ms`` is how long the activation had taken when it was raised.
    """

    kind: Literal["overdue", "failed", "stalled"]
    activation: str
    agent: str
    capability: str
    case: str
    captures: Mapping[str, str]
    times: int
    step: int
    addressed: str
    deadline_ms: int
    failure: FailureClass
    reason: str
    waited_ms: int

    @classmethod
    def of(cls, record: Record[Any]) -> Overdue:
        """The model of ``record``, which is one under ``control/attention/``."""
        value = record.value
        return cls(**{name: value[name] for name in cls.__slots__})
