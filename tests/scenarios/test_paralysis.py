"""``paralysis``: two pairs of agents undo what the other has done; one quarrel the lead decides, one a person."""

from __future__ import annotations

from tests.scenarios.in_process import activations_of, region, run, values_of


async def test_the_lead_decides_one_quarrel_and_a_person_is_asked_about_the_other(
    redis_url: str, board_name: str
) -> None:
    finished = await run(redis_url, board_name, "paralysis")
    assert (finished.exit_code, finished.status) == (0, "awaiting")
    values = await values_of(redis_url, board_name)
    assert region(values, "hold") == {"T-42": {"state": "held", "by": "lead"}}
    found = (await activations_of(redis_url, board_name)).values()
    (decided,) = [one for one in found if one.get("decided_by") == "lead"]
    assert (decided["agent"], decided.get("failure"), decided.get("stall")) == (
        "support",
        "stalled",
        ["toggles", "hold/T-42"],
    )
    (asked,) = [one for one in found if one["state"] == "escalated"]
    assert "have put back what stood at invoice/T-43 4 times in" in asked.get("reason", "")
    assert "and the case has cost 0.1" in asked.get("reason", "")


async def test_with_no_sign_switched_on_they_go_on_until_the_run_may_fire_no_more(
    redis_url: str, board_name: str
) -> None:
    finished = await run(redis_url, board_name, "paralysis", "stall=off")
    assert (finished.exit_code, finished.status) == (6, "stalled")
    failed = [result.expectation for result in finished.results if not result.passed]
    assert set(failed) >= {
        "compliance fired at most 5", "billing fired at most 5", "lead fired exactly 2", "escalations: exactly 1",
        "the run comes to rest",
    }  # fmt: skip
