"""Two servers, one the replica of the other, that change places when the primary is killed."""

from __future__ import annotations

import asyncio
import socket
from typing import TYPE_CHECKING, Self

from tests.own_server import OwnServer
from tests.proof.relay import Relay
from tests.waiting import eventually

if TYPE_CHECKING:
    from types import TracebackType


class Pair:
    """A primary, a replica, and between them a relay that makes the replica lag."""

    def __init__(self) -> None:
        self.ports: dict[OwnServer, int] = {}
        self.primary, self.replica = self._server(), self._server()
        self._relay = Relay(self.ports[self.primary])

    async def __aenter__(self) -> Self:
        await self._relay.__aenter__()
        await self.follow()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._relay.__aexit__(kind, error, trace)
        for server in self.ports:
            server.__exit__(kind, error, trace)

    def _server(self) -> OwnServer:
        port = _free_port()
        server = OwnServer("--port", str(port), "--repl-diskless-sync", "no", "--repl-timeout", "30")
        self.ports[server] = port
        return server

    async def follow(self) -> None:
        """Let the replica follow the primary; returns once it has everything up to now."""
        self._relay.target = self.ports[self.primary]
        with self.replica.client() as client:
            client.replicaof("127.0.0.1", str(self._relay.port))
        await eventually(self._in_step, "the replica has what the primary has", 30)

    def _in_step(self) -> bool:
        with self.replica.client() as replica, self.primary.client() as primary:
            there, here = primary.info("replication"), replica.info("replication")
            has = int(here["slave_repl_offset"]) if here["master_link_status"] == "up" else -1
            return has >= int(there["master_repl_offset"])

    def lag(self) -> None:
        """From now on the replica gets nothing more."""
        self._relay.hold()

    async def catch_up(self) -> None:
        """Let the replica receive again; returns once it has everything up to now."""
        self._relay.drop()
        await eventually(self._in_step, "the replica has what the primary has", 30)

    async def promote(self) -> None:
        """Kill the primary, make the replica the primary; the one that was killed comes back as :meth:`rejoin` says."""
        await asyncio.to_thread(self.primary.kill)
        self._relay.drop()
        with self.replica.client() as client:
            client.replicaof("NO", "ONE")
        self.primary, self.replica = self.replica, self.primary

    async def rejoin(self) -> None:
        """Start the one that was killed, empty, as the replica of the new primary."""
        self.replica.restore(None)
        await asyncio.to_thread(self.replica.start)
        await self.follow()


def _free_port() -> int:
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        return int(listening.getsockname()[1])
