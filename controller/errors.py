"""What the controller refuses."""

from __future__ import annotations

from typing import TYPE_CHECKING

from blackboard import exit_codes
from blackboard.errors import BlackboardError

if TYPE_CHECKING:
    from blackboard.control_records import State


class IllegalTransition(BlackboardError):
    """An activation was to go where the table of transitions does not lead; nothing was changed."""

    def __init__(self, old: State, new: State) -> None:
        self.old = old
        self.new = new
        super().__init__(f"an activation that is {old} cannot become {new}")


class LostLeadership(BlackboardError):
    """Another controller leads the board now; this one changes nothing more."""

    exit_code = exit_codes.NO_REST

    def __init__(self, board: str) -> None:
        self.board = board
        super().__init__(f"another controller leads the board {board}")
