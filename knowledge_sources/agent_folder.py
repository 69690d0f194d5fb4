"""A folder of agents: each file in it is loaded, and a file dropped in later joins.

What counts is what the folder holds, not what the watcher said: each wake-up compares the two, and one
comes every half second even if the watcher missed something.
"""

from __future__ import annotations

import asyncio
import dataclasses
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, TypeAlias

from knowledge_sources.errors import LoadingError
from knowledge_sources.isolation import forget_file
from knowledge_sources.loading import load_file, resolved, sources_in

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from knowledge_sources.source import KnowledgeSource

DEBOUNCE_MS: Final = 100
LOOK_AGAIN_MS: Final = 500

Stat: TypeAlias = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Joined:
    """An agent that was found in ``path`` and can be registered."""

    source: KnowledgeSource
    path: Path


@dataclass(frozen=True, slots=True)
class Broken:
    """A file that could not be loaded; ``error`` is one sentence with the place, ``traceback`` the whole text."""

    path: Path
    error: str
    traceback: str


@dataclass(frozen=True, slots=True)
class NotReplaced:
    """A file of agents that have joined was changed or removed: they go on as they are until a restart."""

    path: Path
    names: tuple[str, ...]
    what: str
    """``changed`` or ``removed``"""


FolderEvent: TypeAlias = Joined | Broken | NotReplaced


class AgentFolder:
    """The agents of one folder: every ``*.py`` whose name does not begin with ``_``.

    A file that declares no agent is a module for the others, and is not mentioned.
    """

    def __init__(self, path: Path) -> None:
        """``path`` must be a folder; raises :class:`LoadingError`."""
        self.path = resolved(path)
        if not self.path.is_dir():
            raise LoadingError(f"there is no folder {path}")
        self._seen: dict[Path, Stat] = {}
        self._joined: dict[Path, tuple[str, ...]] = {}
        self._broken: dict[Path, str] = {}

    def scan(self) -> list[FolderEvent]:
        """What is new since the last scan, in the order of file names; runs the code of new files."""
        present = _files_in(self.path)
        touched = [path for path, stat in present.items() if self._seen.get(path) != stat]
        removed = [path for path in self._seen if path not in present]
        if not touched and not removed:
            return []
        for path in touched:
            if path in self._seen and path not in self._joined:
                forget_file(path)
        self._seen = present
        events: list[FolderEvent] = []
        # A broken file is tried again when anything changes: what it lacked may be a neighbour.
        for path in sorted({*touched, *(path for path in self._broken if path in present)}):
            if path in self._joined:
                events.append(NotReplaced(path, self._joined[path], "changed"))
            else:
                events += self._loaded(path)
        for path in removed:
            self._broken.pop(path, None)
            if path in self._joined:
                events.append(NotReplaced(path, self._joined[path], "removed"))
        return events

    async def watch(self) -> AsyncIterator[FolderEvent]:
        """What :meth:`scan` gives, for ever: first what is there now, then each change within a second."""
        from watchfiles import awatch  # noqa: PLC0415 - only a run that watches a folder pays for it

        for event in await asyncio.to_thread(self.scan):
            yield event
        changes = awatch(
            self.path, debounce=DEBOUNCE_MS, rust_timeout=LOOK_AGAIN_MS, yield_on_timeout=True, recursive=False
        )
        async for _ in changes:
            for event in await asyncio.to_thread(self.scan):
                yield event

    def _loaded(self, path: Path) -> list[FolderEvent]:
        try:
            sources = [
                dataclasses.replace(source, source=_written(source, path)) for source in sources_in(load_file(path))
            ]
            self._check_names(path, sources)
        except LoadingError as error:
            if self._broken.get(path) == str(error):
                return []
            self._broken[path] = str(error)
            return [Broken(path, str(error), error.traceback or str(error))]
        self._broken.pop(path, None)
        if sources:
            self._joined[path] = tuple(source.name for source in sources)
        return [Joined(source, path) for source in sources]

    def _check_names(self, path: Path, sources: list[KnowledgeSource]) -> None:
        taken = {name: other for other, names in self._joined.items() if other != path for name in names}
        for source in sources:
            if source.name in taken:
                reason = f"the agent {source.name!r} has joined already, from {taken[source.name].name}"
                forget_file(path)
                raise LoadingError(reason, place=source.place)
            taken[source.name] = path


def load_folder(path: Path) -> list[FolderEvent]:
    """Every agent in the folder ``path``, as :class:`Joined`, and every file that is :class:`Broken`."""
    return AgentFolder(path).scan()


def _files_in(folder: Path) -> dict[Path, Stat]:
    found: dict[Path, Stat] = {}
    for path in sorted(folder.glob("*.py")):
        if path.name.startswith("_"):
            continue
        try:
            stat = path.stat()
        except FileNotFoundError:  # removed between the listing and now
            continue
        if stat.st_size:
            found[path] = (stat.st_mtime_ns, stat.st_size)
    return found


def _written(source: KnowledgeSource, path: Path) -> str:
    return f"{path.parent.name}/{path.name}:{source.fn.__name__}"
