"""``swarm``: agents without a controller of their talks are stopped, and the chain that led there is accounted for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from blackboard.cli import main
from tests.scenarios.in_process import run

if TYPE_CHECKING:
    import pytest


async def test_talks_that_go_round_and_talks_that_never_end_are_stopped(redis_url: str, board_name: str) -> None:
    finished = await run(redis_url, board_name, "swarm")
    assert (finished.exit_code, finished.status) == (0, "awaiting")
    stalls = sorted(tuple(one["stall"]) for one in finished.evidence.activations.values() if "stall" in one)
    assert stalls == [("depth", "left", "message/D-2/0"), ("toggles", "offer/D-1")]


async def test_with_no_sign_switched_on_they_talk_until_the_hard_cap(redis_url: str, board_name: str) -> None:
    finished = await run(redis_url, board_name, "swarm", "stall=off")
    assert (finished.exit_code, finished.status) == (6, "stalled")
    assert [result.expectation for result in finished.results if not result.passed] == [
        "exactly 25 match message/*/*", "escalations: exactly 2", "buyer fired at most 6", "the run comes to rest",
    ]  # fmt: skip


def test_why_tells_the_chain_from_the_last_message_to_what_was_fed(
    redis_url: str, board_name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["run", "swarm", "--url", redis_url, "--board", board_name, "-q"]) == 0
    capsys.readouterr()
    assert main(["why", "message/D-2/24", "--depth", "30", "--url", redis_url, "--board", board_name]) == 0
    told = capsys.readouterr().out
    assert [n for n in range(25) if f"message/D-2/{n}" in told] == list(range(25))
