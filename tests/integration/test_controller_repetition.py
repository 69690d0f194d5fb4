"""Claims about agents that set themselves off, and about many agents at once."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from controller.escalation import Answer, answer
from controller.stalling import StallLimits
from knowledge_sources import knowledge_source
from tests.leading import activations, leading, quiescent, run, states, values

if TYPE_CHECKING:
    from blackboard.board import Board

REPEATS = StallLimits().repeats or 0


def restless() -> Any:
    calls: list[int] = []

    @knowledge_source(watches={"count": "count/{c}"}, contributes="count/{c}", name="restless")
    async def agent(count: int) -> int:
        calls.append(count)
        return count + 1

    agent.calls = calls  # type: ignore[attr-defined]  # for the tests
    return agent


async def test_an_agent_that_sets_itself_off_for_ever_is_stopped_and_a_person_is_asked(board: Board) -> None:
    """After a hundred firings on one key; the sentence says which."""
    agent = restless()
    await board.create("count/1", 0)
    end = await run(board, agent)
    assert (end.status, len(agent.calls)) == ("awaiting", REPEATS)
    (waiting,) = (one for one in await activations(board) if one["state"] == "escalated")
    assert waiting["failure"] == "stalled"
    assert "it has fired 100 times on count/1 and does not come to rest" in waiting["reason"]


async def test_two_agents_that_set_each_other_off_are_stopped_too(board: Board) -> None:
    """Each has keys of its own; either limit breaks the circle."""

    @knowledge_source(watches={"n": "ping/{c}"}, contributes="pong/{c}")
    async def ping(n: int) -> int:
        return n + 1

    @knowledge_source(watches={"n": "pong/{c}"}, contributes="ping/{c}")
    async def pong(n: int) -> int:
        return n + 1

    await board.create("ping/1", 0)
    assert (await run(board, ping, pong, stall=StallLimits(repeats=10))).status == "awaiting"
    assert await values(board, "ping/*") == {"ping/1": 20}


async def test_the_count_survives_a_restart_and_a_person_may_allow_one_more(board: Board) -> None:
    """Three firings, a restart, one that a person allows, one more up to the new limit."""
    agent = restless()
    await board.create("count/1", 0)
    await run(board, agent, stall=StallLimits(repeats=3))
    assert agent.calls == [0, 1, 2]
    (asked,) = await board.find('control/escalations/* where status == "open"')
    await answer(board, asked.key, Answer("retry", "eve", "once more"), board.store.server_now_ms())
    assert (await run(board, agent, stall=StallLimits(repeats=5))).status == "awaiting"
    assert agent.calls == [0, 1, 2, 3, 4]


async def test_a_newer_version_takes_the_place_of_the_question_about_the_one_before(board: Board) -> None:
    """One question is open, however often others go on changing the record."""
    agent = restless()
    await board.create("count/1", 0)
    async with leading(board, agent, stall=StallLimits(repeats=2)) as controller:
        await quiescent(controller)
        for n in (10, 20, 30):
            await board.put("count/1", n)
            await quiescent(controller)
    assert agent.calls == [0, 1]
    assert await states(board) == ["abandoned", "abandoned", "abandoned", "escalated", "executed", "executed"]
    assert len(await board.find('control/escalations/* where status == "open"')) == 1


async def test_what_a_wildcard_matches_is_not_one_key(board: Board) -> None:
    """A hundred and twenty records, each new: that is no circle."""

    @knowledge_source(watches="item/*")
    async def audit() -> None: ...

    for n in range(REPEATS + 20):
        await board.create(f"item/{n}", n)
    assert (await run(board, audit)).status == "finished"


async def test_two_hundred_agents_fire_on_one_record(board: Board) -> None:
    """Each once, all in reasonable time."""

    def of(n: int) -> Any:
        @knowledge_source(watches={"item": "item/{i}"}, contributes=f"out{n}/{{i}}", name=f"agent{n}")
        async def agent(item: Any) -> Any:
            return item

        return agent

    await board.create("item/1", 1)
    assert (await run(board, *[of(n) for n in range(200)])).status == "finished"
    assert await states(board) == ["executed"] * 200


async def test_a_thousand_agents_register_and_each_finds_its_own_record(board: Board) -> None:
    """In seconds, not minutes."""

    def of(n: int) -> Any:
        @knowledge_source(watches={"item": f"item/{n}/{{i}}"}, contributes=f"out/{n}/{{i}}", name=f"agent{n}")
        async def agent(item: Any) -> Any:
            return item

        return agent

    agents = [of(n) for n in range(1000)]
    for n in range(1000):
        await board.create(f"item/{n}/x", n)
    started = time.monotonic()
    assert (await run(board, *agents)).status == "finished"
    assert time.monotonic() - started < 20
    assert await states(board) == ["executed"] * 1000
    assert len(await board.find("control/agents/*")) == 1000
