"""Commits of one process are applied in the order in which they were submitted, also where they are put back first."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from blackboard.commit import At, Committed, Previous, Put
from blackboard.errors import InvalidInput
from blackboard.group import MAX_COMMITS

if TYPE_CHECKING:
    from blackboard.board import Board
    from blackboard.commit import Guard


def revisions(outcomes: list[Committed | BaseException]) -> list[int]:
    """Those of the commits that were applied, in the order of their callers."""
    return [outcome.revision for outcome in outcomes if isinstance(outcome, Committed)]


async def test_chains_that_are_cut_by_the_limit_of_a_call_leave_whole_and_in_order(either: Board) -> None:
    """The beginning of a chain whose end does not fit is put back."""
    guards: list[list[Guard]] = [[Previous()] if n % 10 else [] for n in range(5 * MAX_COMMITS)]
    outcomes = await asyncio.gather(
        *(either.commit(guard, [Put(f"a/{n}", n)]) for n, guard in enumerate(guards)), return_exceptions=True
    )
    assert revisions(outcomes) == list(range(1, len(guards) + 1))


async def test_what_leaves_with_a_commit_that_cannot_be_sent_keeps_its_order(either: Board) -> None:
    """The whole call is put back, and sent again without the one."""
    guards: list[list[Guard]] = [[] for _ in range(10)]
    guards[4] = [At("a/1", "\ud800")]
    outcomes = await asyncio.gather(
        *(either.commit(guard, [Put("a/1", n)]) for n, guard in enumerate(guards)), return_exceptions=True
    )
    assert revisions(outcomes) == list(range(1, 10))
    assert [n for n, outcome in enumerate(outcomes) if isinstance(outcome, InvalidInput)] == [4]
