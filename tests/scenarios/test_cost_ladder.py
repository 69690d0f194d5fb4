"""``cost_ladder``: the cheapest agent first, each next one only where the one before was not sure."""

from __future__ import annotations

from collections import Counter

from tests.scenarios.in_process import region, run, values_of


async def test_twelve_messages_need_no_model_and_two_the_large_one(redis_url: str, board_name: str) -> None:
    finished = await run(redis_url, board_name, "cost_ladder")
    assert (finished.exit_code, finished.status) == (0, "finished")
    intents = region(await values_of(redis_url, board_name), "intent")
    assert Counter(intent["by"] for intent in intents.values()) == {"words": 12, "small": 6, "large": 2}


async def test_with_the_large_one_first_the_run_ends_at_its_limit(redis_url: str, board_name: str) -> None:
    finished = await run(redis_url, board_name, "cost_ladder", "capabilities.intent.agents=[large, small, words]")
    assert (finished.exit_code, finished.status) == (6, "stalled")
    assert "of 2 cost" in finished.ending
    assert [result.expectation for result in finished.results if not result.passed] == [
        "exactly 20 match intent/*", "small was called exactly 8", "large was called exactly 2", "the run comes to rest",
    ]  # fmt: skip
    assert len(region(await values_of(redis_url, board_name), "intent")) == 4
