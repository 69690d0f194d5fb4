"""``gateway_down``: a gateway that is down for ever costs five calls and one question, not 47 calls."""

from __future__ import annotations

import pytest

from tests.scenarios.in_process import activations_of, run


async def test_five_calls_are_made_by_both_agents_together_and_a_person_is_asked(
    redis_url: str, board_name: str
) -> None:
    finished = await run(redis_url, board_name, "gateway_down")
    assert (finished.exit_code, finished.status) == (0, "awaiting")
    tried = {one["agent"]: one for one in (await activations_of(redis_url, board_name)).values()}
    assert {agent: len(one["attempts"]) for agent, one in tried.items()} == {"card": 3, "bank": 2}
    assert (tried["card"]["state"], tried["card"]["passed_to"]) == ("abandoned", "bank")
    (asked,) = finished.evidence.escalations.values()
    assert "(call 5 of 5 for this work); waiting for a person" in asked["question"]
    spent = sum(attempt["cost"] for one in tried.values() for attempt in one["attempts"])
    assert spent == pytest.approx(2.45)


async def test_without_the_budget_the_accident_happens(redis_url: str, board_name: str) -> None:
    """47 calls and 23 dollars: what fails is the expectation on calls."""
    off = ("limits.work_item.attempts=47", "agents.card.retry.attempts=47", "agents.card.retry.backoff=1ms",
           "agents.card.retry.cap=1ms")  # fmt: skip
    finished = await run(redis_url, board_name, "gateway_down", *off)
    assert finished.exit_code == 1
    (failed,) = [result for result in finished.results if not result.passed]
    assert failed.sentence == "refund was called 47 times, expected at most 5 (card 47)"
    (card,) = (await activations_of(redis_url, board_name)).values()
    assert sum(attempt["cost"] for attempt in card["attempts"]) == pytest.approx(23.03)
