"""The agenda told from the records, at the decisions of shipped scenarios: it names the chosen one, and no fewer."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from blackboard.board import Board
from tests.agreement import compared
from tests.scenarios.in_process import PUNCTUAL, run

if TYPE_CHECKING:
    from tests.agreement import Compared


async def decisions(url: str, board: str, *, every: int = 1) -> list[Compared]:
    """The decisions on ``board``, of each of which the chosen one was found among the eligible."""
    async with await Board.open(url, board) as opened:
        found = await compared(opened, every=every)
    for one in found:
        assert one.entry is not None, one.dispatch
        assert (one.entry["state"], one.entry["level"]) == ("ready", one.dispatch.decision["level"]), one.dispatch
    return found


@pytest.mark.parametrize("scenario", ["double_refund", "fair_share"])
async def test_as_many_are_told_as_eligible_as_each_decision_counted(
    redis_url: str, board_name: str, scenario: str
) -> None:
    await run(redis_url, board_name, scenario)
    found = await decisions(redis_url, board_name)
    assert len(found) >= 30
    assert [one.more for one in found] == [0] * len(found)


async def test_where_firings_are_shared_each_flow_stands_where_its_decision_says(
    redis_url: str, board_name: str
) -> None:
    await run(redis_url, board_name, "fair_share")
    for one in await decisions(redis_url, board_name):
        assert one.entry is not None
        assert one.entry["flow"] == one.dispatch.decision["flow"]
        assert one.entry["share"] == one.dispatch.decision["share"] or one.in_flight


async def test_in_a_large_run_what_was_picked_and_then_refused_is_all_that_is_told_besides(
    redis_url: str, board_name: str
) -> None:
    """A dispatch that a change of its triggers forestalls leaves no record: the match counts as pending until then."""
    await run(redis_url, board_name, "process_return", *PUNCTUAL)
    found = await decisions(redis_url, board_name, every=29)
    assert len(found) > 40
    assert all(one.more >= 0 for one in found), [one for one in found if one.more < 0]
    assert any(one.more == 0 for one in found)
