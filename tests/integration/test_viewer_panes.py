"""The panes over a board that a real controller works on: they say what the commands say."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

from blackboard.board import Board
from controller.agenda_view import parse_agenda
from controller.flow import Person, halt, resume
from controller.viewer.model import Model
from controller.viewer.panes.agenda import AgendaPane
from controller.viewer.panes.agents import AgentsPane
from controller.viewer.panes.escalations import EscalationsPane
from controller.viewer.panes.run import RunPane
from knowledge_sources import knowledge_source, supervisor
from scenarios.evidence import read_evidence
from scenarios.report import build_report
from tests.integration.test_commands_board import Shell
from tests.leading import going_on, leading
from tests.pane_lines import names, shown
from tests.returns_run import work
from tests.waiting import eventually

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    import pytest


@asynccontextmanager
async def watched(board: Board, url: str) -> AsyncIterator[tuple[Model, Board]]:
    """A model that follows ``board`` as a viewer elsewhere does, and the board as that one has it open."""
    async with await Board.open(url, board.name, author="viewer") as mine:
        replica = await mine.replica()
        model = Model(board.name, replica.records(), replica.revision)
        replica.subscribe(model.apply)
        yield model, mine


async def told(shell: Shell, *words: str) -> Any:
    """What a command says as JSON."""
    return json.loads(await asyncio.to_thread(lambda: shell(*words, "-o", "json")))


async def test_after_a_run_agents_questions_and_cases_stand_as_the_commands_say(
    board: Board, redis_url: str, capsys: pytest.CaptureFixture[str]
) -> None:
    shell = Shell(redis_url, board.name, capsys)
    async with watched(board, redis_url) as (model, mine):
        await work(board)
        await (await mine.replica()).caught_up(await board.revision())
        assert not model.unsound

        questions = EscalationsPane(model)
        asked = await told(shell, "escalations", "list", "--all")
        assert names(questions) == [one["id"] for one in asked if one["status"] == "open"]
        for row, one in enumerate(asked):
            assert questions.target(row) == ("question", one["id"], "")
        lines = shown(questions, 300)
        for line, one in zip(lines, asked, strict=True):
            assert line.split()[0] == one["id"][:8]
            assert one["case"] in line
            assert ", ".join(one["choices"]) in line

        agents = AgentsPane(model)
        registered = await told(shell, "agents")
        assert names(agents) == [one["name"] for one in registered]
        for line, one in zip(shown(agents, 300), registered, strict=True):
            did = one["performance"]
            assert f"{did['running']}/{did['waiting']}  " in line
            figures = line.split()
            assert figures[:3] == [one["name"], one.get("type", one["kind"]), one["status"]]
            assert str(did["executed"]) in figures
            if did["success"] is not None:
                assert f"{did['success']:.0%}" in figures
            assert f"{did['cost']:.4f}".rstrip("0").rstrip(".") in " ".join(figures)

        agenda = AgendaPane(model)
        assert shown(agenda)[0].startswith("nobody leads this board")
        assert agenda.title == "Agenda · 0 running, nobody leads"
        model.agenda = document = await told(shell, "agenda")
        assert document["told_from"] == "records"
        lines = shown(agenda, 120)
        assert lines[0] == "nobody leads this board; its agenda is told from the records"
        assert lines[1 : 1 + len(document["left_out"])] == document["left_out"]
        pending = [f"activation:{one['activation']}" for one in document["pending"]]
        assert [name for name in names(agenda) if name.startswith("activation:")] == pending
        assert agenda.title == f"Agenda · 0 running, {document['pending_count']} pending · told from the records"

        outcomes: Counter[str] = Counter()
        for outcome in build_report(await read_evidence(board)).outcomes:
            outcomes[outcome.kind] += outcome.cases
        run = {line.split()[0]: line for line in shown(RunPane(model), 160)}
        assert f"{outcomes['completed']} completed, {outcomes['awaiting a person']} awaiting a person" in run["cases"]
        assert run["cases"].split()[1] == str(outcomes.total())


async def test_while_it_is_led_the_agenda_has_the_order_of_the_command_and_follows_the_work(
    board: Board, redis_url: str, capsys: pytest.CaptureFixture[str]
) -> None:
    release = asyncio.Event()

    @knowledge_source(watches={"item": "job/{n}"}, contributes="done/{n}")
    async def worker(item: Any) -> Any:
        await release.wait()
        return item

    @knowledge_source(watches={"item": "job/{n} where size > 3"}, contributes="first/{n}", level="high")
    async def eager(item: Any) -> Any:
        await release.wait()
        return item

    @supervisor(over="worker")
    def boss(overdue: Any) -> None:
        return None

    shell = Shell(redis_url, board.name, capsys)
    async with watched(board, redis_url) as (model, mine), leading(board, worker, eager, boss, max_running=2) as leader:
        pane = AgendaPane(model)
        async with going_on(leader) as end:
            for n in range(6):
                await board.create(f"job/{n}", {"size": n})
            await halt(board, "paused", Person("ann", "a look"))

            async def published(wanted: int) -> dict[str, Any]:
                found: dict[str, Any] | None = None
                while found is None or found["pending_count"] != wanted or "flow" not in found:
                    raw = await board.store.read("GET", board.store.keys.agenda)
                    found = parse_agenda(raw) if raw is not None else None
                    await asyncio.sleep(0.01)
                return found

            async with asyncio.timeout(10):
                model.agenda = await published(6)
            await (await mine.replica()).caught_up(await board.revision())
            document = await told(shell, "agenda")
            expected = [*document["running"], *document["supervisors"], *document["pending"]]
            assert names(pane) == ["note:flow", *(f"activation:{one['activation']}" for one in expected)]
            lines = shown(pane, 120)
            assert lines[0] == "paused (ann: a look)"
            assert [line.split()[1:3] for line in lines[1:]] == [[one["agent"], one["case"]] for one in expected]
            assert pane.title == "Agenda · 2 running, 6 pending · paused"

            running = [one["activation"] for one in document["running"]]
            release.set()
            await resume(board, Person("ann"))
            await end
        await (await mine.replica()).caught_up(await board.revision())
        await eventually(lambda: len(model.regions.get("done", ())) == 6, "the viewer has seen the work done")
        assert all(f"activation:{one}" not in names(pane) for one in running)
        assert pane.title.startswith("Agenda · 0 running")
