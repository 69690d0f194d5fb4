"""``refund_timeout``: the refund agent gets its time, then the supervisor decides."""

from __future__ import annotations

from typing import Any

from blackboard.board import Board
from blackboard.control_records import OVERRIDES
from tests.scenarios.in_process import activations_of, region, run, values_of


async def test_the_supervisor_extends_once_and_then_decides_for_store_credit(redis_url: str, board_name: str) -> None:
    finished = await run(redis_url, board_name, "refund_timeout")
    assert [result.sentence for result in finished.results if not result.passed] == []
    assert (finished.exit_code, finished.status) == (0, "finished")
    refunds = region(await values_of(redis_url, board_name), "refund")
    assert {rma for rma, one in refunds.items() if one["method"] == "store credit"} == {"R-4", "R-9"}
    decided = [one for one in (await activations_of(redis_url, board_name)).values() if "decided_by" in one]
    assert {(one["captures"]["rma"], one["decided_by"]) for one in decided} == {("R-4", "boss"), ("R-9", "boss")}
    async with await Board.open(redis_url, board_name) as board:
        orders: dict[str, Any] = {record.key: record.value for record in await board.find(f"{OVERRIDES}*")}
    assert {orders[one["override"]]["reason"] for one in decided} == {"the bank did not answer in time: store credit"}


async def test_without_the_deadline_nobody_decides_and_the_run_times_out(redis_url: str, board_name: str) -> None:
    finished = await run(redis_url, board_name, "refund_timeout", "agents.refund.respond_within=10m")
    assert (finished.exit_code, finished.status) == (6, "timed_out")
    assert [result.expectation for result in finished.results if not result.passed] == [
        "exactly 12 match refund/*",
        'exactly 2 match refund/* where method == "store credit"',
        'exactly 2 match control/overrides/* where verb == "decide" && status == "applied"',
        "exactly 12 match notice/*",
        "boss fired at least 5",
        "the run comes to rest",
    ]


async def test_a_supervisor_that_may_only_extend_decides_nothing_and_people_are_asked(
    redis_url: str, board_name: str
) -> None:
    """Its decision is refused with the reason, and the matter goes on to the next on the ladder."""
    finished = await run(redis_url, board_name, "refund_timeout", "agents.boss.authority=[extend]")
    assert (finished.exit_code, finished.status) == (1, "awaiting")
    failed = [result.expectation for result in finished.results if not result.passed]
    assert 'exactly 2 match refund/* where method == "store credit"' in failed
    assert any("escalations" in one for one in failed)
