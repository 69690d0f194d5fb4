"""``cleared_customer``: a flag goes in the moment in which it is known that it is not deserved."""

from __future__ import annotations

from blackboard.board import Board
from tests.scenarios.in_process import activations_of, region, run, values_of


async def test_the_flag_and_what_rests_on_it_go_when_the_verification_lands(redis_url: str, board_name: str) -> None:
    finished = await run(redis_url, board_name, "cleared_customer")
    assert (finished.exit_code, finished.status) == (0, "finished")
    values = await values_of(redis_url, board_name)
    assert region(values, "flag").keys() == region(values, "investigation").keys() == {"C-4/T-41"}
    assert region(values, "payment").keys() == {"C-1/T-11", "C-2/T-21", "C-2/T-22", "C-3/T-31"}
    withdrawn = {
        one["captures"]["tx"]: one["withdrawn"]
        for one in (await activations_of(redis_url, board_name)).values()
        if one["agent"] == "journal" and "withdrawn" in one
    }
    assert withdrawn == {
        tx: f"flag/{customer}/{tx} was retracted" for customer, tx in (("C-2", "T-21"), ("C-3", "T-31"))
    }
    async with await Board.open(redis_url, board_name) as board:
        gone = [(await board.history(f"{region}/C-2/T-21"))[-1] for region in ("flag", "investigation")]
    assert [change.operation for change in gone] == ["delete", "delete"]
    assert gone[0].commit == gone[1].commit


async def test_without_support_the_flags_of_the_cleared_stay(redis_url: str, board_name: str) -> None:
    """The test above can fail: this is the accident that it is about."""
    finished = await run(redis_url, board_name, "cleared_customer", "agents.detect.logical=off")
    assert finished.exit_code == 1
    assert [r.expectation for r in finished.results if not r.passed] == [
        "exactly 1 match flag/*/*", "exactly 1 match investigation/*/*", "exactly 4 match payment/*/*",
    ]  # fmt: skip
    values = await values_of(redis_url, board_name)
    assert "C-2" in region(values, "identity")
    assert region(values, "flag").keys() == {"C-2/T-21", "C-3/T-31", "C-4/T-41"}
