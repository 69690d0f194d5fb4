"""Every shipped scenario, run on a real server, leaves a log in which every activation had one legal life."""

from __future__ import annotations

import pytest

from blackboard.board import Board
from scenarios.loading import load_scenario
from scenarios.shipped import shipped_scenarios
from tests.control.lives import moments_of, violations
from tests.scenarios.in_process import run


@pytest.mark.parametrize("name", shipped_scenarios())
async def test_the_lives_in_a_shipped_scenario_are_legal(name: str, redis_url: str, board_name: str) -> None:
    """Steps of the table alone, ends that stay, one contribution, no second firing, no more at once than may run."""
    await run(redis_url, board_name, name)
    async with await Board.open(redis_url, board_name, create=False) as board:
        moments = await moments_of(board)
    assert moments
    assert violations(moments, max_running=load_scenario(name, ()).max_running) == []
