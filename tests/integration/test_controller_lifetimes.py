"""Claims about controllers that come and go: handed back, taken over, superseded, and servers that restart."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from blackboard.board import Board
from blackboard.commit import Delete, Put
from blackboard.control_records import ACTIVATIONS, LEADER
from blackboard.errors import HistoryLost
from blackboard.record import Stamp
from controller.errors import LostLeadership
from knowledge_sources import Collect, Context, knowledge_source
from tests.leading import activations, declared, going_on, leading, only, quiescent, run, states, values
from tests.own_server import OwnServer
from tests.waiting import eventually

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from controller.controller import Controller

ROOT = Path(__file__).parents[2]


class Held:
    """An agent that waits until the test says so, and counts its calls."""

    def __init__(self, **settings: Any) -> None:
        self.free = asyncio.Event()
        self.calls: list[tuple[str, int, str]] = []

        @knowledge_source(
            watches={"item": "item/{i}"}, unless="out/{i}", contributes="out/{i}", name="held", **settings
        )
        async def held(item: Any, i: str, ctx: Context) -> Any:
            self.calls.append((i, ctx.attempt, ctx.idempotency_key))
            await self.free.wait()
            return item

        self.agent = held


async def test_a_clean_close_hands_back_and_the_next_controller_goes_on_at_once(board: Board) -> None:
    """What ran was no failed call, and its idempotency key is the same."""
    held = Held()
    for n in range(3):
        await board.create(f"item/{n}", n)
    async with leading(board, held.agent, max_running=2) as controller, going_on(controller):
        await eventually(lambda: len(held.calls) == 2, "two run")
    assert await states(board) == ["pending", "pending"]
    assert await board.get(LEADER) is None
    held.free.set()
    async with asyncio.timeout(2):
        assert (await run(board, held.agent)).status == "finished"
    assert await values(board, "out/*") == {f"out/{n}": n for n in range(3)}
    assert await states(board) == ["executed"] * 3
    assert all("attempts" not in one and one["attempt"] == 1 for one in await activations(board))
    assert {key for i, _, key in held.calls if i == "0"} == {key for i, _, key in held.calls[:2] if i == "0"}


@pytest.mark.parametrize("steps", [0, 1])
async def test_a_close_in_the_middle_of_a_dispatch_starts_nobody(board: Board, steps: int) -> None:
    """The dispatch is seen through and handed back; the close does not wait for an agent that never ends."""
    held = Held()
    for n in range(5):
        await board.create(f"item/{n}", n)
    async with leading(board, held.agent) as controller:
        task = asyncio.create_task(controller.run_until_quiescent())
        while controller.running_count < 5:  # noqa: ASYNC110  # not a moment longer than that
            await asyncio.sleep(0)
        if steps:
            await asyncio.sleep(0)  # now the dispatches are on their way
        before = len(held.calls)
        assert before == 0
        async with asyncio.timeout(3):
            await controller.close()
        assert len(held.calls) == before
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
    assert "running" not in await states(board)


async def test_what_waited_for_its_next_try_is_tried_by_the_next_controller(board: Board) -> None:
    """With the failures of the calls before, and unless its exclusion has come meanwhile."""
    calls = []

    @knowledge_source(
        watches="item/{i}", unless="out/{i}", contributes="out/{i}", retry={"attempts": 3, "backoff": "300ms"}
    )
    async def shaky(i: str, ctx: Context) -> Any:
        calls.append((i, ctx.attempt))
        if ctx.attempt == 1:
            raise RuntimeError("once")
        return len(ctx.earlier)

    await board.create("item/1", {})
    await board.create("item/2", {})
    async with leading(board, shaky) as controller, going_on(controller):
        await eventually(lambda: len(calls) == 2 and controller.pending_count == 2, "both failed once")
    await board.create("out/2", "another", stamp=Stamp(author="rival"))
    assert (await run(board, shaky)).status == "finished"
    assert sorted(calls) == [("1", 1), ("1", 2), ("2", 1)]
    assert await values(board, "out/*") == {"out/1": 1, "out/2": "another"}
    (lost,) = (one for one in await activations(board) if one["state"] == "obviated")
    assert lost["captures"] == {"i": "2"}


async def test_work_of_an_agent_that_is_not_here_waits_for_it(board: Board) -> None:
    """The next controller has not loaded it; when it joins, its work goes on."""
    held = Held()
    await board.create("item/1", 1)
    async with leading(board, held.agent) as controller, going_on(controller):
        await eventually(lambda: len(held.calls) == 1, "it runs")
    held.free.set()
    async with leading(board) as controller:
        end = await quiescent(controller)
        assert (end.status, end.reason) == ("stalled", "1 wait for agents that are not here: held")
        assert await states(board) == ["pending"]
        await controller.join(*declared(held.agent))
        assert (await quiescent(controller)).status == "finished"
    assert await values(board, "out/*") == {"out/1": 1}
    assert (await only(board))["attempt"] == 1


@asynccontextmanager
async def led_elsewhere(url: str, name: str, running: int) -> AsyncIterator[asyncio.subprocess.Process]:
    """Another process that leads the board and runs ``running`` agents; killed at the end."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    process = await asyncio.create_subprocess_exec(
        sys.executable, str(ROOT / "tests/led_process.py"), url, name, stdout=asyncio.subprocess.PIPE, env=environment
    )
    assert process.stdout is not None
    try:
        async with asyncio.timeout(20):
            for _ in range(running):
                assert await process.stdout.readline() == b"running\n"
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


