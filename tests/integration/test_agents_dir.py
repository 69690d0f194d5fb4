"""A folder of agents that is watched while a run goes on."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING

import pytest_asyncio

from knowledge_sources.agent_folder import AgentFolder, Broken, FolderEvent, Joined, NotReplaced

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

AGENT = """\
from knowledge_sources import knowledge_source

@knowledge_source("order/{order}", contributes="label/{order}")
async def NAME(order): ...
"""


class Watched:
    """The events of a watched folder, as they come."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._events: asyncio.Queue[FolderEvent] = asyncio.Queue()
        self._task = asyncio.create_task(self._follow())

    async def _follow(self) -> None:
        async for event in AgentFolder(self.path).watch():
            self._events.put_nowait(event)

    async def next(self) -> FolderEvent:
        return await asyncio.wait_for(self._events.get(), 10)

    async def stop(self) -> None:
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)


@pytest_asyncio.fixture
async def watched(tmp_path: Path) -> AsyncIterator[Watched]:
    (tmp_path / "first.py").write_text(AGENT.replace("NAME", "first"))
    folder = Watched(tmp_path)
    joined = await folder.next()
    assert isinstance(joined, Joined)
    assert joined.source.name == "first"
    yield folder
    await folder.stop()


async def test_a_file_dropped_in_joins_within_a_second(watched: Watched) -> None:
    before = time.monotonic()
    (watched.path / "second.py").write_text(AGENT.replace("NAME", "second"))
    joined = await watched.next()
    assert isinstance(joined, Joined)
    assert joined.source.name == "second"
    assert time.monotonic() - before < 1.0


async def test_a_file_with_an_error_is_reported_with_its_traceback_and_joins_once_it_is_repaired(
    watched: Watched,
) -> None:
    path = watched.path / "second.py"
    path.write_text("raise RuntimeError('not yet')\n")
    broken = await watched.next()
    assert isinstance(broken, Broken)
    assert broken.path == path
    assert broken.error == f"{path}:1:1: RuntimeError: not yet"
    assert broken.traceback.endswith("RuntimeError: not yet\n")
    path.write_text(AGENT.replace("NAME", "second"))
    joined = await watched.next()
    assert isinstance(joined, Joined)
    assert joined.source.name == "second"


async def test_a_changed_file_of_a_running_agent_is_reported_as_not_replaced(watched: Watched) -> None:
    path = watched.path / "first.py"
    path.write_text(AGENT.replace("NAME", "renamed"))
    assert await watched.next() == NotReplaced(path, ("first",), "changed")
