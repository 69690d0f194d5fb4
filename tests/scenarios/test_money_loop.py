"""``money_loop``: two agents keep each other researching; it stops at 18.00 instead of the run's hard cap."""

from __future__ import annotations

import pytest

from scenarios.report import build_report
from tests.scenarios.in_process import run


async def test_the_loop_is_stopped_at_a_stated_cost_and_a_person_is_asked(redis_url: str, board_name: str) -> None:
    finished = await run(redis_url, board_name, "money_loop")
    assert (finished.exit_code, finished.status) == (0, "awaiting")
    assert build_report(finished.evidence).totals.cost == pytest.approx(18.0)
    (asked,) = finished.evidence.escalations.values()
    assert "it has said 6 times in a row only what had been said, and the case has cost 18" in asked["question"]


async def test_with_no_sign_switched_on_it_burns_until_the_hard_cap(redis_url: str, board_name: str) -> None:
    finished = await run(redis_url, board_name, "money_loop", "stall=off")
    assert (finished.exit_code, finished.status) == (6, "stalled")
    assert build_report(finished.evidence).totals.cost == pytest.approx(40.0)
    failed = [result.expectation for result in finished.results if not result.passed]
    assert failed == [
        "researcher fired exactly 10", "never ask/* where round > 9", "escalations from researcher: exactly 1",
        "the run comes to rest",
    ]  # fmt: skip


@pytest.mark.parametrize("limit", ["limits.case.firings=6", "limits.case.cost=6"])
async def test_a_limit_of_the_case_stops_it_too(redis_url: str, board_name: str, limit: str) -> None:
    """Without any sign, after so many calls or so much money, each with a question to a person."""
    finished = await run(redis_url, board_name, "money_loop", "stall=off", limit)
    assert finished.status == "awaiting"
    assert build_report(finished.evidence).totals.cost == pytest.approx(6.0)


async def test_a_limit_of_tokens_stops_it_too(redis_url: str, board_name: str) -> None:
    """With what was under way when it was used up."""
    finished = await run(redis_url, board_name, "money_loop", "stall=off", "limits.case.tokens=120000")
    assert finished.status == "awaiting"
    assert build_report(finished.evidence).totals.cost < 9
    (asked,) = finished.evidence.escalations.values()
    assert "of 120000 tokens" in asked["question"]
