"""Sees that a question with a deadline does not wait for ever: the next assignee is asked, or the default is the answer.

Everything is in the question's record, so the next controller goes on where this one stopped, and a deadline that passed
while nobody led the board takes effect as soon as somebody does.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from blackboard.commit import At
from blackboard.control_records import ESCALATIONS
from blackboard.control_shapes import checked
from blackboard.errors import BlackboardError, Conflict
from blackboard.keys import CONTROL_REGION
from blackboard.wording import seconds
from controller.deadlines import DeadlineHeap
from controller.desk import packed_control
from controller.escalation import Answer, answer
from controller.given_answer import NOBODY, Refusal
from controller.turns import after_deadline

if TYPE_CHECKING:
    from blackboard.control_records import Escalation
    from blackboard.record import Record
    from controller.desk import Desk

_log = logging.getLogger(__name__)


class Patience:
    """The deadlines of the open questions of one board."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._deadlines = DeadlineHeap()

    def __len__(self) -> int:
        return len(self._deadlines)

    def take_over(self) -> None:
        """Take up what the board shows; raises :class:`Corrupt`."""
        for key, record in self._desk.replica.region(CONTROL_REGION).items():
            if key.startswith(ESCALATIONS):
                self.changed(key, checked(record))

    def changed(self, key: str, record: Record | None) -> None:
        """Take in a question as it stands now."""
        deadline_ms = None
        if record is not None and record.value["status"] == "open":
            deadline_ms = record.value.get("deadline_ms")
        if deadline_ms is None:
            self._deadlines.remove(key)
        else:
            self._deadlines.set(key, deadline_ms)

    def next_ms(self) -> int | None:
        """When the next deadline passes."""
        return self._deadlines.next_ms()

    async def attend(self) -> None:
        """Do what follows the deadlines that have passed; one that was answered in that moment is left alone."""
        for key, _ in self._deadlines.due(self._desk.now_ms()):
            record = self._desk.replica.get(key)
            if record is not None and record.value["status"] == "open":
                await self._pass_on(key, record)

    async def _pass_on(self, key: str, record: Record) -> None:
        desk = self._desk
        question: Escalation = record.fresh().value
        follows, later = after_deadline(question, desk.now_ms())
        if follows != "default":
            write = packed_control(key, later, desk.member, record.case)
            done = await desk.commit_leading([At(key, record.commit)], [write])
            if isinstance(done, Conflict):
                await desk.caught_up(done)
            return
        reason = f"nobody answered within {seconds(question.get('within_ms', 0))}"
        try:
            await answer(desk.board, key, _default(question, reason), desk.now_ms())
        except Conflict:
            return  # answered, or stale, in this moment; the change that tells of it is on its way
        except Refusal as error:
            _log.info("the default answer to %s does not count: %s", key, error)
        except BlackboardError as error:
            _log.warning("the default answer to %s cannot be given: %s", key, error)


def _default(question: Escalation, reason: str) -> Answer:
    default = question.get("default")
    if question["choices"] and isinstance(default, str):
        return Answer(default, by=NOBODY, reason=reason)
    return Answer("", by=NOBODY, reason=reason, value=default)