async def test_what_a_killed_leader_ran_is_taken_over_as_a_dead_call_and_contributes_once(
    redis_url: str, board: Board
) -> None:
    """kill -9 of the process: it is seen dead at once on this host, and its calls are tried again at once."""
    for n in range(3):
        await board.create(f"item/{n}", n)
    async with led_elsewhere(redis_url, board.name, 3) as process:
        process.send_signal(signal.SIGKILL)
        await process.wait()
    assert await states(board) == ["running"] * 3
    held = Held()
    held.free.set()
    assert (await run(board, held.agent)).status == "finished"
    assert min(held.calls)[:2] == ("0", 2)
    for one in await activations(board):
        assert (one["state"], one["attempt"]) == ("executed", 2)
        (dead,) = one["attempts"]
        assert dead["failure"] == "dead"
        assert "was gone before it ended" in dead["error"]
    assert {record.version for record in await board.find("out/*")} == {1}


async def test_a_controller_that_lost_the_lead_says_so_and_writes_nothing_more(redis_url: str, board: Board) -> None:
    """What it still runs is buried by the next leader, and its contribution is refused."""
    held, other = Held(), Held()
    await board.create("item/1", 1)
    async with leading(board, held.agent) as first, going_on(first) as end:
        await eventually(lambda: len(held.calls) == 1, "the first runs it")
        async with await Board.open(redis_url, board.name) as elsewhere:
            leader = await elsewhere.get(LEADER)
            assert leader is not None
            await elsewhere.delete(leader)
            other.free.set()
            assert (await run(elsewhere, other.agent)).status == "finished"
            with pytest.raises(LostLeadership):
                await end
            revision = await elsewhere.revision()
            held.free.set()
            await eventually(lambda: first.running_count == 0, "the first one's agent has ended")
            assert await elsewhere.revision() == revision
            await elsewhere.create("item/2", 2)
        await eventually(lambda: first.desk.replica.get("item/2"), "the first sees a new item")
        assert first.running_count == 0
    assert (await values(board, "out/*")) == {"out/1": 1}
    out = await board.get("out/1")
    assert out is not None
    assert out.version == 1
    assert len(held.calls) == len(other.calls) == 1


async def test_registering_without_the_lead_is_refused(board: Board) -> None:
    """An agent cannot join a board that somebody else leads by now."""
    held = Held()
    async with leading(board) as controller:
        leader = await board.get(LEADER)
        assert leader is not None
        await board.commit([], [Delete(LEADER), Put("x", 1)])
        with pytest.raises(LostLeadership):
            await controller.join(*declared(held.agent))
        with pytest.raises(LostLeadership):
            await quiescent(controller)


def shows(controller: Controller, done: int) -> bool:
    return len(controller.desk.replica.region("out")) >= done


