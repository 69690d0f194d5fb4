"""Arranging the reserve anew: where its groups are others than before, it is told of all that works and could work."""

from __future__ import annotations

from typing import TYPE_CHECKING

from blackboard.control_records import ACTIVATIONS
from blackboard.control_shapes import checked
from blackboard.keys import CONTROL_REGION
from controller.matching import Match

if TYPE_CHECKING:
    from controller.crew import Crew
    from controller.desk import Desk
    from controller.intake import Intake
    from controller.lineup import Lineup


def arrange_reserve(desk: Desk, intake: Intake, lineup: Lineup, crew: Crew) -> None:
    """Form the groups of the agents that are here; nothing happens where they stay as they are."""
    reserve = desk.reserve
    if not reserve.arrange(desk.sources.values()):
        return
    for match in list(intake.matcher.live().values()):
        if match.source.name in reserve.groups:
            intake.offer(match, queued=lineup.get(match.activation) is not None)
    for firing in crew.firings.values():
        if firing.source.name in reserve.groups:
            entry = firing.entry
            match = Match(entry.activation, firing.source, dict(entry.captures), dict(entry.triggers))
            intake.offer(match, queued=True)
    for key, record in list(desk.replica.region(CONTROL_REGION).items()):
        if key.startswith(ACTIVATIONS):
            reserve.note(key[len(ACTIVATIONS) :], checked(record).value)
