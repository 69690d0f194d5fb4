"""Claims about what is late: supervisors, their orders, and the person at the end of the ladder."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest

from blackboard.commit import Put
from blackboard.control_records import ACTIVATIONS
from blackboard.pattern import Pattern
from knowledge_sources import Context, Overdue, knowledge_source, supervisor
from knowledge_sources.orders import Cancel, Decide, Extend, Veto
from tests.leading import activations, going_on, leading, only, question, quiescent, run, states, values
from tests.waiting import eventually

if TYPE_CHECKING:
    from blackboard.board import Board
    from controller.controller import Controller

HALF_A_MINUTE = "30s"
APPLIED = Pattern.parse('control/overrides/* where status == "applied"')


class Slow:
    """An agent that waits until the test says so; ``cancelled`` counts those that were stopped."""

    def __init__(self, *, escalate: Any = ("boss",), respond_within: str = "40ms", **settings: Any) -> None:
        self.free = asyncio.Event()
        self.calls = self.cancelled = 0

        @knowledge_source(
            watches={"item": "item/{i}"},
            contributes="out/{i}",
            respond_within=respond_within,
            escalate=escalate,
            **settings,
        )
        async def slow(item: Any) -> Any:
            self.calls += 1
            try:
                await self.free.wait()
            except asyncio.CancelledError:
                self.cancelled += 1
                raise
            return {"by": "slow"}

        self.agent = slow


async def test_what_is_late_is_extended_and_then_decided_and_its_agent_is_stopped(board: Board) -> None:
    """The supervisor is asked again when its extension has run out, and what it decides stands in the agent's place."""
    asked: list[tuple[int, str]] = []

    @supervisor(over="slow")
    async def boss(overdue: Overdue) -> Any:
        asked.append((overdue.times, overdue.reason))
        return Extend("50ms", "give it time") if overdue.times == 1 else Decide({"by": "boss"}, "enough")

    slow = Slow()
    await board.create("item/1", {})
    assert (await run(board, slow.agent, boss)).status == "finished"
    assert [times for times, _ in asked] == [1, 2]
    assert "slow has taken" in asked[0][1]
    out = await board.get("out/1")
    assert out is not None
    assert (out.value, out.author, out.case, out.depth) == ({"by": "boss"}, "boss", "item/1", 1)
    done = await only(board, "slow")
    assert (done["state"], done["decided_by"], done["wrote"]) == ("executed", "boss", ["out/1"])
    assert "enough" in done["reason"]
    assert out.commit == (await board.find(ACTIVATIONS + done["id"]))[0].commit
    assert (slow.calls, slow.cancelled) == (1, 1)
    orders = await values(board, "control/overrides/*")
    assert sorted((order["verb"], order["status"]) for order in orders.values()) == [
        ("decide", "applied"),
        ("extend", "applied"),
    ]
    assert await values(board, "control/attention/**") == {}


async def test_the_late_contribution_of_an_agent_that_will_not_stop_is_refused(board: Board) -> None:
    """It swallows its cancellation and returns a value all the same: nothing of that reaches the board."""
    free, decided, returned = asyncio.Event(), asyncio.Event(), asyncio.Event()

    @knowledge_source(watches="item/{i}", contributes="out/{i}", respond_within="40ms", escalate=["boss"])
    async def stubborn() -> Any:
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            decided.set()
            await free.wait()
        returned.set()
        return {"by": "stubborn"}

    @supervisor(respond_within="30s")
    async def boss(overdue: Overdue) -> Any:
        return Decide({"by": "boss"}, "enough")

    await board.create("item/1", {})
    async with leading(board, stubborn, boss) as controller, going_on(controller) as end:
        await decided.wait()
        await eventually(lambda: controller.desk.replica.get("out/1"), "the boss has decided")
        free.set()
        assert (await end).status == "finished"
        assert returned.is_set()
    out = await board.get("out/1")
    assert out is not None
    assert (out.value, out.version) == ({"by": "boss"}, 1)
    assert (await only(board, "stubborn"))["decided_by"] == "boss"


async def test_an_agent_that_answers_in_time_is_left_in_peace(board: Board) -> None:
    """Nobody is asked, and nothing of its deadline remains."""
    slow = Slow()
    slow.free.set()

    @supervisor()
    async def boss(overdue: Overdue) -> Any:
        raise AssertionError("asked for nothing")

    await board.create("item/1", {})
    assert (await run(board, slow.agent, boss)).status == "finished"
    assert await activations(board, "boss") == []


async def test_an_agent_that_answers_while_its_supervisor_ponders_has_answered(board: Board) -> None:
    """The question is withdrawn: the order comes too late, and the run does not wait for the rest of the ladder."""
    slow, pondering = Slow(), asyncio.Event()

    @supervisor(respond_within=HALF_A_MINUTE)
    async def boss(overdue: Overdue) -> Any:
        pondering.set()
        await slow.free.wait()
        await asyncio.sleep(0.02)
        return Decide({"by": "boss"}, "enough")

    await board.create("item/1", {})
    async with leading(board, slow.agent, boss) as controller, going_on(controller) as end:
        await pondering.wait()
        slow.free.set()
        assert (await end).status == "finished"
    assert await values(board, "out/*") == {"out/1": {"by": "slow"}}
    assert (await only(board, "boss"))["state"] == "obviated"
    assert await values(board, "control/attention/**") == {}


