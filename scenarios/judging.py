"""Judging a run on the board that it left: the whole log, then the records at its end."""

from __future__ import annotations

from typing import TYPE_CHECKING

from blackboard.history import changes_known
from scenarios.expectations import Tally

if TYPE_CHECKING:
    from collections.abc import Sequence

    from blackboard.board import Board
    from scenarios.expectation_models import Expectation
    from scenarios.expectations import Result


async def judge_board(
    board: Board, expectations: Sequence[Expectation], *, quiescent: bool, ending: str = ""
) -> tuple[Result, ...]:
    """The result of each expectation on ``board`` as it stands now; what is written meanwhile is not looked at.

    Of a log that was trimmed, what stood at its horizon counts as its first changes: what came and went before that
    is not seen.  Raises :class:`Gap` where the log does not go on at its horizon.
    """
    head = await board.revision()
    replica = await board.replica()
    await replica.caught_up(head)
    final = replica.records()
    tally = Tally(expectations)
    async for change in changes_known(board.store, head):
        tally.see(change)
    return tally.results(final, quiescent=quiescent, ending=ending)
