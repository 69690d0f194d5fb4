"""Listens on a Unix socket and passes on to another one, whole commands and whole answers at a time."""

from __future__ import annotations

import asyncio
import enum
import tempfile
from collections import deque
from pathlib import Path
from typing import TYPE_CHECKING, Self

from tests.proxy.direction import Direction, Way

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType


class Fate(enum.Enum):
    """What becomes of one request."""

    PASSES = "passes"
    LOST = "lost"
    """it does not reach the server, and the connection breaks"""
    UNANSWERED = "unanswered"
    """it reaches the server, and the connection breaks where the answer would have come"""


class Pair:
    """One client's connection and the one to the server that belongs to it."""

    def __init__(self, number: int, client: asyncio.StreamWriter, server: asyncio.StreamWriter) -> None:
        self.number = number
        """which connection of the proxy it is, from 1"""
        self.client = client
        self.server = server
        self.forth: Way
        self.back: Way
        self.sent = b""
        """the last command from the client"""
        self.dead = False
        """nothing passes any more, and neither end is told"""
        self.fates: deque[Fate] = deque()
        """of the requests whose answers have not come"""

    def abort(self) -> None:
        """Break both connections; what was read of either and did not leave is lost."""
        self.dead = True
        for writer in (self.client, self.server):
            writer.transport.abort()


class Proxy:
    """Passes on what clients send to ``target``, and the answers back; everything can be changed while it runs."""

    def __init__(self, target: Path) -> None:
        self.target = target
        """the socket to which new connections go"""
        self.forth = Direction()
        """from the clients to the server"""
        self.back = Direction()
        """from the server to the clients"""
        self.requests = 0
        """commands that clients sent"""
        self.silent = False
        """connections are accepted and requests are read, and nothing is passed on"""
        self.refusing = False
        """new connections are closed at once"""
        self.losses = 0
        """connections that were broken for a lost request or a lost answer"""
        self.strikes = 0
        """faults that :mod:`tests.proxy.faults` made"""
        self.connections = 0
        """connections that there were so far"""
        self.fate: Callable[[bytes], Fate] = lambda request: Fate.PASSES
        """asked for every request that no mark holds for"""
        self.pairs: set[Pair] = set()
        """the connections there are"""
        self._marks: list[tuple[bytes, Fate]] = []
        self._directory = tempfile.TemporaryDirectory(prefix="bbproxy-")
        self.socket = Path(self._directory.name) / "proxy.sock"
        self.url = f"unix://{self.socket}"
        self._tasks: set[asyncio.Task[None]] = set()
        self._listening: asyncio.Server | None = None

    async def __aenter__(self) -> Self:
        self._listening = await asyncio.start_unix_server(self._accept, self.socket, backlog=1000)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._listening is not None
        self._listening.close()
        self.reset()
        while self._tasks:
            for task in self._tasks:
                task.cancel()
            await asyncio.wait(self._tasks)
        self._directory.cleanup()

    def lose_reply_to(self, mark: bytes, times: int = 1) -> None:
        """Let the next requests that hold ``mark`` through, then break the connection instead of answering."""
        self._marks += [(mark, Fate.UNANSWERED)] * times

    def lose_request(self, mark: bytes, times: int = 1) -> None:
        """Break the connection instead of passing on the next requests that hold ``mark``."""
        self._marks += [(mark, Fate.LOST)] * times

    def reset(self) -> None:
        """Break every connection there is."""
        for pair in list(self.pairs):
            pair.abort()

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.create_task(self._connect(reader, writer), name="proxy-connection")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _connect(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self.refusing:
            writer.transport.abort()
            return
        try:
            back, forth = await asyncio.open_unix_connection(self.target)
        except OSError:
            writer.transport.abort()
            return
        except asyncio.CancelledError:
            writer.transport.abort()
            raise
        self.connections += 1
        await self._serve(Pair(self.connections, writer, forth), reader, back)

    async def _serve(self, pair: Pair, reader: asyncio.StreamReader, back: asyncio.StreamReader) -> None:
        def is_dead() -> bool:
            return pair.dead or self.silent

        pair.forth = Way(self.forth, reader, pair.server, lambda frame: self._requested(pair, frame), is_dead)
        pair.back = Way(self.back, back, pair.client, lambda frame: self._answered(pair), is_dead)
        self.pairs.add(pair)
        try:
            async with asyncio.TaskGroup() as group:
                for way in (pair.forth, pair.back):
                    group.create_task(way.run(), name="proxy-way")
        finally:
            pair.abort()
            self.pairs.discard(pair)

    def _requested(self, pair: Pair, request: bytes) -> bool:
        if pair.dead:
            return False
        self.requests += 1
        pair.sent = request
        fate = self._fate_of(request)
        if fate is Fate.LOST:
            self.losses += 1
            pair.abort()
            return False
        pair.fates.append(fate)
        return True

    def _fate_of(self, request: bytes) -> Fate:
        for at, (mark, fate) in enumerate(self._marks):
            if mark in request:
                del self._marks[at]
                return fate
        return self.fate(request)

    def _answered(self, pair: Pair) -> bool:
        if not pair.dead and pair.fates and pair.fates.popleft() is Fate.UNANSWERED:
            self.losses += 1
            pair.abort()
        return not pair.dead
