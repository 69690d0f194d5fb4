"""The floor: a client that does nothing but send what was prepared, so that what is left is Redis and the script."""

from __future__ import annotations

import asyncio
import secrets
from collections import deque
from time import perf_counter
from typing import TYPE_CHECKING, Any, NamedTuple

import hiredis

from benchmarks.team import BOARD
from blackboard.connect import connect
from blackboard.group import Request, arguments_of
from blackboard.keys import BoardKeys
from blackboard.link import open_link
from blackboard.scripts import Script, shake_hands

if TYPE_CHECKING:
    from collections.abc import Sequence

    from benchmarks.recording import Recording, Sent
    from benchmarks.server import Counters, PrivateServer

IN_FLIGHT = 2
SESSION_MS = 3_600_000


class FloorRun(NamedTuple):
    """One pass over a recording: the time from the first call to the last answer, and what the server did."""

    seconds: float
    activations: int
    server: Counters


class Wire(asyncio.Protocol):
    """hiredis on a socket: bytes out, answers in, at most ``IN_FLIGHT`` calls under way."""

    def __init__(self) -> None:
        self.answers: list[Any] = []
        self._reader = hiredis.Reader()
        self._left: deque[bytes] = deque()
        self._under_way = 0
        self._done: asyncio.Future[None] | None = None
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    async def play(self, calls: Sequence[bytes], in_flight: int = IN_FLIGHT) -> None:
        """Send ``calls`` in order and return when all are answered; the answers are appended to ``answers``."""
        self._left.extend(calls)
        self._done = asyncio.get_running_loop().create_future()
        for _ in range(min(in_flight, len(calls))):
            self._send()
        await self._done

    def _send(self) -> None:
        assert self._transport is not None, "the server closed the connection"
        self._under_way += 1
        self._transport.write(self._left.popleft())

    def data_received(self, data: bytes) -> None:
        self._reader.feed(data)
        while (answer := self._reader.gets()) is not False:
            self.answers.append(answer)
            self._under_way -= 1
            if self._left:
                self._send()
            elif not self._under_way and self._done is not None:
                self._done.set_result(None)

    def connection_lost(self, exc: Exception | None) -> None:
        self._transport = None
        if self._done is not None and not self._done.done():
            self._done.set_exception(exc or ConnectionError("the server closed the connection"))

    def close(self) -> None:
        if self._transport is not None:
            self._transport.abort()


class Player:
    """A connection to a new, empty board, and the calls that repeat a recording on it."""

    def __init__(self, wire: Wire, sha: str, session: str, epoch: int) -> None:
        self.wire = wire
        self._keys = BoardKeys(BOARD)
        self._sha = sha
        self._session = session
        self._epoch = epoch
        self._sequence = 0

    @classmethod
    async def open(cls, server: PrivateServer, epoch: int) -> Player:
        """Make the board and open a session on it, which must be in the recording's epoch for its guards to hold."""
        session = secrets.token_hex(8)
        script = Script("commit.lua")
        async with await connect(server.url) as backend:
            link = await open_link(backend)
            greeting = await shake_hands(
                Script("handshake.lua"),
                link,
                BoardKeys(BOARD),
                run_id=await backend.run_id(),
                session=session,
                session_ttl_ms=SESSION_MS,
                seen="",
                seen_run="",
                time_ms=None,
                create=True,
            )
            assert (greeting.epoch, greeting.revision) == (epoch, 0), f"the new board begins at {greeting.head}"
            await script.load(link)
            link.close()
        _, wire = await asyncio.get_running_loop().create_unix_connection(Wire, str(server.socket))
        return cls(wire, script.sha, session, epoch)

    def prepare(self, commits: Sequence[Sent], calls: int) -> list[bytes]:
        """``commits`` as that many calls of sizes as equal as can be, ready to be written to a socket."""
        ends = [len(commits) * (number + 1) // calls for number in range(calls)]
        return [self._call(commits[start:end]) for start, end in zip([0, *ends], ends, strict=False)]

    def _call(self, commits: Sequence[Sent]) -> bytes:
        self._sequence += 1
        nobody = asyncio.get_running_loop().create_future()
        requests = [Request(sent.guards, sent.writes, sent.author, nobody) for sent in commits]
        names, arguments = arguments_of(
            self._keys, requests, session=self._session, sequence=self._sequence, epoch=self._epoch, time_ms=None
        )
        command: tuple[Any, ...] = ("EVALSHA", self._sha, len(names), *names, *arguments)
        packed: bytes = hiredis.pack_command(command)
        return packed

    def check(self, commits: int) -> None:
        """Assert that every one of ``commits`` commits was applied and changed something."""
        answers = self.wire.answers
        assert all(isinstance(answer, bytes) and answer.startswith(b"R ") for answer in answers), answers[-1]
        lines = [line for answer in answers for line in answer.split(b"\n")[1:]]
        applied = [line for line in lines if line.startswith(b"+") and not line.startswith(b"+0 ")]
        assert len(applied) == len(lines) == commits, f"{len(applied)} of {commits} commits were applied"


async def run_floor(server: PrivateServer, recording: Recording, calls: int) -> FloorRun:
    """Repeat the recorded work in ``calls`` calls; what went before it is sent first and not timed."""
    player = await Player.open(server, recording.epoch)
    setup = player.prepare(recording.setup, 1 + len(recording.setup) // 100)
    work = player.prepare(recording.work, calls)
    await player.wire.play(setup)
    before = server.counters()
    started = perf_counter()
    await player.wire.play(work)
    seconds = perf_counter() - started
    done = server.counters().since(before)
    player.check(len(recording.commits))
    player.wire.close()
    return FloorRun(seconds, len(recording.work) // 2, done)
