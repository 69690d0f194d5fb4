"""``double_refund``: two agents want to refund the same return; exactly one does, and the other says who won."""

from __future__ import annotations

import json
from collections import Counter
from typing import TYPE_CHECKING

import pytest

from tests.scenarios.in_process import activations_of, region, run, values_of

if TYPE_CHECKING:
    from pathlib import Path


async def test_each_return_is_paid_once_and_the_loser_names_the_winner(redis_url: str, board_name: str) -> None:
    finished = await run(redis_url, board_name, "double_refund")
    assert (finished.exit_code, finished.status) == (0, "finished")
    refunds = region(await values_of(redis_url, board_name), "refund")
    losers = [one for one in (await activations_of(redis_url, board_name)).values() if one["state"] == "obviated"]
    assert len(losers) == len(refunds) == 12
    for loser in losers:
        winner = refunds[loser["captures"]["rma"]]["by"]
        assert loser["agent"] != winner
        assert loser["winner"] == winner


async def test_without_the_guards_each_return_is_paid_twice_and_the_run_fails(redis_url: str, board_name: str) -> None:
    """The test above can fail: this is the accident that it is about."""
    finished = await run(redis_url, board_name, "double_refund", "guard=off")
    assert finished.exit_code == 1
    assert [r.expectation for r in finished.results if not r.passed] == [
        "exactly 12 match payment/*/*", "gateway fired exactly 12",
    ]  # fmt: skip
    payments = region(await values_of(redis_url, board_name), "payment")
    assert set(Counter(key.partition("/")[0] for key in payments).values()) == {2}


@pytest.mark.parametrize("guard", ["on", "off"])
async def test_in_a_thousand_races_the_guards_let_one_through_every_time(
    guard: str, redis_url: str, board_name: str, tmp_path: Path
) -> None:
    races = tmp_path / "races.jsonl"
    lines = [{"rma": f"R-{n}", "amount_cents": 100 + n, "account": f"CARD-{n}"} for n in range(1000)]
    races.write_text("".join(json.dumps(line) + "\n" for line in lines))
    await run(redis_url, board_name, "double_refund", f"guard={guard}", input_file=races)
    paid = Counter(key.partition("/")[0] for key in region(await values_of(redis_url, board_name), "payment"))
    fired = Counter(
        one["captures"]["rma"]
        for one in (await activations_of(redis_url, board_name)).values()
        if one["capability"] == "refund"
    )
    assert len(paid) == 1000
    # On a busy machine one agent may be done before the other one is fired, which is no race.
    assert sum(agents == 2 for agents in fired.values()) >= 900
    assert paid == (fired if guard == "off" else Counter(dict.fromkeys(paid, 1)))
