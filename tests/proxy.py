"""A proxy between a client and a server that loses what it is told to lose."""

from __future__ import annotations

import asyncio
import contextlib
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from types import TracebackType


class _Pair:
    """One client's connection and the one to the server that belongs to it."""

    def __init__(self, client: asyncio.StreamWriter, server: asyncio.StreamWriter) -> None:
        self.client = client
        self.server = server
        self.reply_is_lost = False

    def abort(self) -> None:
        for writer in (self.client, self.server):
            writer.transport.abort()


class Proxy:
    """Listens on a Unix socket and passes on to ``target``, another one.

    Everything can be changed while it runs; ``requests`` counts the chunks that clients sent.
    """

    def __init__(self, target: Path) -> None:
        self.target = target
        self.requests = 0
        self.delay_s = 0.0
        """both directions wait so long before each chunk"""
        self.chunk = 65536
        """bytes that are passed on at once"""
        self.silent = False
        """connections are accepted and requests are read, and nothing is passed on"""
        self.refusing = False
        """new connections are closed at once"""
        self.losses = 0
        """connections that were broken by :meth:`lose_reply_to` or :meth:`lose_request`"""
        self._reply_marks: list[bytes] = []
        self._request_marks: list[bytes] = []
        self._directory = tempfile.TemporaryDirectory(prefix="bbproxy-")
        self.socket = Path(self._directory.name) / "proxy.sock"
        self.url = f"unix://{self.socket}"
        self._pairs: set[_Pair] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._listening: asyncio.Server | None = None

    async def __aenter__(self) -> Self:
        self._listening = await asyncio.start_unix_server(self._accept, self.socket)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._listening is not None
        self._listening.close()
        self.reset()
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._directory.cleanup()

    def lose_reply_to(self, mark: bytes, times: int = 1) -> None:
        """Let the next requests that hold ``mark`` through, then break the connection instead of answering."""
        self._reply_marks += [mark] * times

    def lose_request(self, mark: bytes, times: int = 1) -> None:
        """Break the connection instead of passing on the next requests that hold ``mark``."""
        self._request_marks += [mark] * times

    def reset(self) -> None:
        """Break every connection there is."""
        for pair in list(self._pairs):
            pair.abort()

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self.refusing:
            writer.transport.abort()
            return
        try:
            back, forth = await asyncio.open_unix_connection(self.target)
        except OSError:
            writer.transport.abort()
            return
        pair = _Pair(writer, forth)
        self._pairs.add(pair)
        task = asyncio.create_task(self._serve(pair, reader, back))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _serve(self, pair: _Pair, reader: asyncio.StreamReader, back: asyncio.StreamReader) -> None:
        ways = [
            asyncio.create_task(self._pass_requests(pair, reader)),
            asyncio.create_task(self._pass_replies(pair, back)),
        ]
        try:
            await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for way in ways:
                way.cancel()
            await asyncio.gather(*ways, return_exceptions=True)
            pair.abort()
            self._pairs.discard(pair)

    async def _pass_requests(self, pair: _Pair, reader: asyncio.StreamReader) -> None:
        while data := await reader.read(1 << 20):
            self.requests += 1
            if any(mark in data for mark in self._request_marks):
                self._request_marks.pop()
                self.losses += 1
                return
            if any(mark in data for mark in self._reply_marks):
                self._reply_marks.pop()
                pair.reply_is_lost = True
            await self._pass(data, pair.server)

    async def _pass_replies(self, pair: _Pair, back: asyncio.StreamReader) -> None:
        while data := await back.read(1 << 20):
            if pair.reply_is_lost:
                self.losses += 1
                return
            await self._pass(data, pair.client)

    async def _pass(self, data: bytes, writer: asyncio.StreamWriter) -> None:
        for at in range(0, len(data), self.chunk):
            if self.delay_s:
                await asyncio.sleep(self.delay_s)
            if not self.silent:
                writer.write(data[at : at + self.chunk])
                with contextlib.suppress(ConnectionError):
                    await writer.drain()
                if self.chunk < 65536:
                    await asyncio.sleep(0)
