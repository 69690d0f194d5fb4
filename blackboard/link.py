"""One connection to the server on which calls leave in order and answers come back in order.

A call is one write to the socket and its answer one callback, with no task in between: the
commit path passes here twice for every activation.  Where hiredis is missing, or where there is
no socket (``memory:``), the same is done through a connection of redis-py.
"""

from __future__ import annotations

import asyncio
import contextlib
import importlib
import importlib.util
from collections import deque
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final, Protocol, TypeAlias, cast

import redis.exceptions

from blackboard.errors import NoBackend, ServerRefused
from blackboard.protocol import as_in_resp2

if TYPE_CHECKING:
    from blackboard.backend import Backend

Argument: TypeAlias = str | bytes | int
Answer: TypeAlias = Any
OnAnswer: TypeAlias = Callable[[Answer], None]

CALL_WITHIN_S: Final = 5.0
PASSING: Final = frozenset({"LOADING", "BUSY", "TRYAGAIN", "MASTERDOWN", "CLUSTERDOWN"})
_CODES: Final[dict[type[Exception], str]] = {
    redis.exceptions.AuthenticationError: "NOAUTH",
    redis.exceptions.BusyLoadingError: "LOADING",
    redis.exceptions.ClusterDownError: "CLUSTERDOWN",
    redis.exceptions.MasterDownError: "MASTERDOWN",
    redis.exceptions.NoPermissionError: "NOPERM",
    redis.exceptions.NoScriptError: "NOSCRIPT",
    redis.exceptions.OutOfMemoryError: "OOM",
    redis.exceptions.ReadOnlyError: "READONLY",
    redis.exceptions.TryAgainError: "TRYAGAIN",
}
_NOTHING_YET: Final = object()
_NO_ANSWER: Final = "what came is no answer of a server"


class ErrorAnswer(Exception):
    """What the server said no with; ``code`` is the first word."""

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self.code = text.partition(" ")[0]

    @property
    def passes(self) -> bool:
        """Whether the server said "not now": the same a moment later is answered."""
        return self.code in PASSING or str(self).startswith("ERR max number of clients")


class LinkLost(Exception):
    """The connection broke; what was under way may or may not have been done."""


class Link(Protocol):
    """A connection.  ``on_lost`` is called once when it breaks, never after :meth:`close`.

    Answers have the types of RESP2, whichever protocol is spoken.
    """

    on_lost: Callable[[], None] | None

    @property
    def closed(self) -> bool:
        """Whether it broke or was closed: nothing can be sent any more."""

    def send(self, arguments: list[Argument], on_answer: OnAnswer) -> None:
        """Send a command; ``on_answer`` gets the answer, an :class:`ErrorAnswer` where that is an error.

        Where the connection breaks first it gets a :class:`LinkLost`, after ``on_lost``.  Raises
        :class:`LinkLost` where it is closed, ``TypeError`` or ``UnicodeError`` for what cannot be sent.
        """

    def close(self) -> None:
        """Drop the connection without waiting; who waits for an answer gets a :class:`LinkLost`."""


async def call(link: Link, *arguments: Argument, timeout_s: float = CALL_WITHIN_S) -> Answer:
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


async def open_link(backend: Backend, within_s: float = CALL_WITHIN_S) -> Link:
    """A new connection to the server of ``backend``, authenticated.

    Raises :class:`NoBackend`, and :class:`ServerRefused` where the server does not take this user.
    """
    if backend.kind == "memory" or importlib.util.find_spec("hiredis") is None:
        return await ClientLink.open(backend, within_s)
    return await SocketLink.open(backend, within_s)


