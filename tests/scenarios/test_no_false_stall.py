"""No honest work counts as standing still: in no shipped scenario does any sign show, at half of what the defaults allow."""

from __future__ import annotations

import pytest

from scenarios.shipped import shipped_scenarios
from tests.scenarios.in_process import run

SHOWING_IT = ("paralysis", "money_loop", "swarm")
HALF = "stall={toggles: 3, firings: 10, depth: 125, repeats: 50}"


@pytest.mark.parametrize("name", [name for name in shipped_scenarios() if name not in SHOWING_IT])
async def test_nothing_is_held_back_that_gets_on(name: str, redis_url: str, board_name: str) -> None:
    finished = await run(redis_url, board_name, name, HALF)
    held_back = [one for one in finished.evidence.activations.values() if "stall" in one]
    assert [(one["agent"], one["case"], one.get("reason", "")) for one in held_back] == []
    assert "deadlock" not in finished.ending
