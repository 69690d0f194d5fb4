"""A thousand failures of known classes, each seen as what it was; workers are killed for those that die."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

from tests.confusion.injection import CLASSES, inject

if TYPE_CHECKING:
    from blackboard.board import Board

PAGE = Path(__file__).parents[2] / "docs" / "failure.md"
NUMBER, SEED = 1_000, 1


async def test_a_thousand_failures_are_each_seen_as_what_they_were(board: Board, redis_url: str) -> None:
    """Among them errors that look like lateness, bad data, a missing agent or the end of the process."""
    confusion = await inject(board, redis_url, NUMBER, SEED)
    assert confusion.of.total() == NUMBER
    assert {name: confusion.counts[name, name] for name in CLASSES} == dict(confusion.of), confusion.as_text()
    (shown,) = re.findall(r"^\$ python -m tests\.confusion.*?\n(.*?)^```$", PAGE.read_text(), re.DOTALL | re.MULTILINE)
    assert shown == confusion.as_text() + "\n"
