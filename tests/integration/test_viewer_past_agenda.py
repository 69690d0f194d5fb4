"""What the records tell of an agenda is what the leader has: compared on live boards and at every decision of a run."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from blackboard.control_records import BREAKERS, FOCUS, RUN
from controller.agenda_view import at
from controller.flow import Person, halt
from controller.grouping import RunningLimits
from controller.strategy import Policy
from controller.viewer.past_agenda import agenda_from
from knowledge_sources import Boost, Collect, Force, Hold, knowledge_source
from tests.agreement import compared
from tests.integration.test_controller_orders import give
from tests.leading import going_on, leading
from tests.returns_run import work
from tests.waiting import eventually

if TYPE_CHECKING:
    from blackboard.board import Board
    from controller.controller import Controller

ANN = Person("ann", "to look around")


@knowledge_source(watches={"item": "job/{n}"}, unless="done/{n}", contributes="done/{n}", provides="doing")
def worker(item: Any) -> Any:
    return item


@knowledge_source(watches={"item": "job/{n} where how == 'hasty'"}, contributes="fast/{n}", level="critical")
def hasty(item: Any) -> Any:
    return item


@knowledge_source(
    watches={"item": "job/{n}", "label": "label/{n}", "all": "sign/open"}, contributes="parcel/{n}", level="low",
)  # fmt: skip
def packer(item: Any, label: Any) -> Any:
    return [item, label]


@knowledge_source(
    watches={"item": "job/{n}", "votes": Collect("vote/{n}/*", at_least=2, of=3, within="1h")}, contributes="vote/{n}",
)  # fmt: skip
def judge(item: Any, votes: list[Any]) -> Any:
    return len(votes)


@knowledge_source(watches={"item": "job/{n}"}, contributes="spare/{n}", provides="doing", instead_of="worker")
def spare(item: Any) -> Any:
    return item


def in_order(pending: list[dict[str, Any]]) -> list[Any]:
    """Those that no order or focus keeps off as they are; then the others, which have no order, and why they are off."""
    off = [one for one in pending if one["state"] in ("outside", "held")]
    on: list[Any] = [one for one in pending if one not in off]
    return on + sorted((one["activation"], one["state"], *one["because"]) for one in off)


def same(controller: Controller) -> dict[str, Any]:
    """What the records tell, once it was found to be what the leader would publish."""
    now_ms = controller.desk.now_ms()
    led = at(controller._view._document(now_ms), controller.desk.settings.policy, now_ms)
    told = agenda_from(controller.desk.replica, now_ms)
    for part, seen in led.items():
        if part == "pending":
            assert in_order(told[part]) == in_order(seen)
        else:
            assert told[part] == seen, part
    assert told["member"] == controller.desk.member
    return told


async def fed(board: Board) -> None:
    for n in range(6):
        await board.create(f"job/{n}", {"how": "hasty" if n == 3 else "slow"})
        if n % 2:
            await board.create(f"label/{n}", n)
    await board.create("sign/open", True)
    await board.create("vote/2/a", 1)
    for name in "abc":
        await board.create(f"vote/4/{name}", 1)
    await board.create("done/5", 1)


async def test_of_a_halted_board_the_records_tell_the_agenda_that_its_leader_publishes(board: Board) -> None:
    await halt(board, "paused", ANN)
    await fed(board)
    async with leading(board, worker, hasty, packer, judge, spare) as controller, going_on(controller):
        await eventually(lambda: controller.pending_count > 10, "the matches are there")
        told = same(controller)
        states = {(one["agent"], one["case"]): one["state"] for one in told["pending"]}
        assert (states["judge", "job/4"], states["judge", "job/2"], states["judge", "job/1"]) == (
            "ready", "waiting", "waiting",
        )  # fmt: skip
        assert [case for agent, case in states if agent == "spare"] == ["job/5"], "whom job/5 leaves worker out of"
        assert len(told["apart"]) == 5, "in the other five spare is in reserve"
        assert told["pending"][0]["agent"] == "hasty"
        assert told["flow"]["author"] == "ann"
        await board.delete("job/0")
        await board.create("done/1", 1)
        await eventually(lambda: controller.desk.replica.get("done/1"), "it is seen")
        same(controller)


async def test_orders_and_a_focus_are_heeded_as_the_leader_heeds_them(board: Board) -> None:
    await halt(board, "paused", ANN)
    await fed(board)
    async with leading(board, worker, hasty, packer) as controller, going_on(controller):
        keys = [
            await give(board, "1", Hold(reason="wait", agent="packer", case="job/1")),
            await give(board, "2", Boost(reason="him first", agent="packer", level="critical")),
            await give(board, "3", Boost(reason="a little", case="job/4", points=5)),
            await give(board, "4", Force(reason="now", case="job/2")),
        ]
        replica = controller.desk.replica
        await eventually(
            lambda: all((r := replica.get(key)) and r.value["status"] == "standing" for key in keys), "orders stand"
        )
        told = same(controller)
        assert told["pending"][0]["override"] == keys[3]
        assert [one["case"] for one in told["pending"] if one["state"] == "held"] == ["job/1"]
        await board.put(
            FOCUS,
            {"agents": ["packer"], "regions": [], "cases": [], "patterns": ["job/{n} where how == 'slow'"],
             "author": "ann", "reason": "parcels", "expires_ms": None},
        )  # fmt: skip
        await eventually(lambda: controller._view._document(0).get("focus"), "the focus is heeded")
        told = same(controller)
        assert {one["state"] for one in told["pending"] if one["agent"] != "packer"} == {"outside"}
        assert "parcels" in told["focus"]


async def test_what_is_tried_again_and_what_runs_as_often_as_it_may_is_told_with_why(board: Board) -> None:
    document = {"limits": {"running": {"capability": {"doing": 2}}}, "max_running": 5, "case": "job/{n}"}
    await board.put(RUN, {"scenario": "s", "status": "running", "started_ms": 1, "settings": {"document": document}})
    release = asyncio.Event()

    @knowledge_source(watches={"item": "job/{n}"}, contributes="done/{n}", provides="doing", name="worker")
    async def slow(item: Any) -> Any:
        await release.wait()

    @knowledge_source(
        watches={"item": "job/{n}"}, contributes="odd/{n}", retry={"attempts": 3, "backoff": "1h", "cap": "1h"}
    )
    def failing(item: Any) -> Any:
        raise RuntimeError("not today")

    for n in range(5):
        await board.create(f"job/{n}", n)
    limits = RunningLimits(capability={"doing": 2})
    async with (
        leading(board, slow, failing, running=limits, max_running=5) as controller,
        going_on(controller),
    ):
        document_of = controller._view._document
        await eventually(
            lambda: (
                len(document_of(0)["running"]) == 2
                and [one["attempt"] for one in document_of(0)["pending"]].count(2) == 5
            ),
            "two run, five wait for another try",
        )
        await eventually(
            lambda: len(agenda_from(controller.desk.replica, 0)["running"]) == 2, "their records are there"
        )
        told = same(controller)
        assert {(one["agent"], one["state"]) for one in told["pending"]} == {
            ("worker", "blocked"), ("failing", "delayed"),
        }  # fmt: skip
        because = [one["because"] for one in told["pending"] if one["agent"] == "worker"]
        assert because == [["capability doing is at its limit of 2 running"]] * 3
        release.set()


async def test_shares_levels_and_ageing_are_those_of_the_run(board: Board) -> None:
    policy = {"fair": "who", "ageing": 2, "cap": "off", "promote_after": "1h", "tie": "recency"}
    document = {"policy": policy, "levels": ["normal", "odd"], "agents": {"answer": {"rating": -3}}}
    await board.put(RUN, {"scenario": "s", "status": "running", "started_ms": 1, "settings": {"document": document}})

    @knowledge_source(watches={"mail": "mail/{who}/{n}"}, contributes="answer/{who}/{n}", rating=-3)
    def answer(mail: Any) -> Any:
        return mail

    @knowledge_source(watches={"mail": "mail/{who}/{n}"}, contributes="note/{who}/{n}", level="odd")
    def note(mail: Any) -> Any:
        return mail

    settings: dict[str, Any] = {
        "policy": Policy(2, float("inf"), "recency", 3_600_000, "who"), "levels": ("normal", "odd"),
    }  # fmt: skip
    for n in range(3):
        await board.create(f"mail/ann/{n}", n)
    async with leading(board, answer, note, **settings) as controller, going_on(controller) as end:
        await end
    await halt(board, "paused", ANN)
    for n in range(3, 6):
        await board.create(f"mail/ann/{n}", n)
        await board.create(f"mail/bob/{n}", n)
    async with leading(board, answer, note, **settings) as controller, going_on(controller):
        await eventually(lambda: controller.pending_count == 12, "the mail is seen")
        told = same(controller)
        assert [(one["level"], one["flow"]) for one in told["pending"][:3]] == [("normal", "bob")] * 3
        assert told["pending"][0]["rating"] == -3


async def test_without_a_leader_who_is_next_is_told_from_the_records(board: Board) -> None:
    async with leading(board, worker, hasty):
        pass
    await fed(board)
    await board.put(
        BREAKERS + "worker",
        {"agent": "worker", "state": "open", "reason": "down", "opened_ms": 1, "until_ms": 2, "times": 1, "at_ms": 1},
    )
    now_ms = board.store.server_now_ms()
    told = agenda_from(await board.replica(), now_ms)
    assert (told["member"], told["told_from"], told["gave_up"], told["eligible"]) == ("", "records", False, 1)
    assert [(one["agent"], one["case"], one["because"]) for one in told["pending"][:2]] == [
        ("hasty", "job/3", []), ("worker", "job/0", ["its breaker is open"]),
    ]  # fmt: skip
    assert told == agenda_from(await board.at("now"), now_ms)


async def test_at_each_decision_of_a_run_the_chosen_one_is_told_as_eligible_and_as_many_with_it(board: Board) -> None:
    await work(board)
    found = await compared(board)
    assert len(found) > 12
    for one in found:
        assert one.entry is not None, one
        assert one.entry["state"] == "ready", one
        assert one.entry["level"] == one.dispatch.decision["level"]
        assert one.more == 0, one