@pytest.mark.parametrize("how", ["raises", "silent", "nothing", "wrong"])
async def test_a_supervisor_that_gives_no_order_leaves_it_to_the_next_and_then_to_a_person(
    board: Board, how: str
) -> None:
    """Whether it raises, does not answer in its time, returns nothing, or orders what is refused."""
    slow = Slow(escalate=["first", "second", "human"])
    asked: list[str] = []

    def superior(name: str, respond_within: str) -> Any:
        @supervisor(name=name, respond_within=respond_within, retry={"attempts": 2, "backoff": "1ms"})
        async def superior(overdue: Overdue, ctx: Context) -> Any:
            asked.append(ctx.agent)
            if how == "raises":
                raise RuntimeError("no idea")
            if how == "silent":
                await asyncio.Event().wait()
            return Decide(1, "so be it", key="elsewhere/1") if how == "wrong" else None

        return superior

    limit = "50ms" if how == "silent" else HALF_A_MINUTE
    await board.create("item/1", {})
    async with leading(board, slow.agent, superior("first", limit), superior("second", limit)) as controller:
        assert (await quiescent(controller)).status == "awaiting"
    assert list(dict.fromkeys(asked)) == ["first", "second"]
    waiting = await only(board, "slow")
    assert (waiting["state"], waiting["failure"]) == ("escalated", "slow")
    assert "first and second did not settle it" in waiting["reason"]
    _, put = await question(board)
    assert put["agent"] == "slow"
    assert slow.cancelled == 1
    assert await values(board, "control/attention/**") == {}


async def test_without_a_supervisor_a_person_is_asked(board: Board) -> None:
    """``respond_within`` alone is enough."""
    slow = Slow(escalate=[])
    await board.create("item/1", {})
    assert (await run(board, slow.agent)).status == "awaiting"
    assert "it has no supervisor" in (await only(board))["reason"]


async def test_what_is_late_while_it_still_waits_for_its_turn_can_be_decided(board: Board) -> None:
    """Waiting behind others counts; it never runs."""
    free, ran = asyncio.Event(), []

    @knowledge_source(watches="block/{i}", level="critical")
    async def blocker() -> None:
        await free.wait()

    @knowledge_source(watches="item/{i}", contributes="out/{i}", respond_within="40ms", escalate=["boss"])
    async def starved() -> Any:
        ran.append(1)

    @supervisor()
    async def boss(overdue: Overdue) -> Any:
        return Decide("boss", "it waits too long")

    await board.create("block/1", {})
    async with leading(board, blocker, starved, boss, max_running=1) as controller, going_on(controller) as end:
        await eventually(lambda: controller.running_count == 1, "the blocker runs")
        await board.create("item/1", {})
        await eventually(lambda: controller.desk.replica.get("out/1"), "the boss has decided")
        free.set()
        assert (await end).status == "finished"
    assert ran == []
    done = await only(board, "starved")
    assert (done["state"], done["decided_by"], done["worker"]) == ("executed", "boss", "")


@pytest.mark.parametrize(("order", "state"), [(Cancel("useless"), "cancelled"), (Extend("10s", "wait"), "executed")])
async def test_cancel_ends_it_and_extend_lets_it_finish(board: Board, order: Any, state: str) -> None:
    """Nothing is contributed for a cancelled one."""
    slow = Slow()

    @supervisor()
    async def boss(overdue: Overdue) -> Any:
        return order

    await board.create("item/1", {})
    async with leading(board, slow.agent, boss) as controller, going_on(controller) as end:
        await eventually(lambda: controller.desk.replica.find(APPLIED), "the order is applied")
        slow.free.set()
        assert (await end).status == "finished"
    assert (await only(board, "slow"))["state"] == state
    assert len(await values(board, "out/*")) == (state == "executed")


async def test_veto_forbids_what_has_not_run(board: Board) -> None:
    """A running one cannot be vetoed: the order is refused with the way out."""
    slow = Slow(escalate=["boss", "human"])

    @supervisor()
    async def boss(overdue: Overdue) -> Any:
        return Veto("never")

    await board.create("item/1", {})
    assert (await run(board, slow.agent, boss)).status == "awaiting"
    (order,) = (await values(board, "control/overrides/*")).values()
    assert order["status"] == "refused"
    assert "cancel it" in order["outcome"]


