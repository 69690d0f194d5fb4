"""``first_agent``: one agent answers what it may decide, and a person the rest."""

from __future__ import annotations

from controller.escalation import Answer
from tests.scenarios.in_process import records_of, region, reply, run, values_of


async def test_four_returns_are_answered_and_one_waits_for_a_person(redis_url: str, board_name: str) -> None:
    finished = await run(redis_url, board_name, "first_agent")
    assert (finished.exit_code, finished.status) == (0, "awaiting")
    answers = region(await values_of(redis_url, board_name), "answer")
    assert {rma: answer["answer"] for rma, answer in answers.items()} == {
        "R-1": "approve", "R-2": "reject", "R-4": "approve", "R-5": "approve",
    }  # fmt: skip


async def test_the_answer_of_a_person_stands_where_the_agents_would_and_says_who_gave_it(
    redis_url: str, board_name: str
) -> None:
    await run(redis_url, board_name, "first_agent")
    given = Answer("approve", by="ana", reason="regular customer")
    assert await reply(redis_url, board_name, {"return/R-3": given}) == ["return/R-3"]
    finished = await run(redis_url, board_name, "first_agent", resume=True)
    assert finished.status == "finished"
    answer = (await records_of(redis_url, board_name))["answer/R-3"]
    assert (answer.author, answer.case) == ("ana", "return/R-3")
    assert answer.value == {"answer": "approve", "answered_by": "ana", "reason": "regular customer"}


async def test_a_lower_limit_asks_more_questions_and_the_expectations_notice(redis_url: str, board_name: str) -> None:
    finished = await run(redis_url, board_name, "first_agent", "agents.clerk.with.limit=50")
    assert finished.exit_code == 1
    assert len(finished.evidence.escalations) == 3
