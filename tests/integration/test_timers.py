"""Claims about time that sets agents off: absence over time, and timers."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest

from blackboard.control_records import TIMERS
from blackboard.errors import Corrupt
from controller.stalling import StallLimits
from knowledge_sources import DeclarationError, Tick, knowledge_source
from tests.leading import activations, going_on, leading, only, quiescent, run, values
from tests.waiting import eventually

if TYPE_CHECKING:
    from blackboard.board import Board


def reminder(after: str) -> object:
    @knowledge_source("question/{q}", unless="answer/{q}", contributes="reminder/{q}", after=after)
    async def remind(q: str) -> Any:
        return f"nobody has answered {q}"

    return remind


async def test_it_fires_when_nothing_has_come_for_so_long(board: Board) -> None:
    await board.put("question/1", {})
    await run(board, reminder("200ms"))
    assert list(await values(board, "reminder/*")) == ["reminder/1"]
    question, record = await board.get("question/1"), await only(board)
    assert question is not None
    assert record["eligible_ms"] == question.time_ms + 200
    assert record["dispatched_ms"] >= record["eligible_ms"]


async def test_what_comes_in_time_keeps_it_from_firing(board: Board) -> None:
    await board.put("question/1", {})
    async with leading(board, reminder("1h")) as controller, going_on(controller) as end:
        await eventually(lambda: controller.pending_count == 1, "it waits, and the run with it")
        await board.put("answer/1", {})
        assert (await end).status == "finished"
    assert await activations(board) == []


async def test_waiting_goes_on_through_a_restart_from_the_commit_that_began_it(board: Board) -> None:
    await board.put("question/1", {})
    async with leading(board, reminder("300ms")) as first, going_on(first):
        await eventually(lambda: first.pending_count == 1, "it waits")
    question = await board.get("question/1")
    assert question is not None
    async with leading(board, reminder("300ms")) as second:
        (entry,) = second.agenda(1)
        assert entry.not_before_ms == question.time_ms + 300
        await quiescent(second)
    assert list(await values(board, "reminder/*")) == ["reminder/1"]


async def test_a_timer_ticks_the_stated_number_of_times_and_keeps_the_run_until_then(board: Board) -> None:
    @knowledge_source(every="30ms", times=3, contributes="beat/{new}")
    async def beat(tick: Tick) -> Any:
        return [tick.n, tick.due_ms]

    await run(board, beat)
    beats = sorted((await values(board, "beat/*")).values())
    assert [n for n, _ in beats] == [1, 2, 3]
    timer = await board.get(TIMERS + "beat")
    assert timer is not None
    assert timer.value["n"] == 3
    assert {(due - timer.value["due_ms"]) % 30 for _, due in beats} == {0}
    assert {one["case"] for one in await activations(board)} == {f"timer/beat/{n}" for n in (1, 2, 3)}


async def test_a_timer_alone_does_not_keep_a_run_from_coming_to_rest(board: Board) -> None:
    @knowledge_source(every="1h", contributes="beat/{new}")
    async def beat(tick: Tick) -> Any:
        return tick.n

    assert (await run(board, beat)).status == "finished"
    timer = await board.get(TIMERS + "beat")
    assert timer is not None
    assert timer.value["n"] == 0


async def test_ticks_that_fell_due_while_nobody_led_the_board_are_one(board: Board) -> None:
    @knowledge_source(every="40ms", times=1, contributes="beat/{new}")
    async def beat(tick: Tick) -> Any:
        return [tick.n, tick.missed > 0, (tick.due_ms - started) % 40]

    async with leading(board, beat) as first, going_on(first):
        await eventually(lambda: first.desk.replica.get(TIMERS + "beat") is not None, "the timer is started")
    await board.mutate(TIMERS + "beat", lambda timer: {**timer, "due_ms": timer["due_ms"] - 4_000})
    timer = await board.get(TIMERS + "beat")
    assert timer is not None
    started = timer.value["due_ms"]
    await run(board, beat)
    assert list((await values(board, "beat/*")).values()) == [[1, True, 0]]


async def test_a_tick_that_falls_due_while_its_agent_works_on_the_last_waits_for_it(board: Board) -> None:
    """Else it would take the last one's trigger away, and an agent slower than its timer would never contribute."""
    let_go = asyncio.Event()

    @knowledge_source(every="20ms", times=2, contributes="beat/{new}")
    async def beat(tick: Tick) -> Any:
        if tick.n == 1:
            await let_go.wait()
        return [tick.n, tick.missed > 0]

    async with leading(board, beat) as controller, going_on(controller) as end:
        await eventually(lambda: controller.running_count == 1, "it works on the first")
        first = controller.desk.replica.get(TIMERS + "beat")
        assert first is not None
        due = first.value["due_ms"] + 60
        await eventually(lambda: controller.desk.now_ms() > due, "two more have fallen due")
        assert controller.desk.replica.get(TIMERS + "beat").value["n"] == 1  # type: ignore[union-attr]
        let_go.set()
        await end
    assert sorted((await values(board, "beat/*")).values()) == [[1, False], [2, True]]


async def test_a_tick_is_joined_with_what_else_the_agent_watches(board: Board) -> None:
    @knowledge_source("order/{o}", every="20ms", times=2, contributes="look/{o}/{new}")
    async def look(order: Any, tick: Tick, o: str) -> Any:
        return tick.n

    await board.put("order/1", {})
    await run(board, look)
    assert sorted((await values(board, "look/*/*")).values()) == [1, 2]
    assert {one["case"] for one in await activations(board)} == {"order/1"}


async def test_a_timer_may_tick_more_often_than_an_agent_may_fire_on_one_key(board: Board) -> None:
    @knowledge_source(every="1ms", times=12, contributes="beat/{new}")
    async def beat(tick: Tick) -> Any:
        return tick.n

    assert (await run(board, beat, stall=StallLimits(repeats=5))).status == "finished"
    assert len(await values(board, "beat/*")) == 12


async def test_a_timer_record_of_another_hand_that_is_none_ends_the_run_with_its_name(board: Board) -> None:
    @knowledge_source(every="1h")
    async def beat(tick: Tick) -> None: ...

    await board.put(TIMERS + "beat", {"n": "many"})
    with pytest.raises(Corrupt, match="control/timers/beat"):
        await run(board, beat)


def test_a_timer_is_refused_that_can_give_nothing() -> None:
    with pytest.raises(DeclarationError, match="every must be longer than nothing"):
        knowledge_source(every="0s")(_nothing)
    with pytest.raises(DeclarationError, match="times says how often a timer ticks"):
        knowledge_source("a/{x}", times=3)(_nothing)
    with pytest.raises(DeclarationError, match="watches is missing"):
        knowledge_source()(_nothing)
    with pytest.raises(DeclarationError, match="'tick' is what a timer gives"):
        knowledge_source({"tick": "a/{x}"}, every="1s")(_nothing)
    with pytest.raises(DeclarationError, match="only an agent with a timer is given a Tick"):

        @knowledge_source("a/{x}")
        async def wrong(a: Any, now: Tick) -> None: ...


async def _nothing() -> None: ...
