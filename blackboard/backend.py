"""The server that boards live on, as one process is connected to it."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Literal, Self, TypeAlias

import redis.asyncio
import redis.exceptions

from blackboard.errors import NoBackend

if TYPE_CHECKING:
    from types import TracebackType

    from blackboard.embedded import EmbeddedServer

Kind: TypeAlias = Literal["embedded", "memory", "server"]

SOCKET_TIMEOUT_S = 10.0
"""How long a command may go unanswered; a blocking read must ask for less than half of it."""
CONNECT_TIMEOUT_S = 5.0
CLIENT_NAME = "blackboard"
MEMORY_RUN_ID = "memory"


class Backend:
    """A connected server.  ``client`` sends each command once: who repeats one decides so himself.

    ``url`` is for showing: passwords in it are masked.  ``version`` is what the server says of
    itself, such as ``redis 7.0.15``, or ``fakeredis 2.40.0`` for one that is none.
    """

    def __init__(
        self,
        url: str,
        kind: Kind,
        client: redis.asyncio.Redis,
        version: str,
        *,
        embedded: EmbeddedServer | None = None,
        replicas: int = 0,
    ) -> None:
        self.url = url
        self.kind: Kind = kind
        self.client = client
        self.version = version
        self.replicas = replicas
        """how many replicas must have a commit before it is acknowledged"""
        self._embedded = embedded
        self._reviving = asyncio.Lock()

    async def run_id(self) -> str:
        """What names this life of the server: another after a restart or a failover.

        ``memory`` for a server in this process, which has one life.  Raises ``NoBackend``.
        """
        if self.kind == "memory":
            return MEMORY_RUN_ID
        try:
            return str((await self.client.info("server"))["run_id"])
        except redis.exceptions.RedisError as error:
            raise NoBackend(f"no answer from {self.url}: {error}") from error

    async def revive(self) -> None:
        """Have the server run again where that is ours to do: an embedded one that was killed is started.

        To be called when a connection broke, before the next attempt.  For other kinds it does nothing.
        Raises ``NoBackend`` when the server cannot be started.
        """
        if self._embedded is None:
            return
        async with self._reviving:
            await asyncio.shield(asyncio.to_thread(self._embedded.revive))
            # Those that idle would each fail once more, if they are of the life before.
            await self.client.connection_pool.disconnect(inuse_connections=False)

    async def aclose(self) -> None:
        """Close the connections and stop using the server, also where this is cancelled; a second call does nothing."""
        closing = asyncio.ensure_future(self.client.aclose())
        try:
            await asyncio.shield(closing)
        except asyncio.CancelledError:
            await closing  # the client, cancelled before it began with a connection, would leave that one open
            raise
        finally:
            if self._embedded is not None:
                async with self._reviving:
                    await asyncio.shield(asyncio.to_thread(self._embedded.close))

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()
