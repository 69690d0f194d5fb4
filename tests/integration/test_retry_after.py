"""Claims about agents that say when they want to be called again."""

from __future__ import annotations

from typing import Any

import pytest

from controller.budgets import Limits, RunLimit
from knowledge_sources import Context, RetryAfter, knowledge_source
from tests.leading import activations, only, question, run, values


class Busy(Exception):
    """As clients of web services raise it."""

    def __init__(self, retry_after: Any) -> None:
        super().__init__("429 too many requests")
        self.retry_after = retry_after


def once(error: BaseException, **settings: Any) -> Any:
    """An agent that raises ``error`` in its first call."""

    @knowledge_source("item/{i}", contributes="out/{i}", retry={"attempts": 3, "backoff": "1ms"}, **settings)
    async def pays(ctx: Context) -> str:
        if ctx.attempt == 1:
            raise error
        return "paid"

    return pays


@pytest.mark.parametrize("error", [RetryAfter("150ms", "the gateway is busy"), Busy(0.15)])
async def test_the_next_call_is_not_before_the_agent_asked_for_it(board: Any, error: BaseException) -> None:
    """Though the backoff is a millisecond."""
    await board.create("item/1", {})
    await run(board, once(error))
    done = await only(board)
    (failed,) = done["attempts"]
    assert failed["retry_after_ms"] == 150
    assert done["dispatched_ms"] >= failed["ended_ms"] + 150
    assert (done["state"], failed["failure"]) == ("executed", "error")


@pytest.mark.parametrize("asked", [True, "3", None, -1, float("nan"), float("inf"), object()])
async def test_what_is_no_number_of_seconds_is_no_wait(board: Any, asked: Any) -> None:
    await board.create("item/1", {})
    await run(board, once(Busy(asked)))
    (failed,) = (await only(board))["attempts"]
    assert "retry_after_ms" not in failed


@pytest.mark.parametrize("raised", [RuntimeError("none of your business"), SystemExit(3)])
async def test_an_attribute_that_raises_is_no_wait(board: Any, raised: BaseException) -> None:
    """It is an agent's own code."""

    class Rude(Exception):
        @property
        def retry_after(self) -> float:
            raise raised

    await board.create("item/1", {})
    assert (await run(board, once(Rude("no")))).status == "finished"


@pytest.mark.parametrize("limit", [{"respond_within": "10s", "escalate": ["human"]}, {}])
async def test_a_wait_beyond_the_time_that_is_left_is_not_waited_and_a_person_is_asked(
    board: Any, limit: dict[str, Any]
) -> None:
    """The agent's own time, or that of the run."""
    limits = Limits() if limit else Limits(run=RunLimit(time_ms=20_000))
    await board.create("item/1", {})
    assert (await run(board, once(Busy(3600), **limit), limits=limits)).status == "awaiting"
    _, asked = await question(board)
    assert "to be tried again in 1 h, which is more time than is left" in asked["question"]


async def test_beyond_the_time_that_is_left_the_next_agent_goes_on_at_once(board: Any) -> None:
    @knowledge_source("item/{i}", contributes="out/{i}", provides="pays", instead_of="pays")
    async def spare() -> str:
        return "paid by the spare"

    await board.create("item/1", {})
    end = await run(board, once(Busy(10**9)), spare, limits=Limits(run=RunLimit(time_ms=20_000)))
    assert end.status == "finished"
    assert await values(board, "out/*") == {"out/1": "paid by the spare"}
    (given_up,) = await activations(board, "pays")
    assert given_up["attempts"][0]["retry_after_ms"] == 24 * 3600 * 1000


async def test_an_agent_that_is_told_the_same_twice_is_not_called_a_third_time(board: Any) -> None:
    """Of an invalid answer it is told once: failing in the same words again, its input would be the same again."""
    calls = []

    @knowledge_source("item/{i}", contributes="out/{i}", retry={"attempts": 5, "backoff": "1ms"})
    async def stubborn(ctx: Context) -> None:
        calls.append([one["error"].splitlines()[0] for one in ctx.earlier])
        ctx.post("elsewhere/{i}", 1)

    await board.create("item/1", {})
    assert (await run(board, stubborn)).status == "awaiting"
    assert [len(told) for told in calls] == [0, 1]
    _, asked = await question(board)
    assert "the same as before" in asked["question"]


async def test_an_agent_that_fails_in_new_words_each_time_is_learning(board: Any) -> None:
    calls = []

    @knowledge_source("item/{i}", contributes="out/{i}", retry={"attempts": 4, "backoff": "1ms"})
    async def learning(ctx: Context) -> None:
        calls.append(ctx.attempt)
        ctx.post(f"elsewhere/{ctx.attempt}", 1)

    await board.create("item/1", {})
    assert (await run(board, learning)).status == "awaiting"
    assert calls == [1, 2, 3, 4]
