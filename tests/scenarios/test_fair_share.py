"""``fair_share``: one customer floods the desk; shared, the other takes turns with him, and else waits behind all."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.scenarios.in_process import activations_of, run

if TYPE_CHECKING:
    from blackboard.control_records import Activation


def in_order(activations: dict[str, Activation]) -> list[str]:
    """The customers in the order in which their mail was dispatched."""
    decided = sorted(activations.values(), key=lambda one: (one["decision"]["revision"], -one["decision"]["eligible"]))
    return [one["captures"]["customer"] for one in decided]


async def test_both_customers_take_turns_as_long_as_both_have_mail_waiting(redis_url: str, board_name: str) -> None:
    finished = await run(redis_url, board_name, "fair_share")
    assert (finished.exit_code, finished.status) == (0, "finished")
    dispatched = in_order(await activations_of(redis_url, board_name))
    assert dispatched[:6].count("small") == 3
    assert len(dispatched) == 43


async def test_without_sharing_the_small_customer_waits_behind_all_and_the_run_fails(
    redis_url: str, board_name: str
) -> None:
    """The expectation can fail: this is what it is about."""
    finished = await run(redis_url, board_name, "fair_share", "policy.fair=off")
    assert finished.exit_code == 1
    assert [result.expectation for result in finished.results if not result.passed] == [
        "in this order: answer/small/3, then answer/flood/8"
    ]
    assert in_order(await activations_of(redis_url, board_name)) == ["flood"] * 40 + ["small"] * 3


async def test_a_limit_per_customer_lets_both_through_too(redis_url: str, board_name: str) -> None:
    """One place each, of two: the way without sharing that leaves a place free when one customer is done."""
    finished = await run(redis_url, board_name, "fair_share", "policy.fair=off", "limits.running.capture.customer=1")
    assert finished.exit_code == 0
