"""Claims about agents that race, and about records that move while an agent runs."""

from __future__ import annotations

import asyncio
from collections import Counter
from typing import TYPE_CHECKING, Any

import pytest

from blackboard.record import Stamp
from controller.budgets import Limit, Limits
from knowledge_sources import Context, knowledge_source
from tests.leading import activations, going_on, leading, only, run, states, values
from tests.waiting import eventually

if TYPE_CHECKING:
    from blackboard.board import Board


class Gate:
    """Lets agents in, and holds them until the test opens it."""

    def __init__(self) -> None:
        self.inside = 0
        self._open = asyncio.Event()

    async def pass_through(self) -> None:
        self.inside += 1
        await self._open.wait()

    def open(self) -> None:
        self._open.set()

    async def holds(self, count: int) -> None:
        await eventually(lambda: self.inside == count, f"{count} agents are inside")


def refunder(name: str, gate: Gate) -> object:
    @knowledge_source(watches="return/{r}", unless="refund/{r}", contributes="refund/{r}", name=name)
    async def refund() -> Any:
        await gate.pass_through()
        return {"by": name}

    return refund


async def test_of_two_agents_that_race_for_one_key_one_contributes_and_the_other_is_told_who_won(board: Board) -> None:
    """Both ran: neither saw the other's record when it started."""
    gate = Gate()
    await board.create("return/1", {})
    async with leading(board, refunder("ann", gate), refunder("bob", gate)) as controller, going_on(controller) as end:
        await gate.holds(2)
        gate.open()
        assert (await end).status == "finished"
    assert await states(board) == ["executed", "obviated"]
    refund = await board.get("refund/1")
    assert refund is not None
    assert refund.version == 1
    (loser,) = (one for one in await activations(board) if one["state"] == "obviated")
    assert loser["winner"] == refund.value["by"] == refund.author
    assert "too late" in loser["reason"]
    assert "ended_ms" in loser


async def test_without_guards_both_contribute(board: Board) -> None:
    """So that the test above can fail: the record is written twice."""
    gate = Gate()
    await board.create("return/1", {})
    agents = (refunder("ann", gate), refunder("bob", gate))
    async with leading(board, *agents, guarded=False) as controller, going_on(controller) as end:
        await gate.holds(2)
        gate.open()
        await end
    assert await states(board) == ["executed", "executed"]
    refund = await board.get("refund/1")
    assert refund is not None
    assert refund.version == 2


async def test_an_unless_with_a_wildcard_guards_its_region(board: Board) -> None:
    """There is no one key that is to be absent, so any record of the region that excludes will do."""
    gate = Gate()

    @knowledge_source(watches="order/{o}", unless="veto/{o}/*", contributes="parcel/{o}")
    async def ship() -> Any:
        await gate.pass_through()
        return 1

    await board.create("order/1", {})
    async with leading(board, ship) as controller, going_on(controller) as end:
        await gate.holds(1)
        await board.create("veto/2/x", {})
        await board.create("veto/1/x", {})
        gate.open()
        await end
    assert await values(board, "parcel/*") == {}
    assert (await only(board))["state"] == "obviated"


async def test_what_moves_in_that_region_without_excluding_only_makes_it_run_again(board: Board) -> None:
    """Another order's veto is no reason not to ship this one."""
    gate = Gate()

    @knowledge_source(watches="order/{o}", unless="veto/{o}/*", contributes="parcel/{o}")
    async def ship() -> Any:
        await gate.pass_through()
        return 1

    await board.create("order/1", {})
    async with leading(board, ship) as controller, going_on(controller) as end:
        await gate.holds(1)
        await board.create("veto/2/x", {})
        gate.open()
        await end
    assert await values(board, "parcel/*") == {"parcel/1": 1}
    shipped = await only(board)
    assert (shipped["conflicts"], shipped["attempt"], gate.inside) == (1, 1, 2)


async def test_a_trigger_that_changes_while_its_agent_runs_obviates_it_and_the_new_one_fires(board: Board) -> None:
    """Nothing of the old version is contributed."""
    gate = Gate()

    @knowledge_source(watches={"item": "item/{i}"}, contributes="out/{i}")
    async def slow(item: Any) -> Any:
        await gate.pass_through()
        return item

    await board.create("item/1", "old")
    async with leading(board, slow) as controller, going_on(controller) as end:
        await gate.holds(1)
        await board.put("item/1", "new")
        await gate.holds(2)
        gate.open()
        assert (await end).status == "finished"
    out = await board.get("out/1")
    assert out is not None
    assert (out.value, out.version) == ("new", 1)
    assert await states(board) == ["executed", "obviated"]


async def test_a_trigger_that_is_removed_while_its_agent_runs_obviates_it(board: Board) -> None:
    """There is no new version to fire on."""
    gate = Gate()

    @knowledge_source(watches={"item": "item/{i}"}, contributes="out/{i}")
    async def slow(item: Any) -> Any:
        await gate.pass_through()
        return item

    item = await board.create("item/1", "old")
    async with leading(board, slow) as controller, going_on(controller) as end:
        await gate.holds(1)
        await board.delete(item)
        gate.open()
        assert (await end).status == "finished"
    assert await values(board, "out/*") == {}
    assert await states(board) == ["obviated"]


