"""The agenda that a leader publishes while it works."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any

from controller.agenda_view import SHOWN
from controller.controller import Controller
from controller.flow import Person, halt, resume
from controller.settings import Settings
from knowledge_sources import Collect, knowledge_source
from knowledge_sources.source import source_of
from tests.integration.test_commands_board import Shell
from tests.leading import going_on, leading
from tests.waiting import eventually

if TYPE_CHECKING:
    import pytest

    from blackboard.board import Board


async def test_the_agenda_is_bounded_while_work_waits_and_gone_when_the_leader_is(board: Board) -> None:
    release = asyncio.Event()

    @knowledge_source(watches={"item": "job/{n}"}, contributes="done/{n}")
    async def worker(item: Any) -> Any:
        await release.wait()
        return item

    async def published() -> Any:
        raw = await board.store.read("GET", board.store.keys.agenda)
        return json.loads(raw) if raw else None

    source = source_of(worker)
    assert source is not None
    controller = await Controller.start(board, [source], Settings(max_running=2))
    running = asyncio.create_task(controller.run_until_quiescent())
    for n in range(60):
        await board.create(f"job/{n}", n)
    seen: Any = None
    async with asyncio.timeout(10):
        while seen is None or seen["pending_count"] != 58:
            seen = await published()
            await asyncio.sleep(0.01)
    assert len(seen["pending"]) == SHOWN
    assert [(one["agent"], one["case"]) for one in seen["running"]] == [("worker", "job/0"), ("worker", "job/1")]
    first = seen["pending"][0]
    assert (first["agent"], first["case"], first["level"], first["state"]) == ("worker", "job/2", "normal", "ready")
    assert first["waited_ms"] >= 0
    assert seen["member"] == controller.desk.member
    release.set()
    await running
    await controller.close()
    assert await published() is None


async def test_where_nothing_changes_nothing_is_published(board: Board) -> None:
    @knowledge_source(watches={"item": "job/{n}"}, contributes="done/{n}")
    async def worker(item: Any) -> Any:
        return item

    source = source_of(worker)
    assert source is not None
    controller = await Controller.start(board, [source])
    await board.create("job/1", 1)
    await controller.run_until_quiescent()
    view = controller._view
    await eventually(
        lambda: view._published is not None and view._task is not None and view._task.done(), "it is there"
    )
    before = view._task
    await board.put("elsewhere/1", 1)
    await eventually(lambda: view._timer is None, "it has looked again")
    assert view._task is before
    await controller.close()


async def test_the_agenda_is_shown_by_command_and_why_not_tells_the_place_of_a_match_on_it(
    board: Board, redis_url: str, capsys: pytest.CaptureFixture[str]
) -> None:
    release = asyncio.Event()

    @knowledge_source(watches={"item": "job/{n}"}, contributes="done/{n}")
    async def worker(item: Any) -> Any:
        await release.wait()
        return item

    source = source_of(worker)
    assert source is not None
    shell = Shell(redis_url, board.name, capsys)
    assert await asyncio.to_thread(lambda: shell("agenda")) == (
        "0 running, 0 activations pending\n"
        f"nobody leads board {board.name}: told from the records; preconditions and ratings, which are code, were not "
        "asked\n"
    )
    controller = await Controller.start(board, [source], Settings(max_running=1))
    running = asyncio.create_task(controller.run_until_quiescent())
    for n in range(3):
        await board.create(f"job/{n}", n)
    async with asyncio.timeout(10):
        pending = 0
        while pending != 2:
            raw = await board.store.read("GET", board.store.keys.agenda)
            pending = json.loads(raw)["pending_count"] if raw is not None else 0
            await asyncio.sleep(0.01)
    shown = (await asyncio.to_thread(lambda: shell("agenda"))).splitlines()
    assert shown[0] == "1 running, 2 activations pending"
    assert [line.split()[:4] for line in shown[4:]] == [
        ["1", "worker", "job/1", "normal"],
        ["2", "worker", "job/2", "normal"],
    ]
    explained = await asyncio.to_thread(lambda: shell("why-not", "worker", "n=2"))
    first, second = explained.splitlines()
    assert first.startswith("n=2: it is eligible, number 2 on the agenda, level normal, score ")
    assert second.startswith("  before it: worker for job/1: ")
    release.set()
    await running
    await controller.close()


async def test_what_waits_for_records_that_it_collects_says_what_it_lacks(board: Board) -> None:
    @knowledge_source(
        watches={"item": "job/{n}", "votes": Collect("vote/{n}/*", at_least=2, within="1h")},
        contributes="done/{n}",
        name="decide",
    )
    async def decide(item: Any, votes: list[Any]) -> Any:
        return len(votes)

    await halt(board, "paused", Person("ann"))
    await board.create("job/1", 1)
    await board.create("vote/1/a", "yes")
    async with leading(board, decide) as controller, going_on(controller) as end:
        await eventually(lambda: controller.pending_count == 1, "it is pending")
        view = controller._view._document(controller.desk.now_ms())
        assert [(one["state"], one["because"]) for one in view["pending"]] == [
            ("waiting", ["decide has 1 of at least 2 votes within 1 h"])
        ]
        assert "not_before_ms" not in view["pending"][0]
        await board.create("vote/1/b", "yes")
        await resume(board, Person("ann"))
        await board.delete("job/1")  # two are enough only when the hour is over
        assert (await end).status == "finished"


async def test_the_agenda_of_a_moment_and_of_a_board_that_nobody_leads_is_told_from_the_records(
    board: Board, redis_url: str, capsys: pytest.CaptureFixture[str]
) -> None:
    @knowledge_source(watches={"item": "job/{n}"}, contributes="done/{n}", level="high")
    async def worker(item: Any) -> Any:
        return item

    shell = Shell(redis_url, board.name, capsys)
    async with leading(board, worker):
        pass
    await halt(board, "paused", Person("ann"))
    for n in range(3):
        await board.create(f"job/{n}", n)
    there = await board.revision()
    shown = (await asyncio.to_thread(lambda: shell("agenda"))).splitlines()
    assert shown[0] == "0 running, 3 activations pending"
    assert shown[1].startswith(f"nobody leads board {board.name}: told from the records; ")
    assert shown[2].startswith("paused (ann)")
    assert [line.split()[:4] for line in shown[4:]] == [[str(n + 1), "worker", f"job/{n}", "high"] for n in range(3)]
    await resume(board, Person("ann"))
    async with leading(board, worker) as controller, going_on(controller) as end:
        assert (await end).status == "finished"
    assert (await asyncio.to_thread(lambda: shell("agenda"))).startswith("0 running, 0 activations pending\n")
    then = await asyncio.to_thread(lambda: shell("agenda", "--at", str(there)))
    assert then.splitlines()[0] == shown[0]
    assert then.splitlines()[1].startswith(f"revision {there}, 20")
    assert then.splitlines()[2] == shown[2]
    document = await asyncio.to_thread(lambda: shell.json("agenda", "--at", str(there - 1)))
    assert (document["told_from"], document["revision"], document["eligible"]) == ("records", there - 1, 2)
    await asyncio.to_thread(lambda: shell("agenda", "--at", "yesterday", code=5))
    assert "'yesterday' is no revision" in shell.error
