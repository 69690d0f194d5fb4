"""What people order of the flow of a board: pause, resume, step, a recommendation accepted or not, a focus."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from blackboard.control_records import ACTIVATIONS, FLOW, FOCUS, RECOMMENDATION
from blackboard.errors import Corrupt
from controller.commands.agenda import read_agenda
from controller.controller import Controller
from controller.flow import FlowRefusal, Person, accept, choose, flow_of, focus, halt, resume, step, unfocus
from controller.flow import focus_of as present_focus
from knowledge_sources import knowledge_source
from tests.integration.test_commands_board import Shell
from tests.leading import activations, declared, going_on, leading, quiescent, run, states
from tests.waiting import eventually

if TYPE_CHECKING:
    from blackboard.board import Board
    from blackboard.control_records import Focus

ROOT = Path(__file__).parents[2]
ANN = Person("ann", "looking into it")


@knowledge_source(watches={"job": "job/{n}"}, contributes="done/{n}")
async def worker(job: Any) -> Any:
    return job


@knowledge_source(watches={"mail": "mail/{n}"}, contributes="answer/{n}", rating=5)
async def answer(mail: Any) -> Any:
    return mail


async def jobs(board: Board, count: int, region: str = "job") -> None:
    for n in range(count):
        await board.create(f"{region}/{n}", n)


def on(**conditions: Any) -> Focus:
    none: Focus = {
        "agents": [], "regions": [], "cases": [], "patterns": [], "author": "ann", "reason": "first things first",
        "expires_ms": None,
    }  # fmt: skip
    return {**none, **conditions}  # type: ignore[typeddict-item]


async def seen(board: Board) -> Any:
    """The replica, once it shows all that is on the board."""
    replica = await board.replica()
    await replica.caught_up(await board.revision())
    return replica


async def reached(board: Board, controller: Controller, left: int) -> None:
    """Wait until the steps are down to ``left`` and nothing runs."""
    replica = await board.replica()

    def there() -> bool:
        flow = replica.get(FLOW)
        return flow is not None and flow.value["steps"] == left and not controller.running_count

    await eventually(there, f"{left} steps are left")


async def test_a_paused_board_dispatches_nothing_and_its_run_goes_on_when_it_is_resumed(board: Board) -> None:
    await halt(board, "paused", ANN)
    await jobs(board, 3)
    async with leading(board, worker) as controller, going_on(controller) as end:
        await eventually(lambda: controller.pending_count == 3, "all are pending")
        await eventually(lambda: controller._cycle.turns > 0, "it has looked")
        assert await activations(board) == []
        assert not controller._cycle.idle
        await resume(board, ANN)
        assert (await end).status == "finished"
    assert await states(board) == ["executed"] * 3


async def test_what_runs_when_a_board_is_paused_goes_on_to_its_end(board: Board) -> None:
    release = asyncio.Event()

    @knowledge_source(watches={"job": "job/{n}"}, contributes="done/{n}", max_running=1)
    async def slow(job: Any) -> Any:
        await release.wait()
        return job

    await jobs(board, 2)
    async with leading(board, slow) as controller, going_on(controller) as end:
        await eventually(lambda: controller.running_count == 1, "one runs")
        await halt(board, "paused", ANN)
        await eventually(lambda: controller._cycle.gate.closed, "the controller knows")
        release.set()
        await eventually(lambda: controller.running_count == 0, "it has ended")
        assert await states(board) == ["executed"]
        await resume(board, ANN)
        assert (await end).status == "finished"
    assert await states(board) == ["executed"] * 2


async def test_each_step_is_one_dispatch_and_a_new_controller_takes_those_that_are_left(board: Board) -> None:
    await halt(board, "paused", ANN)
    await jobs(board, 8)
    async with leading(board, worker) as controller, going_on(controller):
        await step(board, 2, ANN)
        await reached(board, controller, 0)
        assert await states(board) == ["executed"] * 2
    await step(board, 3, ANN)
    await step(board, 1, ANN)
    flow = await flow_of(board)
    assert flow is not None
    assert flow["steps"] == 4
    async with leading(board, worker) as controller, going_on(controller):
        await reached(board, controller, 0)
        assert await states(board) == ["executed"] * 6
        assert controller.pending_count == 2


@pytest.mark.parametrize("place", ["store.before_send:4", "store.after_send:4", "store.after_send:5", "controller.after_dispatch:2"])  # fmt: skip
async def test_a_controller_that_dies_in_a_step_neither_loses_nor_repeats_it(
    place: str, board: Board, redis_url: str
) -> None:
    """What was dispatched and what is still granted are three together, wherever it was killed."""
    await halt(board, "paused", ANN)
    await jobs(board, 5, "item")
    await step(board, 3, ANN)
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "BLACKBOARD_FAILPOINTS": place}
    process = await asyncio.create_subprocess_exec(
        sys.executable, str(ROOT / "tests/led_process.py"), redis_url, board.name,
        stdout=asyncio.subprocess.PIPE, env=environment,
    )  # fmt: skip
    async with asyncio.timeout(20):
        assert await process.wait() == -signal.SIGKILL
    flow = await flow_of(board)
    assert flow is not None
    assert len(await board.find(ACTIVATIONS + "*")) + flow["steps"] == 3


async def test_a_recommendation_is_published_and_accepted_without_an_override(board: Board) -> None:
    await halt(board, "recommend", ANN)
    await jobs(board, 2)
    await jobs(board, 1, "mail")
    async with leading(board, worker, answer) as controller, going_on(controller) as end:
        replica = await board.replica()
        await eventually(lambda: replica.get(RECOMMENDATION) is not None, "one is recommended")
        told = replica.get(RECOMMENDATION).value  # type: ignore[union-attr]
        assert (told["agent"], told["case"], told["decision"]["rating"]) == ("answer", "mail/0", 5)
        assert [one["agent"] for one in told["decision"]["runners_up"]] == ["worker", "worker"]
        assert await activations(board) == []
        _, accepted = await accept(board, ANN)
        assert accepted["agent"] == "answer"
        await eventually(lambda: replica.get("answer/0") is not None, "it has fired")
        await eventually(lambda: replica.get(RECOMMENDATION) is not None, "the next one is recommended")
        (fired,) = await activations(board)
        assert (fired["agent"], fired["decision"]["override"], fired["decision"]["rank"]) == ("answer", None, 1)
        await resume(board, ANN)
        assert (await end).status == "finished"
        assert (await seen(board)).get(RECOMMENDATION) is None


async def test_another_choice_than_the_recommended_one_is_an_override_in_the_decision(
    board: Board, redis_url: str, capsys: pytest.CaptureFixture[str]
) -> None:
    await halt(board, "recommend", ANN)
    await jobs(board, 2)
    await jobs(board, 1, "mail")
    async with leading(board, worker, answer) as controller, going_on(controller):
        replica = await board.replica()
        await eventually(lambda: replica.get(RECOMMENDATION) is not None, "one is recommended")
        last = controller.agenda(10)[-1]
        assert last.agent == "worker"
        await choose(board, last.activation, Person("bob", "this one is on the telephone"))
        await eventually(lambda: replica.get(f"done/{last.captures['n']}") is not None, "it has fired")
        (fired,) = await activations(board)
        assert (fired["id"], fired["decision"]["rank"]) == (last.activation, 3)
        (ordered,) = [
            change for change in await board.history(FLOW) if change.record and "choose" in change.record.value
        ]
        assert fired["decision"]["override"] == f"{FLOW}@{ordered.commit}"
        flow = await flow_of(board)
        assert flow is not None
        assert (flow["mode"], flow["steps"], "choose" in flow) == ("recommend", 0, False)
        told = await asyncio.to_thread(Shell(redis_url, board.name, capsys), "why", f"done/{last.captures['n']}")
    assert f"number 3 of 3 eligible, moved by {FLOW}@{ordered.commit} (bob: this one is on the telephone):" in told


async def test_a_choice_that_is_not_pending_is_taken_back_with_the_reason(board: Board) -> None:
    await halt(board, "paused", ANN)
    await jobs(board, 1)
    async with leading(board, worker) as controller, going_on(controller):
        await choose(board, "nobody", ANN)
        replica = await board.replica()

        def refused() -> bool:
            flow = replica.get(FLOW)
            return flow is not None and flow.value.get("refused") == "nobody is not pending"

        await eventually(refused, "it is refused")
        assert await activations(board) == []
        await step(board, 1, ANN)
        await reached(board, controller, 0)
    assert await states(board) == ["executed"]


async def test_a_board_that_goes_on_by_itself_takes_no_step(board: Board) -> None:
    with pytest.raises(FlowRefusal, match="goes on by itself"):
        await step(board, 1, ANN)
    await halt(board, "paused", ANN)
    with pytest.raises(FlowRefusal, match="nothing is recommended"):
        await accept(board, ANN)
    await resume(board, ANN)
    with pytest.raises(FlowRefusal, match="goes on by itself"):
        await choose(board, "x", ANN)


async def test_while_a_board_is_paused_nobody_is_asked_about_what_is_late(board: Board) -> None:
    """On resuming they are late, and fire before somebody is asked or just after."""

    @knowledge_source(watches={"job": "job/{n}"}, contributes="done/{n}", respond_within="1ms")
    async def hasty(job: Any) -> Any:
        return job

    await halt(board, "paused", ANN)
    await jobs(board, 1)
    async with leading(board, hasty) as controller, going_on(controller):
        await eventually(lambda: controller.pending_count == 1, "it is pending")
        deadline = controller._cycle.overseer.next_ms()
        assert deadline is not None
        await eventually(lambda: controller.desk.now_ms() > deadline, "it is late")
        turns = controller._cycle.turns
        await board.put("elsewhere/1", 1)  # a reason to look
        await eventually(lambda: controller._cycle.turns > turns, "it has looked")
        assert await activations(board) == []
        assert await board.find("control/escalations/*") == []


async def test_only_what_is_in_focus_fires_and_the_run_says_what_is_not(board: Board) -> None:
    await focus(board, on(agents=["answer"]), None)
    await jobs(board, 2)
    await jobs(board, 2, "mail")
    async with leading(board, worker, answer) as controller:
        end = await quiescent(controller)
        assert end.status == "awaiting"
        assert end.reason == "2 pending are out of the focus on agents answer (ann: first things first)"
        assert [one["agent"] for one in await activations(board)] == ["answer", "answer"]
        assert controller.pending_count == 2
    assert await unfocus(board, ANN)
    assert not await unfocus(board, ANN)
    async with leading(board, worker, answer) as controller:
        assert (await quiescent(controller)).status == "finished"
    assert await states(board) == ["executed"] * 4


def is_outside(controller: Controller, count: int) -> bool:
    return len(controller._cycle.lineup.outside) == count


async def test_a_focus_moves_what_is_pending_and_lapses_by_itself(board: Board) -> None:
    """Cases, regions and patterns: what is pending is sorted anew; the run waits for one that lapses."""
    await halt(board, "paused", ANN)
    await jobs(board, 4)
    async with leading(board, worker) as controller, going_on(controller) as end:
        await eventually(lambda: controller.pending_count == 4, "all are pending")
        for wanted, left in (
            (on(cases=["job/1", "job/2"]), 2),
            (on(regions=["job"]), 0),
            (on(regions=["mail"]), 4),
            (on(patterns=["job/{n} where value >= 3", "mail/*"]), 3),
            (on(cases=["job/3"], patterns=["job/{n} where value < 3"]), 4),
        ):
            await focus(board, wanted, None)
            await eventually(partial(is_outside, controller, left), "the focus is taken in")
            assert controller.pending_count == 4
        await focus(board, on(cases=["job/0"], expires_ms=1), 300)
        await resume(board, ANN)
        assert (await end).status == "finished"
    fired = sorted(await activations(board), key=lambda one: one["dispatched_ms"])
    assert (fired[0]["case"], len(fired)) == ("job/0", 4)
    assert await present_focus(board) is None


async def test_a_focus_that_only_says_that_it_lapses_is_not_waited_for(board: Board) -> None:
    """Somebody wrote an end into the value and let the record stand for ever: the run waited as long."""
    await focus(board, on(agents=["answer"], expires_ms=1), None)
    await jobs(board, 1)
    assert (await run(board, worker)).status == "awaiting"


@pytest.mark.parametrize(
    ("key", "value", "wrong"),
    [
        (FLOW, {"mode": "stopped", "steps": 0, "author": "x", "reason": ""}, "mode"),
        (FLOW, {"mode": "paused", "steps": "many", "author": "x", "reason": ""}, "steps"),
        (FOCUS, on(patterns=["job/{n} where ("]), "patterns"),
        (FOCUS, {"agents": "all"}, "agents"),
        (RECOMMENDATION, 7, "mapping"),
    ],
)
async def test_what_others_write_there_ends_the_run_with_the_name_of_the_record(
    key: str, value: Any, wrong: str, board: Board
) -> None:
    """Nothing is decided on it, neither by one that runs nor by one that comes."""
    async with leading(board, worker) as controller, going_on(controller) as end:
        with controller.expecting():
            await board.put(key, value)
            with pytest.raises(Corrupt, match=f"{key}.*{wrong}"):
                await end
    with pytest.raises(Corrupt, match=key):
        await Controller.start(board, declared(worker))


async def agenda_shows(board: Board, activation: str) -> None:
    """Wait until the leader has published that it is pending."""
    async with asyncio.timeout(10):
        while True:
            agenda = await read_agenda(board)
            if agenda is not None and activation in {one["activation"] for one in agenda["pending"]}:
                return
            await asyncio.sleep(0.01)


async def test_the_commands_pause_step_choose_focus_and_resume(
    board: Board, redis_url: str, capsys: pytest.CaptureFixture[str]
) -> None:
    shell = Shell(redis_url, board.name, capsys)

    async def type_(*words: str, code: int = 0) -> str:
        return await asyncio.to_thread(lambda: shell(*words, code=code))

    await jobs(board, 4)
    said = await type_("pause", "--recommend", "--by", "ann", "--reason", "a look")
    assert said.startswith(f"board {board.name}: waits for a word on each pick; 'step --accept' dispatches")
    async with leading(board, worker) as controller, going_on(controller) as end:
        replica = await board.replica()
        await eventually(lambda: replica.get(RECOMMENDATION) is not None, "one is recommended")
        assert "granted: worker for job/0" in await type_("step", "--accept")
        await eventually(lambda: replica.get("done/0") is not None, "it has fired")
        last = controller.agenda(10)[-1].activation
        await agenda_shows(board, last)
        await type_("step", "--choose", "nobody", code=5)
        await type_("step", "--choose", last[:10])
        await eventually(lambda: replica.get("done/3") is not None, "the chosen one has fired")
        await type_("step", "2", "--accept", code=2)
        await type_("focus", "set", "--case", "job/1", "--for", "1h", "--by", "ann", "--reason", "this one")
        assert "only cases job/1 (ann: this one), until " in await type_("focus")
        await type_("focus", "set", code=2)
        await type_("focus", "set", "--agent", "wroker", code=5)
        assert "did you mean 'worker'?" in shell.error
        assert "nothing is of case job/7 as yet" in await type_("focus", "set", "--case", "job/7")
        await type_("focus", "set", "--case", "job/1")
        await type_("focus", "set", "--pattern", "job/{", code=3)
        await type_("step")
        await eventually(lambda: replica.get("done/1") is not None, "the one in focus has fired")
        shown = await type_("agenda")
        await eventually(lambda: controller.pending_count == 1, "one is left")
        assert "waits for a word on each pick" in shown
        assert await type_("focus", "clear") == "everything may fire again\n"
        assert "goes on by itself" in await type_("resume")
        assert (await end).status == "finished"
    assert await states(board) == ["executed"] * 4
    assert "goes on by itself: pause it first" in (await type_("step", code=1), shell.error)[1]
