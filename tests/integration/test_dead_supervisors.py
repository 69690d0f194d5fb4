"""A supervisor that dies is replaced, whatever it dies of, and workers go on meanwhile."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import threading
from typing import TYPE_CHECKING, Any

import pytest

from blackboard.pattern import Pattern
from controller.giving import give
from knowledge_sources import Boost, Context, Decide, Extend, Overdue, knowledge_source, supervisor
from tests.leading import activations, going_on, leading, only, quiescent, values
from tests.running import ROOT
from tests.supervised_process import boss as pondering
from tests.supervised_process import slow as supervised
from tests.waiting import eventually

if TYPE_CHECKING:
    from blackboard.board import Board
    from knowledge_sources.orders import Order


@knowledge_source(
    watches="item/{i}", contributes="out/{i}", respond_within="40ms", escalate=["boss", "deputy", "human"]
)
async def slow() -> Any:
    await asyncio.Event().wait()


@supervisor(over="slow", respond_within="30s")
async def deputy(overdue: Overdue, ctx: Context) -> Any:
    return Decide({"by": ctx.agent}, "the boss is not there")


async def test_the_ladder_passes_over_a_supervisor_that_is_not_here(board: Board) -> None:
    """Gone from the registry, or never there: the next is asked at once, not when its time is over."""
    await board.create("item/1", {})
    async with leading(board, slow, deputy) as controller:
        assert (await quiescent(controller)).status == "finished"
    assert await values(board, "out/*") == {"out/1": {"by": "deputy"}}


async def test_a_supervisor_whose_file_is_broken_is_passed_over(board: Board) -> None:
    """It is in the registry, so that people see why it is missing."""
    await board.create("item/1", {})
    async with leading(board, slow, deputy) as controller:
        await controller.report_broken("boss", "./agents.py:boss", "SyntaxError: it was edited in a hurry")
        assert (await quiescent(controller)).status == "finished"
    assert await values(board, "out/*") == {"out/1": {"by": "deputy"}}


@pytest.mark.parametrize("how", ["hangs", "blocks a thread", "raises", "exits"])
async def test_workers_go_on_while_a_supervisor_is_dead(board: Board, how: str) -> None:
    """It takes no worker's place, with one place for all; then its deputy is asked."""
    asked, done, release = asyncio.Event(), [], threading.Event()

    async def die() -> None:
        asked.set()
        if how == "raises":
            raise RuntimeError("no model")
        if how == "exits":
            sys.exit(3)
        await asyncio.Event().wait()

    options: dict[str, Any] = {"respond_within": "400ms", "retry": {"attempts": 2, "backoff": "5ms"}, "name": "boss"}
    if how == "blocks a thread":

        @supervisor(over="slow", **options)
        def boss(overdue: Overdue) -> Any:
            asked.set()
            release.wait(10)

        dead: Any = boss
    else:

        @supervisor(over="slow", **options)
        async def boss_(overdue: Overdue) -> Any:
            await die()

        dead = boss_

    @knowledge_source(watches="letter/{n}", contributes="reply/{n}")
    async def clerk(n: str) -> Any:
        done.append(n)
        return n

    await board.create("item/1", {})
    try:
        async with leading(board, slow, dead, deputy, clerk, max_running=2) as controller, going_on(controller) as end:
            await asked.wait()
            for n in range(10):
                await board.create(f"letter/{n}", {})
            await eventually(lambda: len(done) == 10, "the clerk has gone on")
            assert (await end).status == "finished"
    finally:
        release.set()
    assert await values(board, "out/*") == {"out/1": {"by": "deputy"}}
    assert (await only(board, "slow"))["decided_by"] == "deputy"
    assert len(await values(board, "reply/*")) == 10
    (boss_run,) = await activations(board, "boss")
    assert boss_run["state"] in ("obviated", "abandoned")


async def test_a_supervisor_that_died_with_its_process_is_replaced_by_the_next_controller(
    board: Board, redis_url: str
) -> None:
    """Killed while it pondered: its call counts as dead, and its deputy is asked."""
    await board.create("item/1", {})
    process = await asyncio.create_subprocess_exec(
        sys.executable, str(ROOT / "tests" / "supervised_process.py"), redis_url, board.name,
        stdout=subprocess.PIPE, env={"PYTHONPATH": str(ROOT), "PATH": ""},
    )  # fmt: skip
    assert process.stdout is not None
    assert await asyncio.wait_for(process.stdout.readline(), 20) == b"asked\n"
    process.kill()
    await process.wait()
    async with leading(board, supervised, pondering, deputy) as controller:
        assert (await quiescent(controller)).status == "finished"
    assert await values(board, "out/*") == {"out/1": {"by": "deputy"}}
    (boss_run,) = await activations(board, "boss")
    assert boss_run["state"] in ("abandoned", "obviated")
    assert boss_run["attempts"][0]["failure"] == "dead"


@pytest.mark.parametrize(
    "order", [Boost("it is urgent", points=5, agent="fails"), Extend("1ms", "no hurry", agent="fails")]
)
async def test_a_wider_order_is_no_answer_about_what_has_failed(board: Board, order: Order) -> None:
    """It counted as one: the supervisor was waited for no longer, nobody else was asked, and the run never ended."""

    @knowledge_source(watches="item/{i}", contributes="out/{i}", retry={"attempts": 1}, escalate=["silent", "human"])
    async def fails() -> None:
        raise RuntimeError("no luck")

    @supervisor(over="fails", respond_within="300ms")
    async def silent(overdue: Overdue) -> None:
        await asyncio.Event().wait()

    await board.create("item/1", {})
    async with leading(board, fails, silent) as controller, going_on(controller) as end:
        await eventually(
            lambda: controller.desk.replica.find(Pattern.parse("control/attention/**")), "the supervisor is asked"
        )
        await give(board, order, "ana")
        assert (await end).status == "awaiting"
    assert (await only(board, "fails"))["state"] == "escalated"