async def test_what_a_killed_leader_collected_is_collected_anew_by_the_next_and_contributes_once(
    redis_url: str, board: Board
) -> None:
    """The members were frozen for the call that died; the next call takes what is there by then."""
    taken: list[list[int]] = []

    @knowledge_source({"votes": Collect("vote/{i}/*", at_least=2)}, contributes="sum/{i}")
    async def summing(votes: list[int]) -> Any:
        taken.append(list(votes))
        return sum(votes)

    for name, n in {"a": 1, "b": 2}.items():
        await board.create(f"vote/1/{name}", n)
    async with led_elsewhere(redis_url, board.name, 1) as process:
        process.send_signal(signal.SIGKILL)
        await process.wait()
    (dead,) = await activations(board)
    assert [key for _, key, _ in dead["triggers"]] == ["vote/1/a", "vote/1/b"]
    await board.create("vote/1/c", 4)
    await board.put("vote/1/a", 10)
    assert (await run(board, summing)).status == "finished"
    assert taken == [[2, 4, 10]]
    assert await values(board, "sum/*") == {"sum/1": 16}
    (done,) = await activations(board)
    assert (done["id"], done["state"], done["attempt"]) == (dead["id"], "executed", 2)
    assert [key for _, key, _ in done["triggers"]] == ["vote/1/b", "vote/1/c", "vote/1/a"]


async def test_a_server_that_is_killed_and_restarted_in_the_middle_of_a_run_costs_no_contribution() -> None:
    """With every commit on disk before its answer, the run goes on and each item has one contribution."""
    calls: dict[str, int] = {}

    @knowledge_source(watches={"item": "item/{i}"}, contributes="mid/{i}")
    async def first(item: Any, i: str) -> Any:
        calls[i] = calls.get(i, 0) + 1
        await asyncio.sleep(0.001)
        return item

    @knowledge_source(watches={"mid": "mid/{i}"}, contributes="out/{i}")
    async def second(mid: Any) -> Any:
        return mid

    with OwnServer("--appendfsync", "always") as server:
        async with await Board.open(server.url, "restarted") as board:
            for n in range(150):
                await board.create(f"item/{n}", n)
            async with leading(board, first, second) as controller, going_on(controller) as end:
                for done in (20, 80):
                    await eventually(partial(shows, controller, done), f"{done} are done")
                    server.kill()
                    server.start()
                assert (await end).status == "finished"
            assert await values(board, "out/*") == {f"out/{n}": n for n in range(150)}
            assert {record.version for record in [*await board.find("out/*"), *await board.find("mid/*")]} == {1}
            assert await states(board) == ["executed"] * 300
            assert set(calls.values()) == {1}


async def test_a_server_that_comes_back_without_what_was_written_last_ends_the_run_and_the_next_goes_on() -> None:
    """Nothing that rested on the lost history is contributed; what is there is worked off by a new controller."""
    held = Held()
    with OwnServer("--appendfsync", "always") as server:
        async with await Board.open(server.url, "lost") as board:
            await board.create("item/1", "old")
            await board.replica()
            server.kill()
            kept = server.keep_files()
            server.start()
            await board.create("item/2", "forgotten")
            async with leading(board, held.agent) as controller, going_on(controller) as end:
                await eventually(lambda: len(held.calls) == 2, "both run")
                server.kill()
                server.restore(kept)
                server.start()
                held.free.set()
                with pytest.raises((HistoryLost, LostLeadership)):
                    await end
        async with await Board.open(server.url, "lost") as board:
            assert (await run(board, held.agent)).status == "finished"
            assert await values(board, "out/*") == {"out/1": "old"}


async def test_an_activation_in_the_log_goes_from_running_to_its_end_once(board: Board) -> None:
    """Over two controllers and a failed call: the history of each activation is one line through the table."""
    held = Held()
    for n in range(4):
        await board.create(f"item/{n}", n)
    async with leading(board, held.agent, max_running=2) as controller, going_on(controller):
        await eventually(lambda: len(held.calls) == 2, "two run")
    held.free.set()
    await run(board, held.agent)
    for record in await board.find(ACTIVATIONS + "*"):
        lived = [
            change.record.value["state"] for change in await board.history(record.key) if change.record is not None
        ]
        assert lived in (["running", "executed"], ["running", "pending", "running", "executed"])