class SocketLink(asyncio.Protocol):
    """A link on a socket of its own, parsed by hiredis."""

    def __init__(self) -> None:
        hiredis: Any = importlib.import_module("hiredis")  # not everywhere: the other kind of link does without

        self.on_lost: Callable[[], None] | None = None
        self._pack = hiredis.pack_command
        self._reader = hiredis.Reader(notEnoughData=_NOTHING_YET)  # the default is False, which RESP3 can say
        self._error = hiredis.ReplyError
        self._no_answer = hiredis.ProtocolError
        self._why_lost = "the connection was closed"
        self._push: Any = getattr(hiredis, "PushNotification", ())
        self._speaks_resp3 = False
        self._waiting: deque[OnAnswer] = deque()
        self._transport: asyncio.Transport | None = None

    @classmethod
    async def open(cls, backend: Backend, within_s: float = CALL_WITHIN_S) -> SocketLink:
        """Connect as the backend's client would: same address, TLS, user and database."""
        connection: Any = backend.client.connection_pool.make_connection()  # type: ignore[no-untyped-call]
        link: SocketLink | None = None
        try:
            async with asyncio.timeout(within_s):
                link = await _connected(cls, connection)
                await _introduce(link, connection)
        except (OSError, TimeoutError, ErrorAnswer, LinkLost) as error:
            if link is not None:
                link.close()
            if isinstance(error, ErrorAnswer) and not error.passes:
                raise ServerRefused(str(error)) from error
            reason = str(error) or f"no answer in {within_s:g} s"
            raise NoBackend(f"no server at {backend.url}: {reason}") from error
        except BaseException:
            if link is not None:
                link.close()
            raise
        return link

    @property
    def closed(self) -> bool:
        return self._transport is None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # A stream's transport; other event loops' are no subclass of asyncio's.
        self._transport = cast("asyncio.Transport", transport)

    def send(self, arguments: list[Argument], on_answer: OnAnswer) -> None:
        if self._transport is None:
            raise LinkLost("the connection is closed")
        packed = self._pack(tuple(arguments))  # may raise: only what is sent is waited for
        if self._speaks_resp3:
            on_answer = self._in_resp2(arguments[0], on_answer)
        self._waiting.append(on_answer)
        self._transport.write(packed)

    def data_received(self, data: bytes) -> None:
        self._reader.feed(data)
        while self._transport is not None:  # an answer's callback may close the link
            answer = self._parsed()
            if answer is _NOTHING_YET:
                return
            if isinstance(answer, self._push):
                continue  # said to nobody who asked
            if not self._waiting:  # what nobody asked for would be taken for the answer to what is asked next
                self._transport.abort()
                return
            if isinstance(answer, self._error):
                answer = ErrorAnswer(str(answer))
            self._waiting.popleft()(answer)

    def _parsed(self) -> Answer:
        """The next whole answer; where what comes is none, the connection ends."""
        try:
            return self._reader.gets()
        except (self._no_answer, MemoryError, TypeError) as error:  # too large a length; a map's name that is a list
            self._break(error)
            return _NOTHING_YET

    def _in_resp2(self, command: Argument, on_answer: OnAnswer) -> OnAnswer:
        def take(answer: Answer) -> None:
            try:
                answer = as_in_resp2(command, answer)
            except ValueError as error:
                answer = self._break(error)
            on_answer(answer)

        return take

    def _break(self, error: Exception) -> LinkLost:
        """End the connection, on which nothing that still comes can be understood."""
        self._why_lost = f"{_NO_ANSWER}: {str(error) or type(error).__name__}"
        if self._transport is not None:
            self._transport.abort()
        return LinkLost(self._why_lost)

    def connection_lost(self, exc: Exception | None) -> None:
        self._transport = None
        waiting, self._waiting = self._waiting, deque()
        if self.on_lost is not None:
            self.on_lost()
        for on_answer in waiting:
            on_answer(LinkLost(str(exc or self._why_lost)))

    async def speak_resp3(self, credentials: tuple[str, ...]) -> None:
        """Have both sides speak RESP3 from now on, as the user of ``credentials``; raises as :func:`call` does."""
        name = credentials if len(credentials) != 1 else ("default", *credentials)
        await call(self, "HELLO", 3, *(("AUTH", *name) if name else ()))
        self._speaks_resp3 = True

    def close(self) -> None:
        self.on_lost = None
        transport, self._transport = self._transport, None
        if transport is not None:
            transport.abort()


async def _connected(protocol: type[SocketLink], connection: Any) -> SocketLink:
    loop = asyncio.get_running_loop()
    path = getattr(connection, "path", None)
    if path:
        _, link = await loop.create_unix_connection(protocol, path)
        return link
    context = getattr(connection, "ssl_context", None)
    _, link = await loop.create_connection(
        protocol, connection.host, connection.port, ssl=context.get() if context else None
    )
    return link


async def _introduce(link: SocketLink, connection: Any) -> None:
    credentials = await _credentials(connection)
    if int(connection.protocol) == 3:
        await link.speak_resp3(credentials)
    elif credentials:
        await call(link, "AUTH", *credentials)
    if connection.db:
        await call(link, "SELECT", int(connection.db))
    await call(link, "CLIENT", "SETNAME", "blackboard")


