"""``invented_reference``: a claim that cites a record which is not there reaches nobody."""

from __future__ import annotations

from tests.scenarios.in_process import activations_of, region, run, values_of


async def test_a_lie_is_refused_and_the_next_attempt_is_told_why(redis_url: str, board_name: str) -> None:
    finished = await run(redis_url, board_name, "invented_reference")
    assert (finished.exit_code, finished.status) == (0, "finished")
    sent = region(await values_of(redis_url, board_name), "sent")
    assert {rma: one["text"].partition(".")[0] for rma, one in sent.items()} == {
        "R-1": "Your refund was processed yesterday",
        "R-2": "Your refund has not been made yet",
        "R-3": "Your refund was processed yesterday",
        "R-4": "Your refund has not been made yet",
    }
    answers = {
        one["captures"]["rma"]: one
        for one in (await activations_of(redis_url, board_name)).values()
        if one["agent"] == "answer"
    }
    (failed,) = answers["R-2"]["attempts"]
    assert failed["failure"] == "ungrounded"
    assert "cites refund/R-2@1-2, and there is no refund/R-2; there is refund/R-" in failed["error"]
    assert [key for key, _ in answers["R-1"]["cites"]] == ["refund/R-1"]
    assert [key for key, _ in answers["R-2"]["cites"]] == ["question/R-2"]


async def test_without_citations_the_lie_reaches_the_customers(redis_url: str, board_name: str) -> None:
    """The test above can fail: this is the accident that it is about."""
    finished = await run(redis_url, board_name, "invented_reference", "agents.answer.cites=off")
    assert finished.exit_code == 1
    assert len([r for r in finished.results if not r.passed]) == 4
    sent = region(await values_of(redis_url, board_name), "sent")
    assert {one["text"] for one in sent.values()} == {"Your refund was processed yesterday."}
