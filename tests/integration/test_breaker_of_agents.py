"""Claims about circuit breakers: who is not called, for how long, and what of it is seen and kept."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from blackboard.board import Board
from blackboard.control_records import BREAKERS
from controller.budgets import Limits, RunLimit
from knowledge_sources import Context, knowledge_source
from knowledge_sources.breaker_terms import Breaker
from tests.leading import activations, going_on, leading, run, states, values
from tests.waiting import eventually

if TYPE_CHECKING:
    from controller.controller import Controller

ONCE = {"attempts": 1}
HALF = {"errors": "50%", "of": 4, "cooldown": "80ms"}


def shaky(fails: int, **settings: Any) -> Any:
    """An agent whose first ``fails`` calls raise; ``.calls`` are its cases."""
    calls: list[str] = []

    @knowledge_source(
        watches={"item": "item/{i}"}, contributes="out/{i}", name="shaky",
        **{"retry": ONCE, "breaker": HALF, "max_running": 1, **settings},
    )  # fmt: skip
    async def agent(item: Any, ctx: Context) -> Any:
        calls.append(ctx.case)
        if len(calls) <= fails:
            raise RuntimeError("no luck")
        return item

    agent.calls = calls  # type: ignore[attr-defined]  # for the tests
    return agent


async def items(board: Board, number: int) -> None:
    for n in range(number):
        await board.create(f"item/{n}", n)


def has_opened(controller: Controller) -> bool:
    """Whether the record of the breaker of ``shaky`` says that it is open."""
    record = controller.desk.replica.get(BREAKERS + "shaky")
    return record is not None and record.value["state"] == "open"


async def turns(board: Board) -> list[tuple[str, str]]:
    """The states that the breaker of ``shaky`` was in, each with its reason."""
    return [
        (change.record.value["state"], change.record.value["reason"])
        for change in await board.history(BREAKERS + "shaky")
        if change.record is not None
    ]


async def test_an_agent_that_fails_too_often_is_left_alone_until_a_probe_succeeds(board: Board) -> None:
    """Four failures open it; the run waits; the fifth call is the probe, and then all go through."""
    await items(board, 8)
    agent = shaky(4)
    end = await run(board, agent)
    assert (end.status, len(agent.calls)) == ("awaiting", 8)
    assert await states(board) == ["escalated"] * 4 + ["executed"] * 4
    assert [state for state, _ in await turns(board)] == ["open", "half_open", "closed"]
    record = await board.get(BREAKERS + "shaky")
    assert record is not None
    assert (record.value["times"], record.value["opened_ms"] > 0) == (0, True)
    opened = (await turns(board))[0][1]
    assert opened == "4 of its last 4 calls failed, the last with: RuntimeError: no luck"
    fourth, probe = [
        one["dispatched_ms"] for one in sorted(await activations(board), key=lambda a: a["dispatched_ms"])
    ][3:5]
    assert probe - fourth >= 80


async def test_a_probe_that_fails_opens_it_for_twice_as_long(board: Board) -> None:
    """One call each time it is half open, however many wait."""
    await items(board, 8)
    agent = shaky(6, max_running=None, breaker={**HALF, "cooldown": "30ms"})
    assert (await run(board, agent, max_running=4)).status == "awaiting"
    assert len(agent.calls) == 8
    assert [state for state, _ in await turns(board)] == ["open", "half_open"] * 3 + ["closed"]


async def test_the_run_ends_at_its_limit_though_a_breaker_is_open(board: Board) -> None:
    """What waits for the probe waits no longer than the run may last."""
    await items(board, 6)
    agent = shaky(99, breaker={**HALF, "cooldown": "1h"})
    end = await run(board, agent, limits=Limits(run=RunLimit(time_ms=400)))
    assert end.status == "timed_out"
    assert len(agent.calls) == 4


async def test_an_open_breaker_survives_a_restart(redis_url: str, board_name: str, board: Board) -> None:
    """The next controller calls nobody whose breaker the last one left open, until its time is over."""
    await items(board, 6)
    agent = shaky(99, breaker={**HALF, "cooldown": "300ms"})
    async with leading(board, agent) as controller, going_on(controller):
        await eventually(lambda: has_opened(controller), "the breaker has opened")
    opened = await board.get(BREAKERS + "shaky")
    assert opened is not None
    later_agent = shaky(0, breaker={**HALF, "cooldown": "300ms"})
    async with await Board.open(redis_url, board_name) as later:
        assert (await run(later, later_agent)).status == "awaiting"
    first = min(one["dispatched_ms"] for one in await activations(board) if one["state"] == "executed")
    assert first >= opened.value["until_ms"]
    assert len(later_agent.calls) == 2


async def test_one_whose_record_was_not_written_is_opened_again_from_the_calls(
    redis_url: str, board_name: str, board: Board
) -> None:
    """As after a kill between the fourth failure and the breaker's record."""
    await items(board, 6)
    async with leading(board, shaky(99, breaker={**HALF, "cooldown": "1h"})) as controller, going_on(controller):
        await eventually(lambda: has_opened(controller), "the breaker has opened")
    await board.delete(BREAKERS + "shaky")
    agent = shaky(0, breaker={**HALF, "cooldown": "1h"})
    async with await Board.open(redis_url, board_name) as later:
        await run(later, agent, limits=Limits(run=RunLimit(time_ms=300)))
    assert agent.calls == []
    assert [state for state, _ in await turns(board)][-1] == "open"


