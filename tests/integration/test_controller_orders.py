"""Claims about the orders of people and supervisors: what they do, for how long, and who may give them."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest

from blackboard.commit import At, Put
from blackboard.control_records import ACTIVATIONS, OVERRIDES
from controller.ordering import override_of
from knowledge_sources import (
    Boost,
    Cancel,
    Decide,
    Extend,
    Force,
    Hold,
    Overdue,
    Reassign,
    Veto,
    knowledge_source,
    supervisor,
)
from tests.leading import activations, going_on, leading, only, quiescent, run, states, values
from tests.waiting import eventually

if TYPE_CHECKING:
    from blackboard.board import Board
    from controller.controller import Controller
    from knowledge_sources.orders import Order

ANA = "human/ana"


async def give(board: Board, name: str, order: Order, author: str = ANA, **fields: Any) -> str:
    """Write ``order`` as its author does; returns its key."""
    override = {**override_of(order, author=author, about="", now_ms=board.store.server_now_ms()), **fields}
    await board.commit([], [Put(OVERRIDES + name, override)])
    return OVERRIDES + name


async def revoke(board: Board, key: str) -> None:
    record = await board.get(key)
    assert record is not None
    await board.commit([At(key, record.commit)], [Put(key, {**record.fresh().value, "status": "revoked"})])


def order_at(controller: Controller, key: str) -> dict[str, Any]:
    record = controller.desk.replica.get(key)
    return record.value if record is not None else {}


async def settled(controller: Controller, key: str, *statuses: str) -> dict[str, Any]:
    """The order at ``key`` once its status is one of these, of late not ``open``."""
    wanted = statuses or ("applied", "standing", "refused", "expired", "revoked")
    await eventually(lambda: order_at(controller, key).get("status") in wanted, f"{key} is {wanted}")
    return order_at(controller, key)


class Gate:
    """One agent that fires on ``gate/*`` and blocks the only place until ``open``; another that notes who fires."""

    def __init__(self) -> None:
        self.open = asyncio.Event()
        self.fired: list[str] = []

        @knowledge_source(watches="gate/{g}", level="critical")
        async def gate() -> None:
            await self.open.wait()

        @knowledge_source(watches="item/{i}", contributes="out/{i}", provides="make")
        async def maker(i: str) -> Any:
            self.fired.append(i)
            return {"by": "maker"}

        self.gate, self.maker = gate, maker

    async def shut(self, board: Board, controller: Controller, *items: str) -> None:
        """Block the place, with ``items`` pending behind."""
        await board.create("gate/1", {})
        await eventually(lambda: controller.running_count == 1, "the gate runs")
        for item in items:
            await board.create(f"item/{item}", {"kind": item[0]})
        await eventually(lambda: controller.pending_count == len(items), "they are pending")


def id_of(controller: Controller, case: str) -> str:
    return next(entry.activation for entry in controller.agenda(100) if entry.case == case)


@pytest.mark.parametrize(
    ("order", "first"),
    [
        (Force("now", case="item/c"), "c"),
        (Boost("dear", points=1_000_000, case="item/c"), "c"),
        (Boost("dear", level="critical", case="item/c"), "c"),
        (Boost("cheap", points=-1_000_000, case="item/a"), "b"),
        (Boost("cheap", level="low", pattern='item/* where kind == "a"'), "b"),
    ],
)
async def test_an_order_moves_what_it_covers_and_the_decision_names_it(board: Board, order: Order, first: str) -> None:
    """First come first served without it."""
    gate = Gate()
    async with leading(board, gate.gate, gate.maker, max_running=1) as controller, going_on(controller) as end:
        await gate.shut(board, controller, "a", "b", "c")
        key = await give(board, "o", order)
        await settled(controller, key, "standing")
        gate.open.set()
        assert (await end).status == "finished"
    assert gate.fired[0] == first
    moved = {one["case"]: one["decision"] for one in await activations(board, "maker")}
    named = {case for case, decision in moved.items() if decision["override"] == key}
    assert named == {"item/c" if first == "c" else "item/a"}
    if isinstance(order, Force):
        assert moved["item/c"]["rank"] == 3


async def test_what_is_forced_goes_past_its_backoff_and_a_lower_level(board: Board) -> None:
    """It would wait an hour for its next try."""
    gate, tries = Gate(), []

    @knowledge_source(watches="slow/{i}", level="low", retry={"attempts": 2, "backoff": "1h", "cap": "1h"})
    async def flaky(i: str) -> None:
        tries.append(i)
        if len(tries) == 1:
            raise RuntimeError("not yet")

    await board.create("slow/1", {})
    async with leading(board, gate.gate, gate.maker, flaky) as controller, going_on(controller) as end:
        await eventually(lambda: len(tries) == 1 and controller.pending_count == 1, "it waits for its next try")
        activation = id_of(controller, "slow/1")
        key = await give(board, "o", Force("the gateway is back", activation=activation))
        assert (await end).status == "finished"
    assert len(tries) == 2
    done = await only(board, "flaky")
    assert (done["state"], done["decision"]["override"]) == ("executed", key)
    order = (await values(board, OVERRIDES + "*"))[key]
    assert (order["status"], order["outcome"]) == (
        "applied",
        "human/ana ordered force for flaky on slow/1: the gateway is back; it is executed",
    )


async def test_a_force_that_is_revoked_while_its_activation_runs_moves_its_next_try_no_more(board: Board) -> None:
    """Nothing of it stays on the agenda."""
    tries, revoked = [], asyncio.Event()

    @knowledge_source(watches="item/{i}", retry={"attempts": 2, "backoff": "1ms"})
    async def flaky() -> None:
        tries.append(1)
        await revoked.wait()
        if len(tries) == 1:
            raise ValueError("not yet")

    await board.create("item/a", {})
    key = await give(board, "o", Force("now", agent="flaky"))
    async with leading(board, flaky) as controller, going_on(controller) as end:
        await eventually(lambda: tries, "it runs")
        assert (await only(board, "flaky"))["decision"]["override"] == key
        await revoke(board, key)
        await eventually(lambda: order_at(controller, key)["status"] == "revoked", "the controller knows")
        revoked.set()
        assert (await end).status == "finished"
    assert len(tries) == 2
    assert (await only(board, "flaky"))["decision"]["override"] is None


async def test_an_order_that_is_revoked_while_it_is_judged_does_nothing(board: Board) -> None:
    """What it does is guarded by its record as it was given."""
    free, given = asyncio.Event(), []

    @knowledge_source(watches="item/{i}", contributes="out/{i}")
    async def slow() -> Any:
        await free.wait()
        return 1

    await board.create("item/a", {})
    orders: list[Order] = [Cancel("no", agent="slow"), Hold("no", agent="slow")]
    for order in orders:
        key = await give(board, order.verb, order)
        given.append(await board.get(key))
        await revoke(board, key)
    async with leading(board, slow) as controller, going_on(controller) as end:
        await eventually(lambda: controller.running_count == 1, "it runs")
        for as_given in given:
            assert as_given is not None
            await controller._cycle.overseer._orders._apply(as_given)
        free.set()
        assert (await end).status == "finished"
    assert (await only(board, "slow"))["state"] == "executed"
    assert {one["status"] for one in (await values(board, OVERRIDES + "*")).values()} == {"revoked"}


async def test_what_has_failed_is_tried_again_at_once_where_it_is_forced(board: Board) -> None:
    """Whatever its tries and budgets say; the question that a person was asked is closed."""
    tries: list[int] = []

    @knowledge_source(watches="item/{i}", contributes="out/{i}", retry={"attempts": 1})
    async def flaky() -> Any:
        tries.append(1)
        if len(tries) == 1:
            raise ValueError("the gateway is down")
        return {"by": "flaky"}

    await board.create("item/a", {})
    async with leading(board, flaky) as controller:
        assert (await quiescent(controller)).status == "awaiting"
        (asked,) = await board.find("control/escalations/*")
        await give(board, "o", Force("the bank rang", activation=asked.value["activation"]))
        assert (await quiescent(controller)).status == "finished"
    done = await only(board, "flaky")
    assert (done["state"], "decided_by" in done, "override" in done) == ("executed", False, False)
    assert done["decision"]["override"] == OVERRIDES + "o"
    assert [one["status"] for one in (await values(board, "control/escalations/*")).values()] == ["stale"]
    (order,) = (await values(board, OVERRIDES + "*")).values()
    assert (order["status"], order["outcome"].endswith("it is executed")) == ("applied", True)


async def test_an_order_that_ends_what_waits_for_a_person_closes_the_question(board: Board) -> None:
    @knowledge_source(watches="item/{i}", contributes="out/{i}", retry={"attempts": 1})
    async def failing() -> Any:
        raise ValueError("no")

    await board.create("item/a", {})
    async with leading(board, failing) as controller:
        assert (await quiescent(controller)).status == "awaiting"
        await give(board, "o", Decide({"by": "ana"}, "by hand", agent="failing"))
        assert (await quiescent(controller)).status == "finished"
    (asked,) = (await values(board, "control/escalations/*")).values()
    assert (asked["status"], "by hand" in asked["reason"]) == ("stale", True)
    assert await values(board, "out/*") == {"out/a": {"by": "ana"}}


async def test_what_is_held_stays_off_the_agenda_until_it_is_revoked(board: Board) -> None:
    """Also what comes while the order stands; others go on, and the run does not end as finished."""
    gate = Gate()
    gate.open.set()
    key = await give(board, "o", Hold("let me look", case="item/b"))
    await board.create("item/a", {})
    await board.create("item/b", {})
    async with leading(board, gate.maker) as controller:
        end = await quiescent(controller)
        assert (end.status, end.reason) == ("awaiting", "1 held by an order of human/ana")
        assert gate.fired == ["a"]
        (held,) = controller._cycle.lineup.held.values()
        assert (held.entry.case, held.key) == ("item/b", key)
    async with leading(board, gate.maker) as controller:
        assert (await quiescent(controller)).status == "awaiting"
        await revoke(board, key)
        assert (await quiescent(controller)).status == "finished"
    assert gate.fired == ["a", "b"]
    assert await states(board) == ["executed", "executed"]
    assert (await activations(board))[-1]["decision"]["override"] is None


async def test_a_hold_with_an_expiry_is_waited_for(board: Board) -> None:
    """The run goes on by itself when its time is over."""
    gate = Gate()
    await board.create("item/a", {})
    key = await give(board, "o", Hold("cool down", lasts="60ms", agent="maker"))
    async with leading(board, gate.maker) as controller:
        assert (await quiescent(controller)).status == "finished"
    assert gate.fired == ["a"]
    assert (await values(board, OVERRIDES + "*"))[key]["status"] == "expired"


async def test_a_hold_given_and_over_while_nobody_led_holds_nothing(board: Board) -> None:
    gate = Gate()
    await board.create("item/a", {})
    key = await give(board, "o", Hold("cool down", agent="maker"), expires_ms=1)
    assert (await run(board, gate.maker)).status == "finished"
    assert (await values(board, OVERRIDES + "*"))[key]["status"] == "expired"


async def test_a_held_one_whose_record_goes_is_held_no_more(board: Board) -> None:
    """A hold keeps nothing from being obviated."""
    gate = Gate()
    item = await board.create("item/a", {})
    await give(board, "o", Hold("let me look", agent="maker"))
    async with leading(board, gate.maker) as controller:
        assert (await quiescent(controller)).status == "awaiting"
        await board.delete(item)
        assert (await quiescent(controller)).status == "finished"
    assert await activations(board) == []


async def test_what_is_held_is_not_late(board: Board) -> None:
    """Its time begins anew when it is let go."""
    free = asyncio.Event()

    @knowledge_source(watches="item/{i}", contributes="out/{i}", respond_within="50ms")
    async def slow() -> Any:
        await free.wait()

    await board.create("item/a", {})
    key = await give(board, "o", Hold("let me look", agent="slow"))
    async with leading(board, slow) as controller:
        with controller.expecting():
            async with going_on(controller) as end:
                await eventually(lambda: controller._cycle.lineup.held, "it is held")
                due_ms = board.store.server_now_ms() + 100
                await eventually(lambda: board.store.server_now_ms() > due_ms, "it would be late")
                assert await values(board, "control/escalations/*") == {}
                await revoke(board, key)
                await eventually(lambda: controller.desk.replica.find(_pattern("control/escalations/*")), "late now")
                end.cancel()
    assert "slow has taken" in (await only(board, "slow"))["reason"]


def _pattern(text: str) -> Any:
    from blackboard.pattern import Pattern

    return Pattern.parse(text)


async def test_a_standing_veto_forbids_what_is_there_and_what_comes(board: Board) -> None:
    """Each ends as vetoed with author, reason and order; when it is revoked, new records fire again."""
    gate = Gate()
    await board.create("item/a", {})
    key = await give(board, "o", Veto("stop refunds", capability="make"))
    async with leading(board, gate.maker) as controller:
        assert (await quiescent(controller)).status == "finished"
        await board.create("item/b", {})
        assert (await quiescent(controller)).status == "finished"
        await revoke(board, key)
        await board.create("item/c", {})
        assert (await quiescent(controller)).status == "finished"
    assert gate.fired == ["c"]
    a, b, _ = sorted(await activations(board), key=lambda one: one["case"])
    for one in (a, b):
        assert (one["state"], one["decided_by"], one["override"]) == ("vetoed", ANA, key)
        assert "stop refunds" in one["reason"]


async def test_cancel_ends_everything_of_a_case_that_is_there_and_nothing_that_comes(board: Board) -> None:
    """What runs is stopped, what is pending never runs, what waits for a person is given up."""
    gate, stopped, free = Gate(), [], asyncio.Event()

    @knowledge_source(watches="item/{i}")
    async def running(i: str) -> None:
        try:
            await free.wait()
        except asyncio.CancelledError:
            stopped.append(i)
            raise

    @knowledge_source(watches="item/{i}", level="high", retry={"attempts": 1})
    async def failing() -> None:
        raise RuntimeError("no")

    @knowledge_source(watches="item/{i}", level="low")
    async def never() -> None:
        raise AssertionError("it was cancelled before it ran")

    await board.create("item/a", {})
    async with leading(board, running, failing, never, max_running=1) as controller, going_on(controller) as end:
        await eventually(lambda: controller.running_count == 1 and controller.pending_count == 1, "it runs")
        key = await give(board, "o", Cancel("withdrawn", case="item/a"))
        assert (await settled(controller, key))["status"] == "applied"
        assert (await end).status == "finished"
        assert "3 activations" in order_at(controller, key)["outcome"]
    assert stopped == ["a"]
    assert {one["agent"]: one["state"] for one in await activations(board)} == {
        "running": "cancelled",
        "failing": "abandoned",
        "never": "vetoed",
    }
    assert gate.fired == []


async def test_decide_and_extend_reach_everything_within_their_scope(board: Board) -> None:
    """The extension counts for what comes while it stands, too."""
    free = asyncio.Event()

    @knowledge_source(watches="item/{i}", contributes="out/{i}", respond_within="60ms", provides="make")
    async def slow() -> Any:
        await free.wait()

    await give(board, "e", Extend("1h", "the gateway is slow today", capability="make"))
    await board.create("item/a", {})
    async with leading(board, slow) as controller, going_on(controller) as end:
        await board.create("item/b", {})
        await eventually(lambda: controller.running_count == 2, "they run")
        due_ms = board.store.server_now_ms() + 150
        await eventually(lambda: board.store.server_now_ms() > due_ms, "both would be late")
        assert await values(board, "control/escalations/*") == {}
        decide = await give(board, "d", Decide({"by": "ana"}, "by hand", agent="slow"))
        assert (await settled(controller, decide))["status"] == "applied"
        assert (await end).status == "finished"
    assert await values(board, "out/*") == {"out/a": {"by": "ana"}, "out/b": {"by": "ana"}}


async def test_reassign_ends_one_and_lets_another_of_the_capability_go_next(board: Board) -> None:
    """The heir goes before all others, and its decision names the order; the loser's activation says who has it."""
    gate, ran = Gate(), []

    def refunder(name: str) -> Any:
        @knowledge_source(
            watches="item/{i}", contributes="out/{i}", unless="out/{i}", provides="refund", name=name, level="low"
        )
        async def refunder(i: str) -> Any:
            ran.append((name, i))
            return {"by": name}

        return refunder

    agents = (gate.gate, refunder("refund_a"), refunder("refund_b"))
    async with leading(board, *agents, max_running=1) as controller, going_on(controller) as end:
        await board.create("gate/1", {})
        await eventually(lambda: controller.running_count == 1, "the gate runs")
        await board.create("item/x", {})
        await board.create("item/y", {})
        await eventually(lambda: controller.pending_count == 4, "they are pending")
        first = next(e for e in controller.agenda(9) if (e.agent, e.case) == ("refund_a", "item/y"))
        key = await give(board, "r", Reassign("refund_b", "a is on holiday", activation=first.activation))
        await settled(controller, key, "standing")
        gate.open.set()
        assert (await end).status == "finished"
    assert ran[0] == ("refund_b", "y")
    moved = {(one["agent"], one["case"]): one for one in await activations(board)}
    assert moved["refund_a", "item/y"]["state"] == "vetoed"
    assert moved["refund_b", "item/y"]["decision"]["override"] == key
    order = (await values(board, OVERRIDES + "*"))[key]
    assert (order["status"], order["moved_to"]) == ("applied", moved["refund_b", "item/y"]["id"])


async def test_reassign_lets_one_go_that_stands_in_reserve_also_in_the_next_controller(board: Board) -> None:
    """It would have its turn only if the first had failed; a third one stays in reserve."""
    ran: list[str] = []

    def refunder(name: str, instead_of: tuple[str, ...] = ()) -> Any:
        @knowledge_source(
            watches="item/{i}", contributes="out/{i}", provides="refund", name=name, instead_of=instead_of
        )
        async def refunder() -> Any:
            ran.append(name)
            if name == "refund_a" or ran.count(name) == 1:
                await asyncio.Event().wait()
            return {"by": name}

        return refunder

    agents = (
        refunder("refund_a"), refunder("refund_b", ("refund_a",)), refunder("refund_c", ("refund_a", "refund_b"))
    )  # fmt: skip
    await board.create("item/x", {})
    async with leading(board, *agents) as controller, going_on(controller):
        await eventually(lambda: ran == ["refund_a"], "the first is at it")
        key = await give(board, "r", Reassign("refund_c", "a hangs", agent="refund_a", case="item/x"))
        assert (await settled(controller, key))["status"] == "applied"
        await eventually(lambda: ran == ["refund_a", "refund_c"], "the third has it")
    async with leading(board, *agents) as controller:
        assert (await quiescent(controller)).status == "finished"
    assert ran == ["refund_a", "refund_c", "refund_c"]
    assert await values(board, "out/*") == {"out/x": {"by": "refund_c"}}


@pytest.mark.parametrize(
    ("to", "wanted"),
    [
        ("maker", "maker has it already"),
        ("makr", "no agent 'makr' is here; did you mean 'maker'?"),
        ("gate", "gate provides gate, not make"),
        ("other", "other does not match what set maker off"),
    ],
)
async def test_work_is_not_reassigned_to_who_cannot_do_it(board: Board, to: str, wanted: str) -> None:
    """The order is refused with the reason, and the activation goes on."""
    gate = Gate()

    @knowledge_source(watches="other/{i}", provides="make")
    async def other() -> None: ...

    async with leading(board, gate.gate, gate.maker, other, max_running=1) as controller, going_on(controller) as end:
        await gate.shut(board, controller, "a")
        key = await give(board, "r", Reassign(to, "so be it", activation=id_of(controller, "item/a")))
        refused = await settled(controller, key)
        gate.open.set()
        await end
    assert (refused["status"], wanted in refused["outcome"]) == ("refused", True), refused["outcome"]
    assert gate.fired == ["a"]


async def test_orders_given_while_nobody_leads_are_heeded_before_anybody_fires(board: Board) -> None:
    gate = Gate()
    for item in "ab":
        await board.create(f"item/{item}", {})
    await give(board, "force", Force("first", case="item/b"))
    await give(board, "veto", Veto("not this", case="item/a"))
    assert (await run(board, gate.maker)).status == "finished"
    assert gate.fired == ["b"]


async def test_standing_orders_pass_to_the_next_controller(board: Board) -> None:
    """Force, hold and boost are derived from their records: the next one picks as this one would have."""
    gate = Gate()
    async with leading(board, gate.gate, gate.maker, max_running=1) as controller, going_on(controller):
        await gate.shut(board, controller, "a", "b", "c", "d")
        hold = await give(board, "hold", Hold("let me look", case="item/a"))
        await give(board, "boost", Boost("dear", points=50_000, case="item/d"))
        force = await give(board, "force", Force("now", activation=id_of(controller, "item/c")))
        for key in (hold, force, OVERRIDES + "boost"):
            await settled(controller, key, "standing")
    gate.open.set()
    async with leading(board, gate.gate, gate.maker, max_running=1) as controller:
        assert (await quiescent(controller)).status == "awaiting"
    assert gate.fired == ["c", "d", "b"]
    orders = await values(board, OVERRIDES + "*")
    assert {key.rpartition("/")[2]: one["status"] for key, one in orders.items()} == {
        "hold": "standing", "boost": "standing", "force": "applied",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("first", "then", "fires"),
    [
        (("human/ana", Hold("look", case="item/a")), ("boss", Force("now", case="item/a")), False),
        (("boss", Force("now", case="item/a")), ("human/ana", Hold("look", case="item/a")), False),
        (("clerk", Hold("look", case="item/a")), ("boss", Force("now", case="item/a")), True),
        (("boss", Force("now", case="item/a")), ("clerk", Veto("no", case="item/a")), True),
        (("boss", Force("now", case="item/a")), ("boss", Veto("no", case="item/a")), False),
        (("human/ana", Veto("no", case="item/a")), ("human/bob", Force("yes", case="item/a")), True),
    ],
)
async def test_a_person_goes_before_a_supervisor_a_higher_one_before_a_lower_a_later_order_before_an_earlier(
    board: Board, first: tuple[str, Order], then: tuple[str, Order], fires: bool
) -> None:
    gate = Gate()
    everything = ["force", "hold", "veto"]

    @supervisor(authority=everything, level="high")
    async def boss(overdue: Overdue) -> None: ...

    @supervisor(authority=everything, level="normal")
    async def clerk(overdue: Overdue) -> None: ...

    async with leading(board, gate.maker, boss, clerk) as controller:
        await quiescent(controller)
        for name, (author, order) in (("1", first), ("2", then)):
            await settled(controller, await give(board, name, order, author), "standing")
        await board.create("item/a", {})
        await quiescent(controller)
    assert bool(gate.fired) is fires


async def test_an_order_covers_only_what_its_author_is_over(board: Board) -> None:
    """A scope that is wider than the authority is passed over where it goes beyond; and nobody rules on itself."""
    gate = Gate()

    @knowledge_source(watches="item/{i}", contributes="seen/{i}")
    async def seer() -> Any:
        return 1

    @supervisor(over="maker", authority=["veto", "decide"])
    async def boss(overdue: Overdue) -> None: ...

    await board.create("item/a", {})
    await give(board, "all", Veto("stop", case="item/a"), "boss")
    verbs = await give(board, "verb", Hold("stop", case="item/a"), "boss")
    agent = await give(board, "agent", Hold("stop", case="item/a"), "seer")
    nobody = await give(board, "nobody", Hold("stop", case="item/a"), "mallory")
    assert (await run(board, gate.maker, seer, boss)).status == "finished"
    assert {one["agent"]: one["state"] for one in await activations(board)} == {"maker": "vetoed", "seer": "executed"}
    orders = await values(board, OVERRIDES + "*")
    assert "boss has no authority for it (it may order: decide, veto)" in orders[verbs]["outcome"]
    assert "seer has no authority for it" in orders[agent]["outcome"]
    assert "mallory is not a registered agent" in orders[nobody]["outcome"]


@pytest.mark.parametrize(
    ("fields", "wanted"),
    [
        ({"scope": {"pattern": "item/{"}}, "item/{"),
        ({"scope": {"case": "x"}, "verb": "boost", "level": "utmost"}, "'utmost' is not one of the levels"),
        ({"scope": {"case": "x"}, "verb": "boost"}, "by how many points"),
        ({"scope": {"case": "x"}, "verb": "reassign"}, "to whom is missing"),
        ({"scope": {"case": "x"}, "verb": "cancel"}, "nothing that it covers is there"),
        ({"scope": {}}, "there is no activation "),
        ({"scope": {"case": "x"}, "reason": "\t"}, "needs a reason"),
        ({"scope": {"case": "x"}, "reason": "é" * 300_000}, "a reason has at most 10,000 characters"),
        ({"scope": {"case": "x"}, "verb": "extend", "by_ms": 0}, "by how long is missing"),
    ],
)
async def test_an_order_that_says_too_little_is_refused_in_its_record(
    board: Board, fields: dict[str, Any], wanted: str
) -> None:
    key = await give(board, "o", Hold("look", case="x"), **fields)
    assert (await run(board, Gate().maker)).status == "finished"
    order = (await values(board, OVERRIDES + "*"))[key]
    assert (order["status"], wanted in order["outcome"]) == ("refused", True), order["outcome"]


async def test_a_supervisor_that_is_asked_gives_several_orders_at_once(board: Board) -> None:
    """It decides what it was asked about, and holds the agent's other work for a while."""
    free, ran = asyncio.Event(), []

    @knowledge_source(
        watches="item/{i}", contributes="out/{i}", respond_within="40ms", escalate=["boss"], max_running=1
    )
    async def slow(i: str) -> Any:
        ran.append(i)
        if i == "a":
            await free.wait()
        return {"by": "slow"}

    @supervisor(authority=["decide", "extend", "hold"])
    async def boss(overdue: Overdue) -> Any:
        if overdue.case != "item/a":
            return Extend("30s", "it was held")
        return [Hold("the gateway is down", agent="slow", lasts="80ms"), Decide({"by": "boss"}, "credit")]

    await board.create("item/a", {})
    async with leading(board, slow, boss) as controller, going_on(controller) as end:
        with controller.expecting():
            ordered = _pattern("control/overrides/*")
            await eventually(lambda: controller.desk.replica.find(ordered), "the boss has ordered")
            await board.create("item/b", {})
        assert (await end).status == "finished"
    assert ran == ["a", "b"]
    assert (await values(board, "out/*"))["out/a"] == {"by": "boss"}
    orders = await values(board, OVERRIDES + "*")
    assert {one["verb"]: one["status"] for one in orders.values()} | {"extend": ""} == {
        "hold": "expired", "decide": "applied", "extend": "",
    }  # fmt: skip
    boss_done = next(one for one in await activations(board, "boss") if one["case"] == "item/a")
    assert boss_done["wrote"] == [OVERRIDES + boss_done["id"], OVERRIDES + boss_done["id"] + "-2"]


async def test_a_supervisor_that_holds_what_it_was_asked_about_has_answered(board: Board) -> None:
    """The question is withdrawn: nobody else is asked while it is held."""
    gate = Gate()

    @knowledge_source(watches="item/{i}", level="low", respond_within="40ms", escalate=["boss", "human"])
    async def starved() -> None: ...

    @supervisor(authority=["hold"])
    async def boss(overdue: Overdue) -> Any:
        return Hold("wait for the auditor")

    async with leading(board, gate.gate, starved, boss, max_running=1) as controller, going_on(controller) as end:
        await board.create("gate/1", {})
        await eventually(lambda: controller.running_count == 1, "the gate runs")
        await board.create("item/a", {})
        await eventually(lambda: controller._cycle.lineup.held, "it is held")
        gate.open.set()
        assert (await end).reason == "1 held by an order of boss"
    assert await values(board, "control/attention/**") == {}
    assert await values(board, "control/escalations/*") == {}


async def test_an_order_for_what_has_ended_is_refused(board: Board) -> None:
    gate = Gate()
    await board.create("item/a", {})
    await run(board, gate.maker)
    done = await only(board, "maker")
    orders: list[Order] = [
        Force("again", activation=done["id"]),
        Hold("wait", activation=done["id"]),
        Cancel("no", activation=done["id"]),
        Reassign("maker", "no", activation=done["id"]),
    ]
    for order in orders:
        key = await give(board, order.verb, order)
        await run(board, gate.maker)
        assert "is executed" in (await values(board, OVERRIDES + "*"))[key]["outcome"]
    (record,) = await board.find(ACTIVATIONS + "*")
    assert record.version == 2