@pytest.mark.parametrize("removed", [False, True])
async def test_a_record_it_read_that_changes_makes_it_run_again_and_is_no_failed_call(
    board: Board, removed: bool
) -> None:
    """The contribution rests on what is there when it is committed; conflicts are counted apart."""
    gate = Gate()

    @knowledge_source(watches="item/{i}", contributes="out/{i}")
    async def reader(ctx: Context) -> Any:
        rate = await ctx.get("rate/today")
        ctx.usage("small", 1, 1, 0.25)
        await gate.pass_through()
        return rate.value if rate is not None else "none"

    rate = await board.create("rate/today", 1)
    await board.create("item/1", {})
    async with leading(board, reader) as controller, going_on(controller) as end:
        await gate.holds(1)
        await (board.delete(rate) if removed else board.put("rate/today", 2))
        gate.open()
        assert (await end).status == "finished"
    assert await values(board, "out/*") == {"out/1": "none" if removed else 2}
    done = await only(board)
    assert (done["state"], done["attempt"], done["conflicts"], gate.inside) == ("executed", 1, 1, 2)
    assert "attempts" not in done
    assert [usage["cost"] for usage in done["usage"]] == [0.25, 0.25]


async def test_a_find_that_is_to_be_stable_sees_records_that_join(board: Board) -> None:
    """``stable=True`` guards the region: a new member makes the agent run again."""
    gate = Gate()

    @knowledge_source(watches="item/{i}", contributes="sum/{i}")
    async def adder(ctx: Context) -> Any:
        found = await ctx.find("part/*", stable=True)
        await gate.pass_through()
        return sum(record.value for record in found)

    await board.create("part/1", 1)
    await board.create("item/1", {})
    async with leading(board, adder) as controller, going_on(controller) as end:
        await gate.holds(1)
        await board.create("part/2", 2)
        gate.open()
        await end
    assert await values(board, "sum/*") == {"sum/1": 3}


async def test_two_hundred_activations_on_twelve_hot_records_sum_exactly_and_none_runs_twice(board: Board) -> None:
    """``ctx.update`` is outside the read set, so that contention costs no calls."""
    calls: Counter[str] = Counter()

    @knowledge_source(watches={"sale": "sale/{n}"}, contributes=["stock/*", "sold/{n}"])
    async def sell(sale: Any, n: str, ctx: Context) -> Any:
        calls[n] += 1
        await asyncio.sleep(0)
        for sku in sale["skus"]:
            ctx.update(f"stock/{sku}", lambda stock: (stock or 0) + 1)
        ctx.post("sold/{n}", True)

    expected: Counter[int] = Counter()
    for n in range(200):
        skus = sorted({n % 12, (n * 7) % 12})
        expected.update(skus)
        await board.create(f"sale/{n}", {"skus": skus})

    async def outside() -> None:
        for _ in range(40):
            await board.mutate("stock/0", lambda stock: (stock or 0) + 1)

    async with leading(board, sell, max_running=32) as controller, going_on(controller) as end:
        await asyncio.gather(outside(), end)
    stock = await values(board, "stock/*")
    assert stock == {f"stock/{sku}": n + 40 * (sku == 0) for sku, n in expected.items()}
    assert set(calls.values()) == {1}
    assert await states(board, "sell") == ["executed"] * 200


async def test_an_update_that_raises_or_gives_what_no_record_holds_is_the_agents_failure(board: Board) -> None:
    """The run goes on; nothing of the contribution is applied."""

    @knowledge_source(watches="item/{i}", contributes=["sum/{i}", "out/{i}"], retry={"attempts": 1})
    async def wrong(i: str, ctx: Context) -> None:
        ctx.post("out/{i}", 1)
        ctx.update("sum/{i}", lambda before: before + 1 if i == "raises" else object())

    await board.create("item/raises", {})
    await board.create("item/strange", {})
    assert (await run(board, wrong)).status == "awaiting"
    assert await values(board, "sum/*") == await values(board, "out/*") == {}
    failed = {one["captures"]["i"]: one for one in await activations(board)}
    assert {one["failure"] for one in failed.values()} == {"invalid"}
    assert "TypeError" in failed["raises"]["attempts"][0]["error"]


async def test_what_a_call_cost_counts_against_its_case_whether_it_contributed_or_not(board: Board) -> None:
    """The third call of one case would pass its limit, so a person is asked."""

    @knowledge_source(watches="step/{case}/{n}", contributes="done/{case}/{n}", max_running=1)
    async def spend(ctx: Context) -> Any:
        ctx.usage("large", 10, 10, 0.4)
        return 1

    for n in (1, 2, 3):
        await board.create(f"step/a/{n}", {}, stamp=Stamp(case="a"))
    end = await run(board, spend, limits=Limits(case=Limit(cost=1.0)))
    assert end.status == "awaiting"
    assert await states(board) == ["escalated", "executed", "executed"]
    (waiting,) = (one for one in await activations(board) if one["state"] == "escalated")
    assert waiting["failure"] == "over_budget"
    assert "0.8 of 1 cost" in waiting["reason"]
