"""An activation as it stands, with a record or without one yet."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, Protocol

from blackboard.commit import Absent, At
from blackboard.control_records import ACTIVATIONS
from controller.opening import undispatched

if TYPE_CHECKING:
    from collections.abc import Iterable

    from blackboard.control_records import Activation
    from controller.desk import Desk
    from controller.entry import Entry
    from controller.matching import Match


class Floor(Protocol):
    """Where the activations are: the controller."""

    def pending(self, activation: str) -> Entry | None:
        """The entry of the agenda, if it is there."""

    def fires(self, activation: str) -> bool:
        """Whether it is being dispatched or runs."""

    def firing(self) -> Iterable[Entry]:
        """The entries of those that are being dispatched or run."""

    def matches_of(self, agent: str) -> Iterable[Match]:
        """The matches of ``agent`` that have not fired."""

    def shortfall(self, activation: str) -> str:
        """What it lacks of the members that it collects, as the beginning of a sentence; ``""`` for nothing."""

    def taken_away(self, activation: str, record: Activation, commit: str) -> None:
        """``record`` was written over a pending or running activation: whoever works on it is to stop."""


class Standing(NamedTuple):
    """An activation as it stands; ``commit`` is ``""`` for one that has no record yet."""

    record: Activation
    commit: str

    def guard(self, activation: str) -> At | Absent:
        """What holds a commit to the activation as it stands here."""
        key = ACTIVATIONS + activation
        return At(key, self.commit) if self.commit else Absent(key)


def standing_of(desk: Desk, floor: Floor, activation: str) -> Standing | None:
    """The activation as it stands: its record, or what its record would be if it is only eligible."""
    record = desk.replica.get(ACTIVATIONS + activation)
    if record is not None:
        return Standing(record.fresh().value, record.commit)
    entry = floor.pending(activation)
    if entry is None:
        return None
    return Standing(undispatched(entry, desk), "")
