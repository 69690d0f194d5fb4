"""The cases that a board knows, for messages about one that it does not."""

from __future__ import annotations

from typing import TYPE_CHECKING

from blackboard.control_records import ACTIVATIONS
from blackboard.control_shapes import sound
from knowledge_sources.nearest import did_you_mean

if TYPE_CHECKING:
    from blackboard.board import Board


async def cases_on(board: Board) -> set[str]:
    """Every case that anybody has worked on."""
    return {record.value["case"] for record in sound(await board.find(f"{ACTIVATIONS}*"))}


async def is_case(board: Board, case: str) -> bool:
    """Whether anything is of ``case``: the record that it is named by, or work."""
    return await board.get(case) is not None or case in await cases_on(board)


async def nearest_case(board: Board, case: str) -> str:
    """What to add to a message about ``case``, which is none: the one that was meant, or how cases are named."""
    return did_you_mean(case, await cases_on(board)) or ": a case is named by the key of its fed record"