async def test_an_order_without_authority_is_refused_with_the_reason(board: Board) -> None:
    """Whoever writes the record: a supervisor that is over others, or an agent that is none."""
    slow = Slow(escalate=[], respond_within=HALF_A_MINUTE)

    @supervisor(over="other", authority=["extend"])
    async def narrow(overdue: Overdue) -> None: ...

    await board.create("item/1", {})
    async with leading(board, slow.agent, narrow) as controller, going_on(controller) as end:
        await eventually(lambda: slow.calls == 1, "it runs")
        (activation,) = (record.key.removeprefix(ACTIVATIONS) for record in await board.find(ACTIVATIONS + "*"))
        base = {"activation": activation, "reason": "I say so", "status": "open"}
        orders = {
            "decide": {**base, "verb": "decide", "author": "narrow", "value": 1},
            "over": {**base, "verb": "extend", "author": "narrow", "by_ms": 1000},
            "agent": {**base, "verb": "cancel", "author": "slow"},
            "nobody": {**base, "verb": "cancel", "author": "mallory"},
            "gone": {**base, "verb": "cancel", "author": "human/eve", "activation": "none"},
        }
        await board.commit([], [Put(f"control/overrides/{name}", order) for name, order in orders.items()])
        slow.free.set()
        await end
    outcomes = {key.rpartition("/")[2]: o for key, o in (await values(board, "control/overrides/*")).items()}
    assert {order["status"] for order in outcomes.values()} == {"refused"}
    assert "narrow has no authority for it (it may order: extend)" in outcomes["decide"]["outcome"]
    assert "narrow is over other, not over slow" in outcomes["over"]["outcome"]
    assert "no authority" in outcomes["agent"]["outcome"]
    assert "not a registered agent" in outcomes["nobody"]["outcome"]
    assert "no activation none" in outcomes["gone"]["outcome"]


@pytest.mark.parametrize("unless", ["out/{i}", 'out/{i} where by == "another"', "out/*"])
async def test_a_decision_for_what_is_late_holds_to_the_agents_unless(board: Board, unless: str) -> None:
    """Somebody else's contribution in the meantime makes the order void."""
    slow, told, go_on = Slow(unless=unless), asyncio.Event(), asyncio.Event()

    @supervisor(respond_within=HALF_A_MINUTE)
    async def boss(overdue: Overdue) -> Any:
        told.set()
        await go_on.wait()
        return Decide("boss", "enough")

    await board.create("item/1", {})
    async with leading(board, slow.agent, boss) as controller, going_on(controller) as end:
        await told.wait()
        await board.create("out/1", {"by": "another"})
        go_on.set()
        await eventually(lambda: controller.desk.replica.get(f"control/escalations/{_only_id(controller)}"), "a person")
        assert (await end).status == "awaiting"
    assert await values(board, "out/*") == {"out/1": {"by": "another"}}


def _only_id(controller: Controller) -> str:
    region = controller.desk.replica.region("control")
    return next(
        k.removeprefix(ACTIVATIONS)
        for k, r in region.items()
        if k.startswith(ACTIVATIONS) and r.value["agent"] == "slow"
    )


async def test_a_match_that_ends_while_its_supervisor_is_asked_leaves_no_question_behind(board: Board) -> None:
    """It was late before its turn, and then its record went: the run ends."""
    free = asyncio.Event()

    @knowledge_source(watches="block/{i}", level="critical")
    async def blocker() -> None:
        await free.wait()

    @knowledge_source(watches="item/{i}", respond_within="40ms", escalate=["boss"])
    async def starved() -> None: ...

    @supervisor(respond_within=HALF_A_MINUTE)
    async def boss(overdue: Overdue) -> Any:
        await asyncio.Event().wait()

    await board.create("block/1", {})
    item = await board.create("item/1", {})
    async with leading(board, blocker, starved, boss, max_running=1) as controller, going_on(controller) as end:
        await eventually(lambda: controller.running_count == 2, "the boss is asked")
        await board.delete(item)
        await eventually(lambda: not controller.pending_count, "it is obviated")
        free.set()
        assert (await end).status == "finished"
    assert await values(board, "control/attention/**") == {}
    assert await states(board, "boss") == ["obviated"]
    assert await states(board, "starved") == []


async def test_a_deadline_and_a_question_pass_to_the_next_controller(board: Board) -> None:
    """An extension goes on from where it was given: its supervisor has answered, and nobody else is asked."""
    slow, asked = Slow(), []

    @supervisor(respond_within="60ms")
    async def boss(overdue: Overdue) -> Any:
        asked.append(overdue.times)
        return Extend("10s", "take your time")

    await board.create("item/1", {})
    async with leading(board, slow.agent, boss) as controller, going_on(controller):
        await eventually(lambda: controller.desk.replica.find(APPLIED), "the extension is applied")
    async with leading(board, slow.agent, boss) as controller, going_on(controller) as end:
        await eventually(lambda: slow.calls == 2, "it runs again")
        due_ms = board.store.server_now_ms() + 100
        await eventually(lambda: board.store.server_now_ms() > due_ms, "the boss's own time is over")
        slow.free.set()
        assert (await end).status == "finished"
    assert asked == [1]
    assert await values(board, "out/*") == {"out/1": {"by": "slow"}}
