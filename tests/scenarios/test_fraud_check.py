"""``fraud_check``: three checkers side by side, a quorum of two, a deadline, and one vote that comes late."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from blackboard.board import Board
from tests.scenarios.in_process import activations_of, records_of, region, run, values_of

if TYPE_CHECKING:
    from blackboard.control_records import Activation


async def test_two_votes_against_block_a_payment_and_each_payment_has_one_decision(
    redis_url: str, board_name: str
) -> None:
    finished = await run(redis_url, board_name, "fraud_check")
    assert (finished.exit_code, finished.status) == (0, "finished")
    decisions = region(await values_of(redis_url, board_name), "decision")
    assert {tx: decision["blocked"] for tx, decision in decisions.items()} == {
        "T-1": False, "T-2": True, "T-3": False, "T-4": True, "T-5": False, "T-6": False,
    }  # fmt: skip


async def test_who_is_late_is_not_waited_for_and_its_vote_is_kept_and_no_cause_of_the_decision(
    redis_url: str, board_name: str
) -> None:
    await run(redis_url, board_name, "fraud_check")
    records = await records_of(redis_url, board_name)
    for tx in ("T-3", "T-4"):
        decision, late = records[f"decision/{tx}"], records[f"vote/{tx}/device"]
        assert late.revision > decision.revision
        causes = {cause.partition("@")[0] for cause in decision.causes}
        assert causes == {f"transaction/{tx}", f"vote/{tx}/velocity", f"vote/{tx}/blacklist"}
    assert records["decision/T-3"].value == {"blocked": False, "votes": 2, "missing": 1, "why": []}


async def test_checkers_work_side_by_side_and_the_whole_takes_as_long_as_the_slowest_that_is_needed(
    redis_url: str, board_name: str
) -> None:
    """By the order of the records: no checker waits for another, and the decision waits for nothing after the last vote."""
    await run(redis_url, board_name, "fraud_check")
    records, activations = await records_of(redis_url, board_name), await activations_of(redis_url, board_name)
    checks = {one["agent"]: one for one in of_case(activations, "transaction/T-1")}
    slowest = records["vote/T-1/device"]
    assert max(checks[name]["dispatched_ms"] for name in ("velocity", "device", "blacklist")) <= slowest.time_ms
    decided = checks["decide"]
    assert decided["eligible_ms"] == max(
        records[f"vote/T-1/{name}"].time_ms for name in ("velocity", "device", "blacklist")
    )
    assert {key for _, key, _ in decided["triggers"]} >= {"vote/T-1/velocity", "vote/T-1/device", "vote/T-1/blacklist"}


async def test_a_join_that_waits_for_all_three_leaves_the_late_payment_to_a_person(
    redis_url: str, board_name: str
) -> None:
    finished = await run(redis_url, board_name, "fraud_check", "agents.decide.collect.votes.at_least=3")
    assert finished.exit_code == 1
    failed = [result.expectation for result in finished.results if not result.passed]
    assert failed == [
        "exactly 6 match decision/*", "exactly 1 match decision/* where missing == 1", "escalations: exactly 0",
    ]  # fmt: skip
    (asked,) = (
        one["reason"] for one in (await activations_of(redis_url, board_name)).values() if one["state"] == "escalated"
    )
    assert asked.startswith("decide has 2 of at least 3 votes within 400 ms")


async def test_why_names_the_late_vote(redis_url: str, board_name: str) -> None:
    from controller.provenance import explain
    from controller.recollection import Recollection
    from controller.viewer.why_text import explanation_lines

    await run(redis_url, board_name, "fraud_check")
    async with await Board.open(redis_url, board_name) as board:
        told = list(
            explanation_lines(explain(await Recollection(board).of_record("decision/T-3", 5), "decision/T-3", 5))
        )
    assert any("it collected votes: 2 of 3" in one.text for one in told)
    assert any("late, and no part of it: vote/T-3/device@" in one.text and "by device" in one.text for one in told)


def of_case(activations: dict[str, Activation], case: str) -> list[Any]:
    return [one for one in activations.values() if one["case"] == case]
