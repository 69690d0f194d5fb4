"""``self_healing``: what one agent cannot do another does, told what was wrong; escalations with and without."""

from __future__ import annotations

from collections import Counter

from tests.scenarios.in_process import activations_of, region, run, values_of


async def test_six_of_eight_escalations_are_spared_by_the_other_agent(redis_url: str, board_name: str) -> None:
    finished = await run(redis_url, board_name, "self_healing")
    assert (finished.exit_code, len(finished.evidence.escalations)) == (0, 2)
    claims = region(await values_of(redis_url, board_name), "claim")
    assert Counter(claim["read_by"] for claim in claims.values()) == {"fast": 12, "careful": 6}
    assert claims["L-3"] == {"amount": 12.5, "read_by": "careful"}
    failed = [one for one in (await activations_of(redis_url, board_name)).values() if one["state"] == "abandoned"]
    assert {(one["agent"], one["failure"], len(one["attempts"])) for one in failed} == {("fast", "invalid", 2)}


async def test_without_rerouting_a_person_is_asked_about_all_eight(redis_url: str, board_name: str) -> None:
    finished = await run(redis_url, board_name, "self_healing", "capabilities.read.reroute=off")
    assert (finished.exit_code, len(finished.evidence.escalations)) == (1, 8)
    assert [result.expectation for result in finished.results if not result.passed] == [
        "exactly 18 match claim/*", "escalations: at most 2",
    ]  # fmt: skip
