"""``state_drift``: what was told to customers and did not come true becomes a record, and they are told the truth."""

from __future__ import annotations

from tests.scenarios.in_process import records_of, region, run, values_of

LOST = {"R-3", "R-7", "R-8"}


async def test_whose_refund_was_lost_is_told_the_truth_and_the_others_keep_their_receipt(
    redis_url: str, board_name: str
) -> None:
    finished = await run(redis_url, board_name, "state_drift")
    assert (finished.exit_code, finished.status) == (0, "finished")
    values = await values_of(redis_url, board_name)
    assert set(region(values, "correction")) == LOST
    assert set(region(values, "receipt")) == {f"R-{n}" for n in range(1, 11)} - LOST


async def test_the_failure_record_belongs_to_the_case_and_names_what_was_claimed(
    redis_url: str, board_name: str
) -> None:
    await run(redis_url, board_name, "state_drift")
    failed = (await records_of(redis_url, board_name))["refund_failed/R-3"]
    assert failed.case == "return/R-3"
    assert {cause.partition("@")[0] for cause in failed.causes} == {"message/R-3", "order/R-3"}
    assert "clerk wrote" in failed.value["reason"]


async def test_without_the_claim_the_false_message_stands_and_the_run_fails(redis_url: str, board_name: str) -> None:
    finished = await run(redis_url, board_name, "state_drift", "agents.clerk.confirm_within=off")
    assert finished.exit_code == 1
    assert [one.expectation for one in finished.results if not one.passed] == [
        "exactly 3 match refund_failed/*",
        "exactly 3 match correction/*",
        'exactly 7 match control/claims/* where status == "confirmed"',
    ]
    assert len(region(await values_of(redis_url, board_name), "message")) == 10
