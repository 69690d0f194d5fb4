"""How much of its log a run keeps: all of it until it was judged, unless the scenario sets limits or it stays."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Final

from blackboard.errors import NothingSelected
from blackboard.retention import Retention

if TYPE_CHECKING:
    from blackboard.board import Board
    from scenarios.scenario import Scenario

SNAPSHOT: Final = "run"
"""the snapshot that holds the log from where the run began"""


async def keep_log(board: Board, scenario: Scenario, *, stay: bool) -> None:
    """Set the limits of the scenario, or hold the whole log for the judgement of a run that ends.

    For who leads the run: what an earlier part of it held is let go of where this part holds nothing.
    """
    limits = scenario.log
    if limits is not None:
        await board.retain(Retention(limits.revisions, limits.age_ms, limits.size_bytes))
    if limits is not None or stay:
        await release_log(board)
    elif not any(snapshot.name == SNAPSHOT for snapshot in await board.snapshots()):
        await board.snapshot(SNAPSHOT, "oldest")


async def release_log(board: Board) -> None:
    """The run was judged: from now on its log is trimmed as any other."""
    with contextlib.suppress(NothingSelected):
        await board.drop_snapshot(SNAPSHOT)
