"""``cascading_error``: a slip goes back to who made it, and no later step builds on it."""

from __future__ import annotations

from blackboard.board import Board
from tests.scenarios.in_process import activations_of, region, run, values_of


async def test_a_slip_goes_back_to_who_made_it_and_nobody_builds_on_it(redis_url: str, board_name: str) -> None:
    finished = await run(redis_url, board_name, "cascading_error")
    assert (finished.exit_code, finished.status) == (0, "finished")
    contracts = region(await values_of(redis_url, board_name), "contract")
    assert {key: one["cents"] for key, one in contracts.items()} == {
        "L-1": 127_000, "L-2": 24_000, "L-3": 146_000, "L-4": 29_000
    }  # fmt: skip
    calls = {
        one["captures"]["id"]: [failed["error"] for failed in one.get("attempts", ())]
        for one in (await activations_of(redis_url, board_name)).values()
        if one["agent"] == "read"
    }
    assert calls == {
        "L-1": ["adds_up rejected order/L-1 (score 0): the items add up to 129900 cents, and the total says 130"],
        "L-2": [],
        "L-3": ["adds_up rejected order/L-3 (score 0): the items add up to 149900 cents, and the total says 150"],
        "L-4": [],
    }


async def test_at_no_commit_was_a_wrong_order_where_a_later_step_looks(redis_url: str, board_name: str) -> None:
    await run(redis_url, board_name, "cascading_error")
    async with await Board.open(redis_url, board_name) as board:
        for number in range(1, 5):
            versions = [change.record for change in await board.history(f"order/L-{number}")]
            assert [(one.value["cents"] > 1000, one.status) for one in versions if one is not None] == [
                (True, "passed by adds_up")
            ]


async def test_without_the_validator_nonsense_comes_out_at_the_end(redis_url: str, board_name: str) -> None:
    """The tests above can fail: this is the accident that they are about."""
    finished = await run(redis_url, board_name, "cascading_error", "validate=[]")
    assert finished.exit_code == 1
    assert [r.expectation for r in finished.results if not r.passed] == ["never contract/* where cents < 10000"]
    contracts = region(await values_of(redis_url, board_name), "contract")
    assert contracts["L-1"]["cents"] == 0
