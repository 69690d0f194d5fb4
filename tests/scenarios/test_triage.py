"""``triage``: what the classifier is sure of is routed, a person is asked about the rest."""

from __future__ import annotations

import signal
from typing import TYPE_CHECKING, Any

from blackboard.cli import main
from blackboard.failpoints import VARIABLE
from controller.escalation import Answer
from tests.running import finish, start_run
from tests.scenarios.in_process import activations_of, region, reply, run, values_of

if TYPE_CHECKING:
    import pytest

ANSWERS = {
    "ticket/T-06": Answer("approve", "ana"),
    "ticket/T-09": Answer("decide", "ana", "an order by a stranger", {"team": "fraud"}),
    "ticket/T-12": Answer("approve", "ana"),
    "ticket/T-15": Answer("decide", "ana", value={"team": "fraud"}),
    "ticket/T-19": Answer("approve", "ana"),
}


async def test_the_sure_ones_are_routed_and_of_the_five_others_a_person_is_asked(
    redis_url: str, board_name: str
) -> None:
    finished = await run(redis_url, board_name, "triage")
    assert (finished.exit_code, finished.status) == (0, "awaiting")
    routed = region(await values_of(redis_url, board_name), "routed")
    assert len(routed) == 15
    fired = [one for one in (await activations_of(redis_url, board_name)).values() if one["agent"] == "triage"]
    assert all((one["confidence"] >= 0.8) == (one["state"] == "executed") for one in fired)


async def test_answered_and_resumed_every_ticket_is_with_the_right_team_and_no_critical_one_without_a_person(
    redis_url: str, board_name: str
) -> None:
    await run(redis_url, board_name, "triage")
    assert len(await reply(redis_url, board_name, ANSWERS)) == 5
    finished = await run(redis_url, board_name, "triage", resume=True)
    assert (finished.exit_code, finished.status) == (0, "finished")
    audits = region(await values_of(redis_url, board_name), "audit")
    assert [one["outcome"] for one in audits.values()] == ["right team"] * 20
    assert finished.results[-1].sentence == "0 of 3 critical decisions (0%) were made without a person"


async def test_where_nobody_is_asked_tickets_come_to_the_wrong_team_and_the_critical_one_fails_the_run(
    redis_url: str, board_name: str
) -> None:
    finished = await run(redis_url, board_name, "triage", "approval=never")
    assert finished.exit_code == 1
    assert [one.expectation for one in finished.results if not one.passed] == [
        'never audit/* where outcome == "wrong team"',
        "escalations: exactly 5",
        "unreviewed critical at most 30%",
    ]


async def test_killed_while_it_asks_and_resumed_it_asks_about_each_once(redis_url: str, board_name: str) -> None:
    process = start_run(
        redis_url, "triage", "--board", board_name, "-q", environment={VARIABLE: "controller.before_escalation:3"}
    )
    assert finish(process)[0] == -signal.SIGKILL
    finished = await run(redis_url, board_name, "triage", resume=True)
    assert (finished.exit_code, finished.status) == (0, "awaiting")
    assert len(await reply(redis_url, board_name, ANSWERS)) == 5
    assert (await run(redis_url, board_name, "triage", resume=True)).status == "finished"


def test_the_report_tells_the_share_of_people_and_of_critical_decisions_without_one(
    redis_url: str, board_name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    where = ["--url", redis_url, "--board", board_name]
    main(["run", "triage", *where, "-q", "--set", "approval=never"])
    capsys.readouterr()
    assert main(["report", *where]) == 0
    told: Any = capsys.readouterr().out
    assert "critical decisions       1, without a person 1 (100%)" in told
    assert "unsure, let through      5" in told
    assert "0.0% of cases" in told