async def test_what_an_agent_spends_too_fast_opens_it(board: Board) -> None:
    """Nothing failed; the money did it."""

    @knowledge_source("item/{i}", contributes="out/{i}", max_running=1, breaker={"spend": "1.00/1h", "cooldown": "1h"})
    async def dear(ctx: Context) -> int:
        ctx.usage("large", cost=0.4)
        return 1

    await items(board, 6)
    end = await run(board, dear, limits=Limits(run=RunLimit(time_ms=300)))
    assert end.status == "timed_out"
    assert len(await values(board, "out/*")) == 3
    record = await board.get(BREAKERS + "dear")
    assert record is not None
    assert record.value["reason"] == "it spent 1.2 in 1 h, more than the 1 that it may"


async def test_calls_that_contribute_nothing_open_it(board: Board) -> None:
    @knowledge_source("item/{i}", contributes="out/{i}", max_running=1)
    async def idle() -> None: ...

    await items(board, 6)
    await run(board, idle, breaker=Breaker(idle=3, cooldown_ms=3_600_000), limits=Limits(run=RunLimit(time_ms=300)))
    assert await states(board) == ["executed"] * 3


async def test_where_a_breaker_is_open_the_agent_in_reserve_goes_on_at_once(board: Board) -> None:
    """Nothing waits for the probe, and what waited for another try is passed on."""

    @knowledge_source("item/{i}", contributes="out/{i}", name="spare", provides="shaky", instead_of="shaky")
    async def spare(ctx: Context) -> str:
        return f"after {len(ctx.earlier)}"

    await items(board, 8)
    agent = shaky(99, retry={"attempts": 3, "backoff": "1h"}, breaker={**HALF, "cooldown": "1h"})
    assert (await run(board, agent, spare)).status == "finished"
    assert len(agent.calls) == 4
    told = sorted((await values(board, "out/*")).values())
    assert told == ["after 0"] * 4 + ["after 1"] * 4
    passed = await activations(board, "shaky")
    assert {one["state"] for one in passed} == {"obviated"}
    assert passed[0]["reason"] == "the breaker of shaky is open; spare goes on"


async def test_a_probe_that_is_stopped_is_no_result(board: Board) -> None:
    """Taken away by the change of its record, it lets another one through."""
    inside = asyncio.Event()
    probing = False

    @knowledge_source("item/{i}", contributes="out/{i}", name="shaky", retry=ONCE, max_running=1, breaker=HALF)
    async def agent(ctx: Context) -> str:
        if not probing:
            raise RuntimeError("no luck")
        if ctx.captures["i"] == "4":
            inside.set()
            await asyncio.Event().wait()
        return "done"

    await items(board, 7)
    async with leading(board, agent) as controller, going_on(controller) as end:
        await eventually(lambda: has_opened(controller), "the breaker has opened")
        probing = True
        await inside.wait()
        running = next(one for one in await activations(board) if one["state"] == "running")
        await board.put(
            f"control/activations/{running['id']}",
            {k: v for k, v in running.items() if k != "id"} | {"state": "cancelled"},
        )
        assert (await end).status == "awaiting"
    assert sorted(await values(board, "out/*")) == ["out/5", "out/6"]


async def test_a_breaker_that_is_taken_away_lets_all_through(redis_url: str, board_name: str, board: Board) -> None:
    """The scenario was changed between two controllers."""
    await items(board, 6)
    async with leading(board, shaky(99, breaker={**HALF, "cooldown": "1h"})) as controller, going_on(controller):
        await eventually(lambda: has_opened(controller), "the breaker has opened")
    async with await Board.open(redis_url, board_name) as later:
        assert (await run(later, shaky(0, breaker=False))).status == "awaiting"
    assert len(await values(board, "out/*")) == 2
    assert [state for state, _ in await turns(board)][-1] == "closed"
