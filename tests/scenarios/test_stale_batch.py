"""``stale_batch``: what one of a batch has read is overwritten by another one before it is done."""

from __future__ import annotations

from tests.scenarios.in_process import activations_of, region, run, values_of


async def test_each_quote_is_made_again_at_the_rate_that_stands_in_the_same_activation(
    redis_url: str, board_name: str
) -> None:
    finished = await run(redis_url, board_name, "stale_batch")
    assert (finished.exit_code, finished.status) == (0, "finished")
    quotes = region(await values_of(redis_url, board_name), "quote")
    assert {quote["rate_set"] for quote in quotes.values()} == {"today"}
    assert quotes["O-2"]["cents"] == 250 * 92
    made = [one for one in (await activations_of(redis_url, board_name)).values() if one["agent"] == "quote"]
    assert len(made) == 4
    assert all(one["state"] == "executed" and one["attempt"] == 1 and one["conflicts"] >= 1 for one in made)


async def test_without_the_guards_quotes_land_at_a_rate_that_no_longer_stands_and_the_run_fails(
    redis_url: str, board_name: str
) -> None:
    """The expectation can fail: this is the stale read that batches are warned of."""
    finished = await run(redis_url, board_name, "stale_batch", "guard=off")
    assert finished.exit_code == 1
    assert [result.expectation for result in finished.results if not result.passed] == [
        'never quote/* where rate_set == "yesterday"'
    ]
    quotes = region(await values_of(redis_url, board_name), "quote")
    assert {quote["rate_set"] for quote in quotes.values()} == {"yesterday"}
