"""What came in: each change of the board is told to those who go by such records, before anybody is picked."""

from __future__ import annotations

from time import perf_counter
from typing import TYPE_CHECKING

from blackboard.control_records import (
    ACTIVATIONS,
    ATTENTION,
    CLAIMS,
    CONTROL,
    ESCALATIONS,
    FLOW,
    FOCUS,
    LEADER,
    OVERRIDES,
)
from blackboard.control_shapes import checked
from blackboard.errors import Corrupt
from controller.errors import LostLeadership
from knowledge_sources.tokens import DIGEST

if TYPE_CHECKING:
    from collections.abc import Callable

    from blackboard.log import Change
    from controller.confirming import Confirming
    from controller.consequences import Consequences
    from controller.crew import Crew
    from controller.desk import Desk
    from controller.gate import Gate
    from controller.intake import Intake
    from controller.lineup import Lineup
    from controller.overseer import Overseer
    from controller.patience import Patience


class Absorbing:
    """Takes in the changes of the board: ``look`` is called after each, ``fail`` where it makes it impossible to go on.

    It decides nothing: a change only says that it is time to look.
    """

    def __init__(
        self,
        desk: Desk,
        intake: Intake,
        consequences: Consequences,
        *,
        gate: Gate,
        lineup: Lineup,
        crew: Crew,
        overseer: Overseer,
        confirming: Confirming,
        patience: Patience,
        look: Callable[[], None],
        fail: Callable[[BaseException], None],
    ) -> None:
        self._desk = desk
        self._support = desk.support
        self._intake = intake
        self._matcher = intake.matcher
        self._consequences = consequences
        self._gate = gate
        self._lineup = lineup
        self._crew = crew
        self._overseer = overseer
        self._confirming = confirming
        self._patience = patience
        self._look = look
        self._fail = fail

    def changed(self, change: Change) -> None:
        """Take in one change, which the replica shows already."""
        started = perf_counter()
        key = change.key
        if key.startswith(CONTROL):
            try:
                self._control_changed(key, change)
            except Corrupt as error:  # others can write there, too, and nothing is decided on what they wrote
                self._fail(error)
        else:
            if self._support.justifications:
                self._support.changed(key, change.record, change.previous)
            if len(self._confirming):
                self._confirming.changed(change)
            self._matcher.changed(change)
            if self._lineup.undigested.waiting and key.startswith(DIGEST):
                self._intake.digested(key)
        self._desk.meter.routing += perf_counter() - started
        self._look()

    def _control_changed(self, key: str, change: Change) -> None:
        if key.startswith(ACTIVATIONS):
            activation = key[len(ACTIVATIONS) :]
            firing = self._crew.firings.get(activation)
            if firing is None or not firing.committing:
                record = checked(change.record) if change.record is not None else None
                self._consequences.written(activation, record)
            elif firing.contributing is not None and change.author == firing.source.name:
                if "supports" in firing.contributing and change.record is not None:
                    self._consequences.justified(change.record)
                firing.note_contributed()
            return
        if change.record is not None:
            checked(change.record)
        if key == LEADER:
            leads = self._desk.leadership.commit
            if leads and (change.record is None or change.record.commit != leads):
                self._fail(LostLeadership(self._desk.board.name))
            return
        self._tell(key, change)
        if self._support.justifications:
            self._support.changed(key, change.record, change.previous)
        self._matcher.changed(change)

    def _tell(self, key: str, change: Change) -> None:
        """Let whoever keeps such records in mind know of a change of one."""
        if key.startswith((ATTENTION, OVERRIDES)):
            self._overseer.changed(change)
            self._supersede(change)
        elif key.startswith(ESCALATIONS):
            self._patience.changed(key, change.record)
        elif key in (FLOW, FOCUS) and self._gate.changed(key, change.record):
            self._lineup.refocus(self._gate.focus)
        elif key.startswith(CLAIMS):
            self._confirming.note(key.removeprefix(CLAIMS), change.record)

    def _supersede(self, change: Change) -> None:
        """Stop the supervisors that are no longer asked: one that is silent must not keep the run from ending."""
        for firing in self._crew.asked_by(change.key):
            firing.superseded = change
            self._crew.stop(firing)
