"""A logical record stands only while its causes do, and is taken back with them, however far that reaches."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from blackboard.commit import Delete, Put
from blackboard.errors import Corrupt
from blackboard.pattern import Pattern
from controller.retracting import retract
from controller.stalling import StallLimits
from knowledge_sources import Collect, Context, Pass, knowledge_source
from tests.leading import activations, going_on, leading, only, run, values
from tests.waiting import eventually

if TYPE_CHECKING:
    from blackboard.board import Board

ROOT = Path(__file__).parents[2]


@knowledge_source("order/{o}", contributes="risk/{o}", logical=True)
async def risk(order: Any) -> Any:
    return {"high": True} if order["amount"] > 100 else None


@knowledge_source("risk/{o}", unless="verified/{o}", contributes="flag/{o}", logical=True)
async def flag(risk: Any) -> str:
    return "hold"


@knowledge_source("flag/{o}", contributes="notice/{o}", logical=True)
async def notice(flag: Any) -> str:
    return "we are looking into it"


@knowledge_source("flag/{o}", contributes="ledger/{o}")
async def plain(flag: Any) -> str:
    return "was flagged once"


AGENTS = (risk, flag, notice, plain)


async def test_what_rests_on_a_record_that_is_written_over_is_taken_back_with_all_that_rests_on_it(
    board: Board,
) -> None:
    await board.put("order/7", {"amount": 500})
    async with leading(board, *AGENTS) as controller:
        async with going_on(controller) as going:
            await going
        assert await values(board, "notice/*") == {"notice/7": "we are looking into it"}
        record = await board.get("flag/7")
        assert record is not None
        assert record.status == "supported"
        await board.put("order/7", {"amount": 5})
        async with going_on(controller) as going:
            await going
    for gone in ("risk/*", "flag/*", "notice/*"):
        assert await values(board, gone) == {}
    assert await values(board, "ledger/*") == {"ledger/7": "was flagged once"}
    (removed,) = {(await board.history(f"{region}/7"))[-1].commit for region in ("risk", "flag", "notice")}
    told = {one["agent"]: one["withdrawn"] for one in await activations(board) if "withdrawn" in one}
    assert told == {
        "risk": "order/7 has changed",
        "flag": "risk/7 was retracted",
        "notice": "flag/7 was retracted",
    }
    assert removed


async def test_a_cause_that_is_written_anew_brings_it_back_if_it_is_still_deserved(board: Board) -> None:
    await board.put("order/7", {"amount": 500})
    await run(board, *AGENTS)
    await board.put("order/7", {"amount": 900})
    await run(board, *AGENTS)
    assert await values(board, "flag/*") == {"flag/7": "hold"}
    assert [change.operation for change in await board.history("flag/7")] == ["put", "delete", "put"]


async def test_what_rested_on_an_absence_goes_when_it_comes_and_is_back_when_it_goes(board: Board) -> None:
    """The agent fires anew on the same records, though it has fired on them before."""
    await board.put("order/7", {"amount": 500})
    async with leading(board, *AGENTS) as controller:
        for change, stands in (
            (None, True), (Put("verified/7", "yes"), False), (Delete("verified/7"), True), (Put("verified/7", 1), False)
        ):  # fmt: skip
            if change is not None:
                await board.commit([], [change])
            async with going_on(controller) as going:
                assert (await going).status == "finished"
            assert bool(await values(board, "flag/*")) is stands
            assert bool(await values(board, "notice/*")) is stands
    assert len({one["id"] for one in await activations(board, "flag")}) == 2


async def test_what_an_agent_read_is_a_cause_too_and_it_looks_again(board: Board) -> None:
    @knowledge_source("order/{o}", contributes="price/{o}", logical=True)
    async def price(order: Any, ctx: Context) -> float:
        rate = await ctx.get("rate/vat")
        return float(order["amount"] * (1 if rate is None else rate.value))

    await board.put("order/7", {"amount": 100})
    async with leading(board, price) as controller:
        for rate, due in ((None, 100.0), (1.19, 119.0), (1.25, 125.0)):
            if rate is not None:
                await board.put("rate/vat", rate)
            async with going_on(controller) as going:
                await going
            assert await values(board, "price/*") == {"price/7": due}


async def test_one_write_of_several_may_be_logical(board: Board) -> None:
    @knowledge_source("order/{o}", contributes=["flag/{o}", "seen/{o}"])
    def both(order: Any, ctx: Any) -> None:
        if order["amount"] > 100:
            ctx.post("flag/{o}", "hold", logical=True)
        ctx.post("seen/{o}", order["amount"])

    await board.put("order/7", {"amount": 500})
    await run(board, both)
    await board.put("order/7", {"amount": 5})
    await run(board, both)
    assert await values(board, "flag/*") == {}
    assert await values(board, "seen/*") == {"seen/7": 5}


async def test_what_somebody_wrote_over_it_since_is_not_taken_back(board: Board) -> None:
    await board.put("order/7", {"amount": 500})
    await run(board, risk)
    await board.put("risk/7", "set by hand")
    await board.delete("order/7")
    await run(board, risk)
    assert await values(board, "risk/*") == {"risk/7": "set by hand"}


async def test_what_is_written_over_in_the_moment_of_its_retraction_stays(board: Board) -> None:
    await board.put("order/7", {"amount": 500})
    await run(board, risk)
    async with leading(board, risk) as controller:  # which fires and takes back nothing before it is let go
        await board.delete("order/7")
        desk = controller.desk
        await desk.replica.caught_up(await board.revision())
        found = desk.support.retraction(desk.replica)
        assert found is not None
        await board.put("risk/7", "set by hand")
        await retract(desk, found)
        async with going_on(controller) as going:
            assert (await going).status == "finished"
    assert await values(board, "risk/*") == {"risk/7": "set by hand"}


async def test_a_second_reason_for_the_same_value_keeps_it_standing(board: Board) -> None:
    @knowledge_source("tip/{o}/{n}", contributes="flag/{o}", logical=True)
    async def tipped(tip: Any) -> str:
        return "hold"

    await board.put("tip/7/a", 1)
    await board.put("tip/7/b", 1)
    async with leading(board, tipped) as controller:
        for gone, stands in (("", True), ("tip/7/a", True), ("tip/7/b", False)):
            if gone:
                await board.delete(gone)
            async with going_on(controller) as going:
                await going
            assert bool(await values(board, "flag/*")) is stands
    assert [change.operation for change in await board.history("flag/7")] == ["put", "delete"]


async def test_records_that_only_hold_each_other_up_fall_together(board: Board) -> None:
    @knowledge_source("seed/{x}", contributes="a/{x}", logical=True, name="begins")
    async def begins(seed: Any) -> str:
        return "yes"

    @knowledge_source("a/{x}", contributes="b/{x}", logical=True, name="a_to_b")
    async def a_to_b(a: Any) -> str:
        return "yes"

    @knowledge_source("b/{x}", contributes="a/{x}", logical=True, name="b_to_a")
    async def b_to_a(b: Any) -> str:
        return "yes"

    await board.put("seed/1", 1)
    async with leading(board, begins, a_to_b, b_to_a) as controller:
        async with going_on(controller) as going:
            await going
        assert await values(board, "a/*") == {"a/1": "yes"}
        await board.delete("seed/1")
        async with going_on(controller) as going:
            assert (await going).status == "finished"
    assert await values(board, "a/*") == await values(board, "b/*") == {}


async def test_records_that_exclude_what_they_rest_on_are_brought_before_a_person(board: Board) -> None:
    """``b`` rests on ``a``, and ``a`` on there being no ``b``: nothing that stands would be right."""

    @knowledge_source("seed/{x}", unless="b/{x}", contributes="a/{x}", logical=True, name="a_unless_b")
    async def a_unless_b(seed: Any) -> str:
        return "yes"

    @knowledge_source("a/{x}", contributes="b/{x}", logical=True, name="b_from_a")
    async def b_from_a(a: Any) -> str:
        return "yes"

    await board.put("seed/1", 1)
    assert (await run(board, a_unless_b, b_from_a, stall=StallLimits(repeats=5))).status == "awaiting"


async def test_a_cause_that_moved_while_nobody_led_takes_it_back_at_the_next_start(board: Board) -> None:
    await board.put("order/7", {"amount": 500})
    await run(board, *AGENTS)
    await board.put("verified/7", "yes")
    await run(board, risk)  # those whose records go need not be here
    assert await values(board, "flag/*") == await values(board, "notice/*") == {}
    assert await values(board, "risk/*") == {"risk/7": {"high": True}}


async def test_what_expires_takes_what_rests_on_it_along(board: Board) -> None:
    await board.put("order/7", {"amount": 500}, ttl_ms=400)
    async with leading(board, *AGENTS) as controller:
        with controller.expecting():  # else it would come to rest before the time is over
            async with going_on(controller):
                await board.wait_for('control/activations/* where agent == "notice" && withdrawn != ""')
        assert await values(board, "flag/*") == {}


async def test_a_logical_record_that_a_validator_passed_is_taken_back_as_any(board: Board) -> None:
    @knowledge_source(validates="risk/{o}")
    async def sure(risk: Any) -> Pass:
        return Pass()

    await board.put("order/7", {"amount": 500})
    await run(board, risk, sure, validate=(Pattern.parse("risk/*"),))
    record = await board.get("risk/7")
    assert record is not None
    assert record.status == "supported, passed by sure"
    await board.delete("order/7")
    await run(board, risk, sure)
    assert await values(board, "risk/*") == {}


async def test_an_agent_that_fires_unless_its_own_record_is_there_does_not_undo_itself(board: Board) -> None:
    @knowledge_source("order/{o}", unless="flag/{o}", contributes="flag/{o}", logical=True)
    async def once(order: Any, ctx: Context) -> str:
        assert await ctx.get("flag/{o}") is None
        return "hold"

    await board.put("order/7", {"amount": 500})
    assert (await run(board, once)).status == "finished"
    assert (await only(board))["state"] == "executed"
    await board.put("order/7", {"amount": 600})
    await run(board, once)
    assert [change.operation for change in await board.history("flag/7")] == ["put", "delete", "put"]


async def test_what_rests_on_collected_records_falls_with_one_of_them_and_is_back_with_another(board: Board) -> None:
    @knowledge_source(
        {"tx": "tx/{t}", "votes": Collect('vote/{t}/* where says == "fraud"', at_least=2)},
        contributes="fraud/{t}",
        logical=True,
    )
    async def quorum(votes: list[Any]) -> int:
        return len(votes)

    await board.put("tx/1", 1)
    async with leading(board, quorum) as controller:
        for key, says, stands in (
            ("vote/1/a", "fraud", {}), ("vote/1/b", "fraud", {"fraud/1": 2}), ("vote/1/b", "fine", {}),
            ("vote/1/c", "fraud", {"fraud/1": 2}),
        ):  # fmt: skip
            await board.put(key, {"says": says})
            async with going_on(controller) as going:
                assert (await going).status == "finished"
            assert await values(board, "fraud/*") == stands


async def test_more_than_fits_into_one_commit_is_taken_back_too(board: Board) -> None:
    @knowledge_source({"item": "item/{n}", "base": "base/x"}, contributes="mark/{n}", logical=True, name="mark")
    async def mark(item: Any) -> Any:
        return item

    await board.commit([], [Put(f"item/{n}", n) for n in range(1200)])
    await board.put("base/x", 1)
    await run(board, mark)
    assert len(await values(board, "mark/*")) == 1200
    await board.delete("base/x")
    assert (await run(board, mark)).status == "finished"
    assert await values(board, "mark/*") == {}
    assert {one["withdrawn"] for one in await activations(board)} == {"base/x is gone"}


@pytest.mark.parametrize(
    ("field", "value", "told"),
    [
        ("supports", {"keys": ["risk/7"], "absent": [["{x}/y", ""]]}, "the first segment is the region"),
        ("supports", {"keys": ["risk/7"], "absent": [["a/*", "soon"]]}, "not what the runtime writes there"),
        ("supports", {"keys": "risk/7", "absent": []}, "is no list"),
        ("withdrawn", 7, "7 is no str"),
    ],
)
async def test_support_that_the_runtime_did_not_write_is_refused_by_name(
    field: str, value: Any, told: str, board: Board
) -> None:
    await board.put("order/7", {"amount": 500})
    await run(board, risk)
    (found,) = await board.find("control/activations/*")
    await board.put(found.key, {**found.value, field: value})
    with pytest.raises(Corrupt, match=f"{found.key}.*{told}"):
        await run(board, risk)


async def test_keys_and_values_of_any_kind_are_taken_back(board: Board) -> None:
    @knowledge_source("order/{o}", contributes="mark/{o}/*", logical=True, name="mark")
    async def mark(order: Any, o: str) -> Any:
        return {f"mark/{o}/{'ü' * 200}": order, f"mark/{o}/empty": None, f"mark/{o}/large": "x" * 500_000}

    await board.put("order/é😀", "")
    await run(board, mark)
    assert len(await values(board, "mark/**")) == 3
    await board.delete("order/é😀")
    await run(board, mark)
    assert await values(board, "mark/**") == {}


@pytest.mark.parametrize("failpoint", ["controller.before_retraction:1", "store.after_send:7", "store.after_send:9"])
async def test_a_kill_on_the_way_loses_no_retraction(
    failpoint: str, board: Board, redis_url: str, board_name: str
) -> None:
    for n in range(3):
        await board.put(f"order/{n}", {"amount": 500})
    await run(board, *AGENTS)
    for n in range(3):
        await board.put(f"order/{n}", {"amount": 5})
    environment = {**os.environ, "BLACKBOARD_FAILPOINTS": failpoint, "PYTHONPATH": str(ROOT)}
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", LED, redis_url, board_name, env=environment, cwd=ROOT
    )
    assert await asyncio.wait_for(process.wait(), 30) == -signal.SIGKILL
    await run(board, *AGENTS)
    for region in ("risk", "flag", "notice"):
        assert await values(board, f"{region}/*") == {}


async def test_a_claim_that_was_taken_back_with_its_cause_has_not_failed(board: Board) -> None:
    """Its records were gone, and when its time was over those who depend on it were told that it had failed."""

    @knowledge_source(
        watches="item/{i}", contributes="said/{i}", logical=True,
        confirm_within="10m", confirmed_by="seen/{i}", unconfirmed="failed/{i}",
    )  # fmt: skip
    async def claims(item: Any) -> Any:
        return item

    await board.put("item/1", 1)
    async with leading(board, claims) as controller, going_on(controller) as end:
        await eventually(lambda: controller.desk.replica.get("said/1") is not None, "it is claimed")
        await board.commit([], [Delete("item/1")])
        assert (await end).status == "finished"
    (claim,) = (await values(board, "control/claims/*")).values()
    assert claim["status"] == "unconfirmed"
    assert claim["reason"].startswith("what it claims was taken back: ")
    assert await values(board, "failed/*") == await values(board, "said/*") == {}


LED = """
import asyncio, sys
from blackboard.board import Board
from tests.leading import run
from tests.integration.test_logical_support import AGENTS

async def lead():
    async with await Board.open(sys.argv[1], sys.argv[2]) as board:
        await run(board, *AGENTS)

asyncio.run(lead())
"""
