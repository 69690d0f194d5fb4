"""Judging a run on the board that it left: the whole log, then the records at its end."""

from __future__ import annotations

from typing import TYPE_CHECKING

from blackboard.log import entries_after
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

    Raises :class:`Gap` where the log no longer holds the run's first changes: *never* could not be told then.
    """
    head = await board.revision()
    replica = await board.replica()
    await replica.caught_up(head)
    final = replica.records()
    tally = Tally(expectations)
    async for entry in entries_after(board.store, 0):
        if entry.revision > head:
            break
        for change in entry.changes:
            tally.see(change)
    return tally.results(final, quiescent=quiescent, ending=ending)
