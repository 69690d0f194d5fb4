"""``token_bloat``: five agents hand on page after page; under a token budget none is given more than it can read."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.scenarios.in_process import activations_of, records_of, region, run, values_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from blackboard.control_records import Activation

OFF = tuple(f"agents.{agent}.token_budget=off" for agent in ("damage", "history", "fraud", "decide"))


def tokens_of(activations: Mapping[str, Activation]) -> int:
    return sum(one["input_tokens"] for each in activations.values() for one in each.get("usage", []))


async def test_every_prompt_is_within_its_budget_and_the_pages_are_kept(redis_url: str, board_name: str) -> None:
    finished = await run(redis_url, board_name, "token_bloat")
    assert [result.expectation for result in finished.results if not result.passed] == []
    assert (finished.exit_code, finished.status) == (0, "finished")
    records = await records_of(redis_url, board_name)
    decision = records["decision/C-1"].value
    for pointer in decision["from_digests_of"]:
        key, _, commit = pointer.rpartition("@")
        assert records[key].commit == commit
        assert records[f"digest/{key}"].value["tokens"] > 9_000
    assert tokens_of(await activations_of(redis_url, board_name)) < 10_000


async def test_a_digest_says_what_its_page_is_about(redis_url: str, board_name: str) -> None:
    await run(redis_url, board_name, "token_bloat")
    digests = region(await values_of(redis_url, board_name), "digest")
    assert (
        "the finding for claim/C-2 is: nothing speaks against the fraud"
        in digests["finding/C-2/fraud"]["digest"]["text"]
    )


async def test_without_budgets_the_prompts_grow_with_every_agent_until_the_money_is_gone(
    redis_url: str, board_name: str
) -> None:
    """The test above can fail: this is the accident that it is about."""
    finished = await run(redis_url, board_name, "token_bloat", *OFF)
    assert finished.exit_code == 1
    failed = [result.expectation for result in finished.results if not result.passed]
    assert "never finding/** where prompt_tokens > 2000" in failed
    assert "exactly 3 match decision/*" in failed
    assert tokens_of(await activations_of(redis_url, board_name)) > 100_000


async def test_with_more_money_and_no_budgets_the_last_prompt_is_ten_times_what_it_may_be(
    redis_url: str, board_name: str
) -> None:
    await run(redis_url, board_name, "token_bloat", *OFF, "limits.case.cost=100")
    decision = (await values_of(redis_url, board_name))["decision/C-1"]
    assert decision["prompt_tokens"] > 37_000


async def test_without_the_compressor_nobody_is_given_too_much_and_the_run_says_what_is_missing(
    redis_url: str, board_name: str
) -> None:
    finished = await run(redis_url, board_name, "token_bloat", "agents.compressor.with.watches=elsewhere/{id}/{topic}")
    assert (finished.exit_code, finished.status) == (6, "stalled")
    assert "it waits for digest/finding/C-1/policy" in finished.ending
