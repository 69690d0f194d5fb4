"""Where details are read from: a board now, or as it was."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from blackboard.board import Board
    from controller.candidates import Records
    from controller.viewer.model import Model


class Sight(NamedTuple):
    """A board, what stood on it at one moment, and that moment."""

    board: Board
    records: Records
    """the replica, or the state that was"""
    model: Model
    """the same records, as the panes show them"""
    revision: int | None
    """the moment; ``None`` is now, which goes on"""
