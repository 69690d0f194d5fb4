"""Writers that use everything a commit can do, as tasks here and as processes of their own.

Every value is written by one operation only, so that an entry of the log tells which it was.
"""

from __future__ import annotations

import asyncio
import random
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from blackboard.commit import Absent, At, Delete, Present, Put, Unchanged
from blackboard.errors import BlackboardError
from tests.conftest import _die_with_parent
from tests.proof.history import History
from tests.proof.recording import RecordedBoard
from tests.proof.saved import ROOT

if TYPE_CHECKING:
    from collections.abc import Sequence

    from blackboard.commit import Guard

SHARED = 5
"""keys of each shape that all writers compete for"""


class Writer:
    """One client's workload on its board: each call of :meth:`once` is one operation at random."""

    def __init__(self, board: RecordedBoard, chance: random.Random) -> None:
        self._board = board
        self._chance = chance
        self._count = 0
        self._kinds = [
            self.count_up,
            self.replace,
            self.remove,
            self.create,
            self.brief,
            self.move,
            self.repeat,
            self.same,
        ]
        self.errors: dict[str, int] = {}
        """how often each error was told"""

    async def write_until(self, enough: asyncio.Event, callers: int = 2) -> None:
        """Operations, from ``callers`` at a time, until ``enough``; errors of the board are counted and passed over."""
        async with asyncio.TaskGroup() as group:
            for _ in range(callers):
                group.create_task(self._write_until(enough))

    async def _write_until(self, enough: asyncio.Event) -> None:
        while not enough.is_set():
            try:
                await self._chance.choice(self._kinds)()
            except BlackboardError as error:
                name = type(error).__name__
                self.errors[name] = self.errors.get(name, 0) + 1

    def _unique(self) -> list[str | int]:
        self._count += 1
        return [self._board.client, self._count]

    def _any(self, region: str) -> str:
        return f"{region}/{self._chance.randrange(SHARED)}"

    async def count_up(self) -> None:
        """Two increments of one counter, which may leave as one commit."""
        key = self._any("count")
        await asyncio.gather(*(self._board.mutate(key, lambda value: (value or 0) + 1) for _ in range(2)))

    async def replace(self) -> None:
        key = self._any("shared")
        present = await self._board.get(key)
        if present is None:
            await self._board.create(key, self._unique())
        else:
            await self._board.replace(present, self._unique())

    async def remove(self) -> None:
        present = await self._board.get(self._any("shared"))
        if present is not None:
            await self._board.delete(present)

    async def create(self) -> None:
        """A key that another caller may have made meanwhile, and one that nobody has."""
        one, two = self._any("made"), f"own/{self._board.client}-{self._count}"
        await self._board.commit([Absent(one), Absent(two)], [Put(one, self._unique()), Put(two, self._unique())])

    async def brief(self) -> None:
        await self._board.put(self._any("brief"), self._unique(), ttl_ms=self._chance.randrange(1, 200))

    async def move(self) -> None:
        """Take from one region to another, guarded by a record, a region and that there is something to replace."""
        source, target = self._any("shared"), self._any("made")
        present = await self._board.get(source)
        since = await self._board.revision()
        if present is not None:
            guards: list[Guard] = [At(source, present.commit), Unchanged("made", since), Present(target)]
            await self._board.commit(guards, [Delete(source), Put(target, self._unique())])

    async def watch(self) -> None:
        """Decide on a region alone, and take one's time."""
        since = await self._board.revision()
        await asyncio.sleep(self._chance.choice([0, 0.01, 0.1]))
        await self._board.commit([Unchanged("made", since)], [Put(self._any("watched"), self._unique())])

    async def repeat(self) -> None:
        """The same under one idempotency key three times, two of them at the same time."""
        key, value, once = self._any("once"), self._unique(), f"{self._board.client}-{self._count}"
        await asyncio.gather(*(self._board.put(key, value, once=once) for _ in range(2)))
        await self._board.put(key, value, once=once)

    async def same(self) -> None:
        """A value that stands there already, where nobody else has been quicker."""
        present = await self._board.get(self._any("made"))
        if present is not None:
            await self._board.replace(present, present.value)


class WriterProcess:
    """A :class:`Writer` in a process of its own, which writes until :meth:`finish` or its parent's end.

    ``journal`` holds what it did also where it is killed.
    """

    def __init__(self, url: str, board: str, client: str, seed: int, journal: Path) -> None:
        self.journal = journal
        self.client = client
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tests.proof.writers", url, board, client, str(seed), journal],
            stdin=subprocess.PIPE,
            cwd=ROOT,
            preexec_fn=_die_with_parent(),  # noqa: PLW1509 - as the servers: a killed test session leaves no writer
        )

    def writes(self) -> bool:
        """Whether it has begun to write."""
        return self.journal.exists() and self.journal.stat().st_size > 0

    def finish(self, within_s: float = 30.0) -> None:
        """Let it end its operations and wait for that; fail where it does not end, or ends badly."""
        try:
            self.process.communicate(timeout=within_s)
        except subprocess.TimeoutExpired as error:
            raise AssertionError(f"{self.client} does not come to an end within {within_s:g} s") from error
        finally:
            self.kill()
        assert self.process.returncode == 0, f"{self.client} ended with {self.process.returncode}"

    def kill(self) -> None:
        """SIGKILL, where it has not ended."""
        self.process.kill()
        self.process.wait()
        assert self.process.stdin is not None
        self.process.stdin.close()


async def _write(url: str, name: str, client: str, seed: int, history: History) -> None:
    enough = asyncio.Event()
    asyncio.get_running_loop().add_reader(sys.stdin.fileno(), enough.set)  # it is closed, by whatever
    async with await RecordedBoard.recorded(url, name, history, client) as board:
        await Writer(board, random.Random(seed)).write_until(enough)


def main(arguments: Sequence[str]) -> None:
    """``URL BOARD CLIENT SEED JOURNAL``: write until stdin is closed."""
    url, name, client, seed, journal = arguments
    with Path(journal).open("a", encoding="utf-8") as file:
        asyncio.run(_write(url, name, client, int(seed), History(journal=file)))


if __name__ == "__main__":
    main(sys.argv[1:])
