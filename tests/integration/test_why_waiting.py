"""``why-not`` of a complete match: what keeps it from firing, and who goes before it by what."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest

from blackboard.control_records import OVERRIDES
from controller import why_not as search
from controller.flow import Person, focus, halt
from controller.grouping import RunningLimits
from controller.strategy import Policy
from controller.waiting import before
from knowledge_sources import knowledge_source
from tests.integration.test_commands_board import Shell
from tests.integration.test_flow import agenda_shows, on
from tests.leading import going_on, leading
from tests.waiting import eventually

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from blackboard.board import Board
    from controller.controller import Controller

    Ask = Callable[..., Awaitable[list[str]]]

ANN = Person("ann", "a look")


@knowledge_source(watches={"job": "job/{customer}/{n}"}, contributes="done/{customer}/{n}")
async def worker(job: Any) -> Any:
    await asyncio.Event().wait()


@knowledge_source(watches={"mail": "mail/{n}"}, contributes="answer/{n}", level="high")
async def answer(mail: Any) -> Any:
    return mail


@pytest.fixture
def ask(board: Board, redis_url: str, capsys: pytest.CaptureFixture[str]) -> Ask:
    shell = Shell(redis_url, board.name, capsys)

    async def asked(*words: str) -> list[str]:
        return (await asyncio.to_thread(lambda: shell("why-not", *words))).splitlines()

    return asked


async def shown(board: Board, controller: Controller, count: int) -> None:
    """Wait until that many are pending and the leader has published the last one."""
    await eventually(lambda: controller.pending_count == count, f"{count} are pending")
    for entry in list(controller._cycle.lineup.entries()):
        await agenda_shows(board, entry.activation)


async def test_one_at_a_limit_names_the_limit_and_one_behind_others_names_them(board: Board, ask: Ask) -> None:
    for customer, count in (("ann", 2), ("bob", 1)):
        for n in range(count):
            await board.create(f"job/{customer}/{n}", n)
    settings: dict[str, Any] = {
        "running": RunningLimits(capture={"customer": 1}),
        "policy": Policy(fair="customer"),
        "max_running": 2,
    }
    async with leading(board, worker, **settings) as controller, going_on(controller):
        await eventually(lambda: controller.running_count == 2, "one of each runs")
        await board.create("job/cy/0", 0)
        await board.create("job/cy/1", 1)
        await shown(board, controller, 3)
        told = await ask("worker", "customer=ann", "n=1")
        assert told[1] == "  customer=ann is at its limit of 1 running"
        (first, why) = await ask("worker", "customer=cy", "n=0")
        assert ": it is eligible, number 1 on the agenda" in first
        assert ", level normal, share 0 of cy, score " in first
        assert why == "  2 run, and no more may"
        told = await ask("worker", "customer=cy", "n=1")
        assert told[1].startswith("  before it: worker for job/cy/0: ")


async def test_one_that_runs_or_has_run_says_so_and_nothing_of_places(board: Board, ask: Ask) -> None:
    await board.create("job/ann/0", 0)
    async with leading(board, worker) as controller, going_on(controller):
        await eventually(lambda: controller.running_count == 1, "it runs")
        await eventually(lambda: next(iter(controller._cycle.crew.firings.values())).dispatched, "it is dispatched")
        (told,) = await ask("worker")
        assert told.startswith("customer=ann, n=0: it is running, activation ")


async def test_a_paused_board_and_a_focus_are_told_with_who_set_them_led_or_not(board: Board, ask: Ask) -> None:
    """The records say it where nobody leads; where somebody does, what he published."""
    await board.create("job/ann/0", 0)
    async with leading(board, worker):
        pass
    await halt(board, "paused", ANN)
    await focus(board, on(agents=["answer"]), None)
    alone = await ask("worker")
    assert alone == [
        "customer=ann, n=0: it is complete, and does not fire yet",
        "  the board is paused (by ann: a look)",
        "  it is out of focus (ann: first things first)",
    ]
    async with leading(board, worker, answer) as controller, going_on(controller):
        await shown(board, controller, 1)
        assert await ask("worker") == [
            "customer=ann, n=0: it is complete, and does not fire yet",
            "  the board is paused (by ann: a look)",
            "  it is out of the focus on agents answer (ann: first things first)",
        ]


async def test_one_that_an_order_holds_names_the_order_led_or_not(board: Board, ask: Ask) -> None:
    await board.create("job/ann/0", 0)
    async with leading(board, worker):
        pass
    await board.put(
        OVERRIDES + "h1",
        {
            "verb": "hold", "activation": "", "author": "human/ann", "reason": "the bank is shut", "status": "open",
            "scope": {"agent": "worker"},
        },
    )  # fmt: skip
    held = "  held by human/ann: the bank is shut (control/overrides/h1)"
    assert (await ask("worker"))[1:] == [held]
    await board.put("elsewhere/1", 1)
    async with leading(board, worker) as controller:
        await controller.run_until_quiescent()
        await shown(board, controller, 1)
        assert (await ask("worker"))[1:] == [held]


async def test_one_that_is_to_be_tried_again_says_when(board: Board, ask: Ask) -> None:
    @knowledge_source(
        watches={"job": "job/{customer}/{n}"}, contributes="done/{customer}/{n}", name="worker",
        retry={"attempts": 3, "backoff": "5m", "cap": "5m"},
    )  # fmt: skip
    async def fails(job: Any) -> Any:
        raise RuntimeError("the gateway is down")

    await board.create("job/ann/0", 0)
    async with leading(board, fails) as controller, going_on(controller):
        await shown(board, controller, 1)
        first, second = await ask("worker")
        assert "it is to be tried again, activation" in first
        assert second.startswith("  delayed: not before ")


async def test_a_search_that_gives_up_says_so(board: Board, ask: Ask, monkeypatch: pytest.MonkeyPatch) -> None:
    @knowledge_source(
        watches={"a": "part/{x}", "b": "piece/{y}", "c": "missing/{x}/{y}"}, contributes="whole/{x}", name="joins"
    )
    async def joins(a: Any) -> Any:
        return a

    for n in range(8):
        await board.create(f"part/{n}", n)
        await board.create(f"piece/{n}", n)
    async with leading(board, joins):
        pass
    complete = await ask("joins")
    assert "there may be more" not in complete[-1]
    monkeypatch.setattr(search, "MOST_STEPS", 5)
    assert (await ask("joins"))[-1] == "there may be more: the search was given up after so many; NAME=TEXT narrows it"


def test_what_puts_one_before_another_is_the_first_thing_in_which_they_differ() -> None:
    base = {"level": "normal", "score": 2.0, "rating": 1, "aged": 1.0, "eligible_ms": 5, "flow": "ann", "share": 3}
    cases: list[tuple[dict[str, Any], str]] = [
        ({"override": "control/overrides/1"}, "moved by control/overrides/1"),
        ({"level": "high"}, "level high"),
        ({"level": "high", "promoted_from": "low"}, "level high, to which waiting has lifted it from low"),
        ({"share": 2, "flow": "bob", "score": 0.5}, "bob has had less: 2 against 3"),
        (
            {"score": 4.5, "rating": 3, "aged": 1.5},
            "score 4.500 (rating 3 + 1.500 by waiting) against 2.000 (rating 1 + 1.000 by waiting)",
        ),
        ({"eligible_ms": 4}, "it was there first"),
    ]
    for difference, told in cases:
        assert before({**base, **difference}, base) == told
    assert before(base, {**base, "override": "control/overrides/2"}) == "the other one is moved by control/overrides/2"
