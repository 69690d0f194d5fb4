"""The match that an activation was made for, found again by its record."""

from __future__ import annotations

from typing import TYPE_CHECKING

from controller.activation import own_triggers
from controller.candidates import excluded_by
from controller.matching import Match

if TYPE_CHECKING:
    from blackboard.control_records import Activation
    from controller.ground import Ground


def stored_match(ground: Ground, activation: str, record: Activation) -> Match | None:
    """The match that ``record`` was made for, ``None`` where it no longer holds or the agent is not here."""
    source = ground.sources.get(record["agent"])
    if source is None:
        return None
    records = {}
    for alias, key, commit in own_triggers(record):
        present = ground.replica.get(key)
        if present is None or present.commit != commit:
            return None
        records[alias] = present
    if excluded_by(ground.replica, source.unless, record["captures"]) is not None:
        return None
    return Match(activation, source, record["captures"], records)
