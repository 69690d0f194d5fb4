"""``plan_and_execute``: a central plan carried out by agents that know no plan, changed in the middle, composed to one answer."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import pytest

from blackboard.failpoints import VARIABLE
from controller.escalation import Answer
from tests.running import contributions, domain_values, finish, start_run
from tests.scenarios.in_process import activations_of, records_of, region, reply, run, values_of

if TYPE_CHECKING:
    from blackboard.record import Record

EXPIRED = {"R-03", "R-09", "R-14", "R-18"}
DEAR = {"R-05", "R-12"}


async def test_agents_handle_nine_of_ten_returns_and_a_person_one(redis_url: str, board_name: str) -> None:
    finished = await run(redis_url, board_name, "plan_and_execute")
    assert [result.expectation for result in finished.results if not result.passed] == []
    assert (finished.exit_code, finished.status) == (0, "awaiting")
    values = await values_of(redis_url, board_name)
    answers = region(values, "answer")
    assert len(answers) == 18
    assert {question["case"] for question in finished.evidence.escalations.values()} == {
        f"return/{rma}" for rma in DEAR
    }
    assert answers["R-01"]["label"] == "L-R-01"
    assert (answers["R-01"]["refund"]["amount"], answers["R-01"]["warranty"]) == (17.2, None)
    assert {rma for rma, answer in answers.items() if answer["warranty"] == "2027-11-02"} == EXPIRED


async def test_no_step_comes_before_what_it_needs_and_none_is_done_twice(redis_url: str, board_name: str) -> None:
    await run(redis_url, board_name, "plan_and_execute")
    records = await records_of(redis_url, board_name)
    steps = {key: record for key, record in records.items() if key.startswith("plan/") and key.count("/") == 2}
    assert Counter(record.value["status"] for record in steps.values()) == {"done": 94, "dropped": 8, "ready": 2}
    for key, step in steps.items():
        if step.value["status"] == "done":
            result = records[key.replace("plan/", "result/", 1)]
            assert (result.version, step.value["result"]) == (1, f"{result.key}@{result.commit}")
            assert all(_result(records, key, need).revision < result.revision for need in step.value["needs"])


def _result(records: dict[str, Record], step: str, need: str) -> Record:
    return records[f"{step.replace('plan/', 'result/', 1).rpartition('/')[0]}/{need}"]


async def test_what_was_done_before_the_plan_changed_is_not_done_again(redis_url: str, board_name: str) -> None:
    await run(redis_url, board_name, "plan_and_execute")
    work = [
        (one["captures"]["rma"], one["captures"]["step"])
        for one in (await activations_of(redis_url, board_name)).values()
        if one["state"] in ("executed", "escalated") and one["agent"] == one["captures"].get("step")
    ]
    assert len(work) == len(set(work))
    assert {rma for rma, step in work if step == "warranty"} == EXPIRED


async def test_a_new_plan_that_keeps_nothing_does_it_all_again_and_the_run_fails(
    redis_url: str, board_name: str
) -> None:
    """The test above can fail: this is the accident that it is about."""
    finished = await run(redis_url, board_name, "plan_and_execute", "agents.replanner.with.keep=off")
    assert finished.exit_code == 1
    assert [result.expectation for result in finished.results if not result.passed] == [
        "verify fired exactly 20", "window fired exactly 20", "label fired exactly 20",
    ]  # fmt: skip


async def test_without_the_composer_there_is_no_answer_and_the_run_fails(redis_url: str, board_name: str) -> None:
    finished = await run(redis_url, board_name, "plan_and_execute", "agents.composer.with.plan=elsewhere/{rma}")
    assert finished.exit_code == 1
    assert [result.expectation for result in finished.results if not result.passed] == [
        "at least 18 and at most 20 match answer/*"
    ]


async def test_the_plan_goes_on_when_a_person_has_answered(redis_url: str, board_name: str) -> None:
    await run(redis_url, board_name, "plan_and_execute")
    given = Answer("approve", by="ana", reason="known customer")
    assert await reply(redis_url, board_name, {"return/R-05": given, "return/R-12": given})
    finished = await run(redis_url, board_name, "plan_and_execute", resume=True)
    assert (finished.exit_code, finished.status) == (0, "finished")
    answers = region(await values_of(redis_url, board_name), "answer")
    assert len(answers) == 20
    assert answers["R-05"]["refund"] == {"answer": "approve", "answered_by": "ana", "reason": "known customer"}


@pytest.mark.parametrize(
    "failpoint",
    ["controller.after_contribution:7", "controller.after_contribution:60", "controller.before_contribution:120"],
)
async def test_a_run_that_was_killed_in_the_middle_of_its_plans_comes_to_the_same(
    redis_url: str, board_name: str, failpoint: str
) -> None:
    words = ("--board", board_name, "plan_and_execute", "-o", "json")
    killed = start_run(redis_url, *words, environment={VARIABLE: failpoint})
    assert finish(killed)[0] == -9
    code, out, err = finish(start_run(redis_url, *words, "--resume"))
    assert code == 0, out + err
    values = await domain_values(redis_url, board_name)
    assert len(region(values, "answer")) == 18
    steps = {key: value for key, value in values.items() if key.startswith("plan/") and key.count("/") == 2}
    assert Counter(step["status"] for step in steps.values()) == {"done": 94, "dropped": 8, "ready": 2}
    assert all(len(commits) == 1 for commits in (await contributions(redis_url, board_name)).values())
