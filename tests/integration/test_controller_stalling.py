"""Claims about work that goes round without getting on: it is noticed, held back, and brought before somebody."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from controller.escalation import Answer, answer
from controller.stalling import StallLimits
from knowledge_sources import Cancel, Context, Decide, Overdue, knowledge_source, supervisor
from tests.leading import activations, leading, question, quiescent, run, states, values

if TYPE_CHECKING:
    from blackboard.board import Board

SHORT = StallLimits(toggles=4, firings=5)


def quarrel(escalate: Any = ()) -> tuple[Any, Any]:
    """Two that undo what the other has done."""

    @knowledge_source(watches={"hold": 'hold/{c} where value == "block"'}, contributes="hold/{c}", escalate=escalate)
    async def support(ctx: Context) -> str:
        ctx.usage("pretended", cost=0.25)
        return "approve"

    @knowledge_source(watches={"hold": 'hold/{c} where value == "approve"'}, contributes="hold/{c}", escalate=escalate)
    async def compliance(ctx: Context) -> str:
        ctx.usage("pretended", cost=0.25)
        return "block"

    return support, compliance


async def test_two_that_overwrite_each_other_are_held_back_and_a_person_is_asked(board: Board) -> None:
    """With who, what, how often, what it was in turn and what it has cost."""
    await board.create("hold/42", "block")
    end = await run(board, *quarrel(), stall=SHORT)
    assert end.status == "awaiting"
    _, asked = await question(board)
    assert asked["failure"] == "stalled"
    assert "support and compliance have put back what stood at hold/42 4 times in" in asked["question"]
    assert (
        '("block", "approve", "block"…)' in asked["question"] or '("approve", "block", "approve"…)' in asked["question"]
    )
    assert "the case has cost 1.25" in asked["question"]
    assert (await states(board)).count("executed") == 5


async def test_the_supervisor_of_those_that_quarrel_decides_and_neither_overwrites_it(board: Board) -> None:
    """The one that would is vetoed, and its record says who has decided."""

    @supervisor(over=["support", "compliance"])
    async def boss(overdue: Overdue) -> Decide:
        assert (overdue.kind, overdue.failure) == ("stalled", "stalled")
        assert overdue.agent == "compliance"
        return Decide("block", reason="the customer is on a list")

    await board.create("hold/42", "block")
    end = await run(board, *quarrel("boss"), boss, stall=SHORT)
    assert end.status == "finished"
    assert await values(board, "hold/*") == {"hold/42": "block"}
    (vetoed,) = [one for one in await activations(board) if one["state"] == "vetoed"]
    assert (vetoed["agent"], vetoed["failure"]) == ("support", "stalled")
    assert "boss has decided what support goes on about for hold/42" in vetoed["reason"]
    assert await values(board, "control/attention/**") == {}


async def test_a_supervisor_that_cancels_leaves_what_stands(board: Board) -> None:
    @supervisor(over=["support", "compliance"])
    async def boss() -> Cancel:
        return Cancel(reason="enough")

    await board.create("hold/42", "approve")
    assert (await run(board, *quarrel("boss"), boss, stall=SHORT)).status == "finished"
    assert (await states(board)).count("cancelled") == 1


async def test_a_supervisor_that_says_nothing_leaves_it_to_a_person(board: Board) -> None:
    @supervisor(over=["support", "compliance"])
    async def boss() -> None:
        """Knows no better."""

    await board.create("hold/42", "approve")
    assert (await run(board, *quarrel("boss"), boss, stall=SHORT)).status == "awaiting"
    _, asked = await question(board)
    assert "have put back what stood at hold/42 4 times" in asked["question"]
    assert "and boss did not settle it; waiting for a person" in asked["question"]


async def test_what_a_person_decides_stands_after_a_restart_too(board: Board) -> None:
    """Neither the controller that asked nor the next one lets the quarrel go on."""
    await board.create("hold/42", "approve")
    await run(board, *quarrel(), stall=SHORT)
    key, asked = await question(board)
    given = Answer("decide", "eve", "I rang them up", value="approve" if asked["agent"] == "support" else "block")
    await answer(board, key, given, board.store.server_now_ms())
    assert (await run(board, *quarrel(), stall=SHORT)).status == "finished"
    assert "vetoed" in await states(board)


async def test_a_new_controller_counts_on_where_the_last_one_stopped(board: Board) -> None:
    """Cut after every call, the quarrel is over after as many calls as in one go."""
    await board.create("hold/42", "approve")
    for _ in range(20):
        async with leading(board, *quarrel(), stall=SHORT) as controller:
            controller.desk.ledger.started_ms = 0
            if await _one_call(controller) == "awaiting":
                break
    assert (await states(board)).count("executed") == 5


async def _one_call(controller: Any) -> str:
    """Let one activation end, then stop."""
    import asyncio

    ended = asyncio.Event()
    told = controller._cycle.ended

    def note(firing: Any, how: Any) -> None:
        told(firing, how)
        controller._cycle._paused = True
        ended.set()

    controller._cycle.crew._told.ended = note
    async with asyncio.timeout(15):
        running = asyncio.create_task(controller.run_until_quiescent())
        first = asyncio.create_task(ended.wait())
        done, pending = await asyncio.wait({running, first}, return_when=asyncio.FIRST_COMPLETED)
        for task in pending:
            task.cancel()
        await asyncio.gather(*pending, return_exceptions=True)
        return running.result().status if running in done else ""


async def test_an_agent_that_says_only_what_was_said_is_held_back(board: Board) -> None:
    """The round that wakes it is new each time, what it finds is not."""
    found = ["moss", "lichen", "fern"]

    @knowledge_source(watches={"ask": "ask/{q}"}, contributes="findings/{q}")
    async def researcher(ask: int) -> str:
        return found[ask % 3]

    @knowledge_source(watches="findings/{q}", contributes="ask/{q}")
    async def critic(ctx: Context) -> int:
        asked = await ctx.get("ask/{q}")
        assert asked is not None
        return int(asked.value) + 1

    await board.create("ask/1", 0)
    assert (await run(board, researcher, critic, stall=SHORT)).status == "awaiting"
    _, asked = await question(board)
    assert (
        "researcher was not called for ask/1: it has said 5 times in a row only what had been said" in asked["question"]
    )
    assert len([one for one in await activations(board, "researcher") if one["state"] == "executed"]) == 8


async def test_a_lineage_that_never_ends_is_stopped_though_every_value_is_new(board: Board) -> None:
    @knowledge_source(watches={"note": "note/{n}"}, contributes="note/*")
    async def writer(note: int) -> dict[str, int]:
        return {f"note/{note + 1}": note + 1}

    await board.create("note/0", 0)
    assert (await run(board, writer, stall=StallLimits(depth=12))).status == "awaiting"
    _, asked = await question(board)
    assert "what it would fire on is 12 contributions away from what was fed" in asked["question"]
    assert len(await values(board, "note/*")) == 13


@pytest.mark.parametrize("sign", ["toggles", "firings", "depth", "repeats"])
async def test_each_sign_can_be_switched_off(board: Board, sign: str) -> None:
    """The run then ends by its own limit, or by another sign."""
    from controller.budgets import Limits, RunLimit

    limits = {"toggles": 4, "firings": 4, "depth": 12, "repeats": 3, sign: None}
    alone = StallLimits(**dict.fromkeys(("toggles", "firings", "depth", "repeats")))
    await board.create("hold/42", "block")
    end = await run(board, *quarrel(), stall=alone, limits=Limits(run=RunLimit(firings=30)))
    assert end.status == "stalled"
    assert len(await activations(board)) == 30
    async with leading(board, *quarrel(), stall=StallLimits(**limits)) as controller:
        assert (await quiescent(controller)).status == "awaiting"


async def test_many_that_write_one_record_side_by_side_are_no_quarrel(board: Board) -> None:
    """Shipping and taking back two cases in turn leaves the count as it was, again and again."""

    @knowledge_source(watches={"out": "out/{n}"}, contributes="stock/rope")
    async def ship(ctx: Context) -> None:
        ctx.update("stock/rope", lambda count: count - 1)

    @knowledge_source(watches={"back": "back/{n}"}, contributes="stock/rope")
    async def take_back(ctx: Context) -> None:
        ctx.update("stock/rope", lambda count: count + 1)

    await board.create("stock/rope", 10)
    async with leading(board, ship, take_back, stall=StallLimits(toggles=2, firings=2)) as controller:
        for n in range(6):
            await board.create(f"out/{n}", n)
            await board.create(f"back/{n}", n)
            assert (await quiescent(controller)).status == "finished"
    assert await values(board, "stock/*") == {"stock/rope": 10}


async def test_the_same_word_for_each_of_many_things_is_nothing_said_twice(board: Board) -> None:
    """A check that finds every line of an order in order has said something each time."""

    @knowledge_source(watches={"line": "line/{order}/{n}"}, contributes=["check/{order}/{n}", "order/{order}"])
    async def check() -> dict[str, str]:
        return {"check/{order}/{n}": "fine", "order/{order}": "checked"}

    for n in range(12):
        await board.create(f"line/1/{n}", n)
    assert (await run(board, check, stall=StallLimits(toggles=2, firings=2))).status == "finished"


async def test_a_question_about_a_standstill_passes_to_the_next_controller(board: Board) -> None:
    """The supervisor that was asked was cut off while it thought; its successor is asked the same and decides."""
    import asyncio

    asked = asyncio.Event()

    @supervisor(over=["support", "compliance"], name="boss")
    async def thinking() -> None:
        asked.set()
        await asyncio.sleep(3600)

    @supervisor(over=["support", "compliance"], name="boss")
    async def boss(overdue: Overdue) -> Cancel:
        assert (overdue.kind, overdue.agent) == ("stalled", "compliance")
        assert "have put back what stood at hold/42" in overdue.reason
        return Cancel(reason="enough")

    await board.create("hold/42", "block")
    async with leading(board, *quarrel("boss"), thinking, stall=SHORT) as controller:
        running = asyncio.create_task(controller.run_until_quiescent())
        async with asyncio.timeout(15):
            await asked.wait()
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
    assert (await run(board, *quarrel("boss"), boss, stall=SHORT)).status == "finished"
    assert await values(board, "control/attention/**") == {}
    assert "cancelled" in await states(board)


async def test_a_person_who_says_try_again_grants_one_call(board: Board) -> None:
    """And is asked again after it; what goes on in other cases is not touched."""
    await board.create("hold/42", "block")
    await run(board, *quarrel(), stall=SHORT)
    key, _ = await question(board)
    await answer(board, key, Answer("retry", "eve", "once more"), board.store.server_now_ms())
    assert (await run(board, *quarrel(), stall=SHORT)).status == "awaiting"
    assert (await states(board)).count("executed") == 6
    assert len(await board.find('control/escalations/* where status == "open"')) == 1


async def test_values_of_every_kind_are_told_short(board: Board) -> None:
    """Long ones, empty ones and such that a terminal would take for orders."""
    long, strange = "x" * 100_000, {"": None, "\u202e": ["\x1b[2J"] * 3}

    @knowledge_source(watches={"v": "v/{c} where size(value) > 1000"}, contributes="v/{c}")
    async def shorten() -> Any:
        return strange

    @knowledge_source(watches={"v": "v/{c} where size(value) < 1000"}, contributes="v/{c}")
    async def lengthen() -> Any:
        return long

    await board.create("v/1", long)
    assert (await run(board, shorten, lengthen, stall=SHORT)).status == "awaiting"
    _, asked = await question(board)
    assert len(asked["question"]) < 400
    assert "\x1b" not in asked["question"]