async def _credentials(connection: Any) -> tuple[str, ...]:
    """Nothing, a password, or a name and a password."""
    provider = getattr(connection, "credential_provider", None)
    if provider is not None:
        return tuple(await provider.get_credentials_async())
    if not connection.password:
        return ()
    return (connection.username, connection.password) if connection.username else (connection.password,)


class ClientLink:
    """A link through a connection of redis-py, one command at a time."""

    def __init__(self, connection: Any) -> None:
        self.on_lost: Callable[[], None] | None = None
        self._connection = connection
        self._speaks_resp3 = int(getattr(connection, "protocol", 2)) == 3
        self._waiting: deque[tuple[Any, OnAnswer]] = deque()
        self._more = asyncio.Event()
        self._closed = False
        self._worker = asyncio.create_task(self._work(), name="blackboard-link")

    @classmethod
    async def open(cls, backend: Backend, within_s: float = CALL_WITHIN_S) -> ClientLink:
        """Connect as the backend's client would."""
        connection: Any = backend.client.connection_pool.make_connection()  # type: ignore[no-untyped-call]
        try:
            async with asyncio.timeout(within_s):
                await connection.connect()
        except (OSError, TimeoutError, redis.exceptions.RedisError) as error:
            await _disconnected(connection)
            for said in (error, error.__cause__):  # the client wraps what the server said while it connects
                if isinstance(said, redis.exceptions.AuthenticationError | redis.exceptions.NoPermissionError):
                    raise ServerRefused(f"{_CODES[type(said)]} {said}") from error
            reason = str(error) or f"no answer in {within_s:g} s"
            raise NoBackend(f"no server at {backend.url}: {reason}") from error
        except BaseException:
            await _disconnected(connection)
            raise
        link = cls(connection)
        try:
            await asyncio.sleep(0)  # its task begins: cancelled before that, it would leave the connection open
        except BaseException:
            link.close()
            raise
        return link

    @property
    def closed(self) -> bool:
        return self._closed

    def send(self, arguments: list[Argument], on_answer: OnAnswer) -> None:
        if self._closed:
            raise LinkLost("the connection is closed")
        for argument in arguments:
            if isinstance(argument, str):
                argument.encode()
            elif type(argument) not in (bytes, int):
                raise TypeError(f"cannot be sent: {argument!r}")
        self._waiting.append((arguments, on_answer))
        self._more.set()

    async def _work(self) -> None:
        lost = "the connection was closed"
        try:
            while not self._closed:  # a driver that has its answer may swallow that we were cancelled
                if not self._waiting:
                    self._more.clear()
                    await self._more.wait()
                    continue
                answer = await self._answer_to(self._waiting[0][0])
                if not self._closed:  # else who closed it counts the call as lost, and may have sent it again
                    self._waiting.popleft()[1](answer)
        except (OSError, LinkLost, redis.exceptions.RedisError) as error:
            lost = str(error)
        except asyncio.CancelledError:
            self.on_lost = None  # by close, or because the loop ends: nobody is to connect again
            raise
        finally:
            self._lose(LinkLost(lost))
            await _disconnected(self._connection)

    async def _answer_to(self, arguments: list[Argument]) -> Answer:
        try:
            await self._connection.send_command(*arguments)
            answer = await self._connection.read_response()
            return as_in_resp2(arguments[0], answer) if self._speaks_resp3 else answer
        except redis.exceptions.RedisError as error:
            # The client takes the first word off the errors that it knows, and calls LOADING a lost connection.
            code = _CODES.get(type(error), "")
            if code or isinstance(error, redis.exceptions.ResponseError):
                return ErrorAnswer(f"{code} {error}".lstrip())
            raise
        except (ValueError, TypeError, RecursionError, MemoryError) as error:  # what redis-py's own parser lets through
            raise LinkLost(f"{_NO_ANSWER}: {str(error) or type(error).__name__}") from error

    def _lose(self, error: LinkLost) -> None:
        self._closed = True
        on_lost, self.on_lost = self.on_lost, None
        if on_lost is not None:
            on_lost()
        while self._waiting:
            self._waiting.popleft()[1](error)

    def close(self) -> None:
        self.on_lost = None
        self._closed = True
        self._worker.cancel()


async def _disconnected(connection: Any) -> None:
    with contextlib.suppress(OSError, redis.exceptions.RedisError):
        await connection.disconnect(nowait=True)
