"""Agents that join while a scenario runs: files dropped into its ``agents_dir``."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import quote

from blackboard.commit import Delete, Present
from blackboard.control_records import AGENTS
from blackboard.errors import Conflict, InvalidInput
from blackboard.record import Stamp
from knowledge_sources.agent_folder import AgentFolder, Broken, Joined
from scenarios.problem import InvalidScenario, Problem
from scenarios.run_boards import RUNNER
from scenarios.team import configured

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

    from controller.controller import Controller
    from knowledge_sources.agent_folder import FolderEvent
    from knowledge_sources.source import KnowledgeSource
    from scenarios.scenario import Scenario


class Unfit(NamedTuple):
    """A file that gives no agent to this run, and why."""

    path: Path
    traceback: str


class Newcomers:
    """The agents of a scenario's folder: those there at its start, and those that come later.

    A file with a mistake hinders nobody: it is reported, and its agents join when it is mended.
    """

    def __init__(self, scenario: Scenario, named: Iterable[KnowledgeSource]) -> None:
        """Reads the folder; raises :class:`InvalidScenario` where there is none."""
        self._scenario = scenario
        self._taken = {source.name for source in named}
        self._folder: AgentFolder | None = None
        self._unfit: dict[Path, Unfit] = {}
        self.present: tuple[KnowledgeSource, ...] = ()
        """the agents that were there at the start"""
        if scenario.agents_dir is not None:
            try:
                self._folder = AgentFolder(scenario.folder / scenario.agents_dir)
            except InvalidInput as error:
                place = scenario.place_of(("agents_dir",))
                raise InvalidScenario([Problem(place, "agents_dir", str(error))]) from error
            fits = [self._fitted(event) for event in self._folder.scan()]
            self.present = tuple(source for source in fits if source is not None)

    async def welcome(self, controller: Controller, note: Callable[[str], None]) -> None:
        """Report what was unfit at the start, then let each newcomer join, for ever; ``note`` is told of each."""
        for unfit in self._unfit.values():
            await _report(controller, unfit)
        if self._folder is None:
            return
        async for event in self._folder.watch():
            await self._take(event, controller, note)

    async def _take(self, event: FolderEvent, controller: Controller, note: Callable[[str], None]) -> None:
        source = self._fitted(event)
        if source is not None:
            await controller.join(source)
            await _mended(controller, event.path)
            note(f"{source.name} joined from {event.path.name}")
        elif event.path in self._unfit:
            await _report(controller, self._unfit[event.path])
        elif not isinstance(event, Joined | Broken):
            note(f"{event.path.name} was {event.what}: {', '.join(event.names)} goes on as loaded until a restart")

    def _fitted(self, event: FolderEvent) -> KnowledgeSource | None:
        """The agent of ``event`` as the scenario wants it, ``None`` where it gives none."""
        if isinstance(event, Broken):
            self._unfit[event.path] = Unfit(event.path, event.traceback)
        if not isinstance(event, Joined):
            return None
        name = event.source.name
        if name in self._taken:
            self._unfit[event.path] = Unfit(event.path, f"{event.path}: {name!r} is already one of the agents")
            return None
        try:
            source = configured(event.source, self._scenario, name, None)
        except InvalidInput as error:
            self._unfit[event.path] = Unfit(event.path, str(error))
            return None
        self._taken.add(name)
        self._unfit.pop(event.path, None)
        return source


async def _report(controller: Controller, unfit: Unfit) -> None:
    await controller.report_broken(_entry(unfit.path), str(unfit.path), unfit.traceback)


async def _mended(controller: Controller, path: Path) -> None:
    """Take the report of a file that was broken out of the registry."""
    key = AGENTS + _entry(path)
    board = controller.desk.board
    try:
        await board.commit([Present(key)], [Delete(key)], stamp=Stamp(author=RUNNER))
    except Conflict:
        return  # it was never broken


def _entry(path: Path) -> str:
    """What the registry calls a file without agents: its name as a key holds it, which with ``.py`` no agent has."""
    return quote(path.name)
