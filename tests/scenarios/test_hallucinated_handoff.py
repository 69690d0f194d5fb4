"""``hallucinated_handoff``: work cannot be handed to a team that does not exist; a message to its mailbox is lost."""

from __future__ import annotations

from tests.scenarios.in_process import activations_of, region, run, values_of


async def test_an_invented_team_is_refused_with_the_nearest_and_the_agent_hands_over_to_that(
    redis_url: str, board_name: str
) -> None:
    finished = await run(redis_url, board_name, "hallucinated_handoff")
    assert (finished.exit_code, finished.status) == (0, "finished")
    answers = region(await values_of(redis_url, board_name), "answer")
    assert {
        ticket: answer["by"] for ticket, answer in answers.items() if answer["about"] != "delivery"
    } == dict.fromkeys(("T-1", "T-3", "T-4"), "refund_team")
    support = [one for one in (await activations_of(redis_url, board_name)).values() if one["agent"] == "support"]
    refused = [attempt for one in support for attempt in one.get("attempts", ())]
    assert [attempt["failure"] for attempt in refused] == ["ungrounded"] * 3
    assert all("no agent is named" in attempt["error"] for attempt in refused)
    assert all("nearest: refund_team" in attempt["error"] for attempt in refused)


async def test_as_plain_messages_the_same_tasks_are_lost(redis_url: str, board_name: str) -> None:
    finished = await run(redis_url, board_name, "hallucinated_handoff", "agents.support.with.handoff=false")
    assert (finished.exit_code, finished.status) == (1, "finished")
    assert [result.expectation for result in finished.results if not result.passed] == [
        "exactly 6 match answer/*", 'never task/* where to == "refunds_department"',
    ]  # fmt: skip
    assert len(region(await values_of(redis_url, board_name), "answer")) == 3
