"""One connection to the server on which calls leave in order and answers come back in order.

A call is one write to the socket and its answer one callback, with no task in between: the
commit path passes here twice for every activation.  Where hiredis is missing, or where there is
no socket (``memory:``), the same is done through a connection of redis-py.
"""

from __future__ import annotations

import asyncio
import importlib.util
from collections import deque
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias

import redis.exceptions

from blackboard.errors import NoBackend

if TYPE_CHECKING:
    from blackboard.backend import Backend

Argument: TypeAlias = str | bytes | int
Answer: TypeAlias = Any
OnAnswer: TypeAlias = Callable[[Answer], None]


class ErrorAnswer(Exception):
    """What the server said no with; ``code`` is the first word."""

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self.code = text.partition(" ")[0]


class LinkLost(Exception):
    """The connection broke; what was under way may or may not have been done."""


class Link(Protocol):
    """A connection.  ``on_lost`` is called once when it breaks, never after :meth:`close`."""

    on_lost: Callable[[], None] | None

    def send(self, arguments: list[Argument], on_answer: OnAnswer) -> None:
        """Send a command; ``on_answer`` gets the answer, an :class:`ErrorAnswer` where that is an error."""

    def close(self) -> None:
        """Drop the connection without waiting; callbacks under way are never called."""


async def call(link: Link, *arguments: Argument, timeout_s: float = 5.0) -> Answer:
    """Send one command on ``link`` and return its answer.

    Raises :class:`ErrorAnswer`, and :class:`LinkLost` where no answer came in time.
    """
    answer: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()

    def settle(value: Answer) -> None:
        if not answer.done():
            answer.set_result(value)

    link.send(list(arguments), settle)
    try:
        async with asyncio.timeout(timeout_s):  # wait_for of Python 3.11 can swallow a cancellation
            value = await answer
    except TimeoutError as error:
        link.close()
        raise LinkLost(f"no answer within {timeout_s:g} s") from error
    if isinstance(value, Exception):
        raise value
    return value


async def open_link(backend: Backend) -> Link:
    """A new connection to the server of ``backend``, authenticated; raises :class:`NoBackend`."""
    if backend.kind == "memory" or importlib.util.find_spec("hiredis") is None:
        return await ClientLink.open(backend)
    return await SocketLink.open(backend)


class SocketLink(asyncio.Protocol):
    """A link on a socket of its own, parsed by hiredis."""

    def __init__(self) -> None:
        import hiredis

        self.on_lost: Callable[[], None] | None = None
        self._pack = hiredis.pack_command
        self._reader = hiredis.Reader()
        self._error = hiredis.ReplyError
        self._waiting: deque[OnAnswer] = deque()
        self._transport: asyncio.Transport | None = None

    @classmethod
    async def open(cls, backend: Backend) -> SocketLink:
        """Connect as the backend's client would: same address, TLS, user and database."""
        connection = backend.client.connection_pool.make_connection()
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout(5.0):
                link = await cls._connect(loop, connection)
                await link._introduce(connection)
        except (OSError, TimeoutError, ErrorAnswer, LinkLost) as error:
            raise NoBackend(f"no server at {backend.url}: {str(error) or 'no answer in 5 s'}") from error
        return link

    @classmethod
    async def _connect(cls, loop: asyncio.AbstractEventLoop, connection: Any) -> SocketLink:
        path = getattr(connection, "path", None)
        if path:
            _, link = await loop.create_unix_connection(cls, path)
            return link
        context = getattr(connection, "ssl_context", None)
        _, link = await loop.create_connection(
            cls, connection.host, connection.port, ssl=context.get() if context else None
        )
        return link

    async def _introduce(self, connection: Any) -> None:
        provider = getattr(connection, "credential_provider", None)
        if provider is not None:
            await call(self, "AUTH", *await provider.get_credentials_async())
        elif connection.password:
            await call(self, "AUTH", *([connection.username] if connection.username else []), connection.password)
        if connection.db:
            await call(self, "SELECT", int(connection.db))
        await call(self, "CLIENT", "SETNAME", "blackboard")

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)  # noqa: S101  # streams only: asyncio promises it
        self._transport = transport

    def send(self, arguments: list[Argument], on_answer: OnAnswer) -> None:
        if self._transport is None:
            raise LinkLost("the connection is closed")
        self._waiting.append(on_answer)
        self._transport.write(self._pack(tuple(arguments)))

    def data_received(self, data: bytes) -> None:
        self._reader.feed(data)
        while True:
            answer = self._reader.gets()
            if answer is False:
                return
            if isinstance(answer, self._error):
                answer = ErrorAnswer(str(answer))
            self._waiting.popleft()(answer)

    def connection_lost(self, exc: Exception | None) -> None:
        self._transport = None
        waiting, self._waiting = self._waiting, deque()
        if self.on_lost is not None:
            self.on_lost()
        for on_answer in waiting:
            on_answer(LinkLost(str(exc or "the server closed the connection")))

    def close(self) -> None:
        self.on_lost = None
        transport, self._transport = self._transport, None
        if transport is not None:
            transport.abort()


class ClientLink:
    """A link through a connection of redis-py, one command at a time."""

    def __init__(self, connection: Any) -> None:
        self.on_lost: Callable[[], None] | None = None
        self._connection = connection
        self._queue: asyncio.Queue[tuple[list[Argument], OnAnswer]] = asyncio.Queue()
        self._closed = False
        self._worker = asyncio.create_task(self._work(), name="blackboard-link")

    @classmethod
    async def open(cls, backend: Backend) -> ClientLink:
        connection = backend.client.connection_pool.make_connection()
        try:
            await connection.connect()
        except (OSError, redis.exceptions.RedisError) as error:
            raise NoBackend(f"no server at {backend.url}: {error}") from error
        return cls(connection)

    def send(self, arguments: list[Argument], on_answer: OnAnswer) -> None:
        if self._closed:
            raise LinkLost("the connection is closed")
        self._queue.put_nowait((arguments, on_answer))

    async def _work(self) -> None:
        while True:
            arguments, on_answer = await self._queue.get()
            try:
                await self._connection.send_command(*arguments)
                answer = await self._connection.read_response()
            except redis.exceptions.NoScriptError as error:
                answer = ErrorAnswer(f"NOSCRIPT {error}")
            except redis.exceptions.ResponseError as error:
                answer = ErrorAnswer(str(error))
            except (OSError, redis.exceptions.RedisError) as error:
                self._lose(on_answer, LinkLost(str(error)))
                return
            on_answer(answer)

    def _lose(self, on_answer: OnAnswer, error: LinkLost) -> None:
        self._closed = True
        if self.on_lost is not None:
            self.on_lost()
        on_answer(error)
        while not self._queue.empty():
            self._queue.get_nowait()[1](error)

    def close(self) -> None:
        self.on_lost = None
        self._closed = True
        self._worker.cancel()
