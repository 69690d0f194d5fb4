"""``dead_supervisor``: a fallback takes over, then a person, and the workers go on meanwhile."""

from __future__ import annotations

from tests.scenarios.in_process import activations_of, region, run, values_of


async def test_the_deputy_takes_over_and_a_person_is_asked_about_the_dear_one(redis_url: str, board_name: str) -> None:
    finished = await run(redis_url, board_name, "dead_supervisor")
    assert [result.sentence for result in finished.results if not result.passed] == []
    assert (finished.exit_code, finished.status) == (0, "awaiting")
    values = await values_of(redis_url, board_name)
    appraisals = region(values, "appraisal")
    assert len(region(values, "reply")) == 40
    assert {claim: one["by"] for claim, one in appraisals.items()} == {"C-1": "deputy", "C-2": "deputy"}
    activations = (await activations_of(redis_url, board_name)).values()
    assert {one["case"]: one["state"] for one in activations if one["agent"] == "appraiser"} == {
        "work/C-1": "executed", "work/C-2": "executed", "work/C-3": "escalated",
    }  # fmt: skip
    assert {one["state"] for one in activations if one["agent"] == "boss"} <= {"abandoned", "obviated"}


async def test_without_a_fallback_people_get_all_three(redis_url: str, board_name: str) -> None:
    finished = await run(redis_url, board_name, "dead_supervisor", "agents.appraiser.escalate=[boss]")
    assert (finished.exit_code, finished.status) == (1, "awaiting")
    assert [result.expectation for result in finished.results if not result.passed] == [
        'exactly 2 match appraisal/* where by == "deputy"',
        "deputy fired exactly 3",
        "escalations from appraiser: exactly 1",
    ]
    letters = region(await values_of(redis_url, board_name), "reply")
    assert len(letters) == 40
