"""The commit path: one writer session, group commit, re-sending, and the handshake of every connection.

Commits issued while a call is in flight leave together in the next.  At most two calls are in
flight; the session's sequence keeps them in order and makes sending one again harmless, so a
lost connection costs a caller nothing but time.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import secrets
from collections import deque
from typing import TYPE_CHECKING, Final

from blackboard.commit import MAX_WRITES, Committed
from blackboard.errors import (
    BlackboardError,
    Corrupt,
    HistoryLost,
    NoBackend,
    ServerRefused,
    TooLarge,
    Unknown,
    UsageError,
)
from blackboard.failpoints import Failpoints
from blackboard.group import (
    MAX_BYTES,
    MAX_COMMITS,
    MAX_OPERATIONS,
    SESSION_TTL_MS,
    Packed,
    Request,
    arguments_of,
    parse_reply,
)
from blackboard.keys import BoardKeys
from blackboard.link import Answer, Argument, ErrorAnswer, Link, LinkLost, call, open_link
from blackboard.record import revision_of
from blackboard.scripts import Greeting, Script, shake_hands

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from blackboard.backend import Backend
    from blackboard.clock import Clock
    from blackboard.commit import Guard

MAX_IN_FLIGHT: Final = 2
ANSWER_WITHIN_S: Final = 10.0
GIVE_UP_AFTER_S: Final = 30.0
# The server said "not now"; the same call a moment later is answered.
_PASSING = frozenset({"LOADING", "BUSY", "TRYAGAIN", "MASTERDOWN", "CLUSTERDOWN"})

_log = logging.getLogger(__name__)


class _Call:
    """A group on its way, kept until its outcome is known."""

    __slots__ = ("refusal", "requests", "sent_at", "sequence")

    def __init__(self, requests: list[Request], sequence: int) -> None:
        self.requests = requests
        self.sequence = sequence
        self.sent_at = 0.0
        self.refusal: str | None = None


class Store:
    """A process's one writer to one board, and its connection for reads."""

    def __init__(self, backend: Backend, keys: BoardKeys, clock: Clock, failpoints: Failpoints | None) -> None:
        self.backend = backend
        self.keys = keys
        self.clock = clock
        self.epoch = 0
        self.on_commit: Callable[[Committed, Request], None] | None = None
        """called for every commit that changed something, in order of revision, before its caller is told"""
        self.on_history_lost: Callable[[HistoryLost], None] | None = None
        self.refused = 0
        """commits refused by a guard since the store was opened"""
        self.failpoints = failpoints
        self._commit_script = Script("commit.lua")
        self._handshake_script = Script("handshake.lua")
        self._session = _new_session()
        self._next_sequence = 1
        self._seen = ""
        self._runs: dict[int, str] = {}
        self._server_time_offset_ms = 0
        self._due_regions: tuple[str, ...] = ()
        self._queue: deque[Request] = deque()
        self._in_flight: deque[_Call] = deque()
        self._held = False
        """nothing is sent while a refused call is being put right"""
        self._flush_scheduled = False
        self._closed = False
        self._writer: Link | None = None
        self._reader: Link | None = None
        self._reading = asyncio.Lock()
        self._repair: asyncio.Task[None] | None = None
        self._watchdog: asyncio.TimerHandle | None = None
        self._loop = asyncio.get_running_loop()

    @classmethod
    async def open(cls, backend: Backend, name: str, clock: Clock, *, create: bool = True) -> Store:
        """Connect to the board ``name``; raises :class:`UsageError` where it is not there and may not be made."""
        store = cls(backend, BoardKeys(name), clock, Failpoints.from_environment(os.environ))
        store._writer = await store._introduced(session=True, create=create)
        store._writer.on_lost = store._writer_lost
        return store

    # -- connections ------------------------------------------------------------------------

    async def _introduced(self, *, session: bool, create: bool = False) -> Link:
        """A connection that has shaken hands; raises what the handshake found wrong."""
        link = await open_link(self.backend)
        try:
            greeting = await shake_hands(
                self._handshake_script,
                link,
                self.keys,
                run_id=await self._run_id(link),
                session=self._session,
                session_ttl_ms=SESSION_TTL_MS if session else None,
                seen=self._seen,
                seen_run=self._runs.get(int(self._seen.partition("-")[0]), "") if self._seen else "",
                time_ms=self.clock.server_time_ms(),
                create=create,
            )
            self._heed(greeting)
        except BaseException:
            link.close()
            raise
        return link

    async def _run_id(self, link: Link) -> str:
        """The identity of the server behind ``link`` itself, so that no restart can slip in between."""
        if self.backend.kind == "memory":
            return await self.backend.run_id()
        info = await call(link, "INFO", "server")
        for line in info.decode().splitlines():
            if line.startswith("run_id:"):
                return str(line[7:])
        raise NoBackend("the server does not tell its run id")

    def _heed(self, greeting: Greeting) -> None:
        if greeting.status == "absent":
            if self._seen:
                raise HistoryLost(self._seen, "none: the board is gone")
            raise UsageError(f"no board {self.keys.name!r} at {self.backend.url}")
        if greeting.status == "format":
            raise Corrupt(f"board {self.keys.name!r} has format {greeting.epoch}, which this version does not know")
        if greeting.status == "disagree":
            raise Corrupt(
                f"board {self.keys.name!r}: its head says {greeting.head}, its log does not; nothing was changed"
            )
        self.epoch = greeting.epoch
        self._runs[greeting.epoch] = greeting.run_id
        self._server_time_offset_ms = greeting.time_ms - self.clock.now_ms()
        if greeting.status == "lost":
            lost = HistoryLost(self._seen, greeting.head)
            self._start_over(lost)
            raise lost

    def server_now_ms(self) -> int:
        """The server's time as last compared, for expiry and display."""
        fixed = self.clock.server_time_ms()
        return fixed if fixed is not None else self.clock.now_ms() + self._server_time_offset_ms

    def saw(self, commit: str) -> None:
        """Note the newest commit that this process has seen; the server is held to it from now on."""
        if revision_of(commit) > revision_of(self._seen):
            self._seen = commit

    async def read(self, *arguments: Argument) -> Answer:
        """Answer a read command, over a new connection where the old one broke.

        Raises :class:`ServerRefused`, :class:`NoBackend`, :class:`HistoryLost`.
        """
        deadline = self.clock.monotonic() + GIVE_UP_AFTER_S
        pause = 0.01
        while True:
            try:
                if self._reader is None:
                    async with self._reading:
                        if self._reader is None:
                            self._reader = await self.new_link()
                            self._reader.on_lost = self._reader_lost
                return await call(self._reader, *arguments)
            except ErrorAnswer as error:
                if error.code not in _PASSING or self.clock.monotonic() > deadline:
                    raise ServerRefused(str(error)) from error
            except (LinkLost, NoBackend) as error:
                self._reader_lost()
                if self._closed or self.clock.monotonic() > deadline:
                    raise NoBackend(f"no answer from {self.backend.url}: {error}") from error
                with contextlib.suppress(NoBackend):
                    await self.backend.revive()
            await asyncio.sleep(pause)
            pause = min(pause * 2, 0.5)

    async def new_link(self) -> Link:
        """A connection of one's own for reading, introduced to the board."""
        return await self._introduced(session=False)

    def _reader_lost(self) -> None:
        if self._reader is not None:
            self._reader.close()
            self._reader = None

    async def close(self) -> None:
        """Wait for what is in flight, then drop the connections."""
        pending = [request.future for flight in self._in_flight for request in flight.requests]
        pending += [request.future for request in self._queue]
        if pending and not self._closed:
            await asyncio.wait(pending, timeout=ANSWER_WITHIN_S)
        self._closed = True
        if self._repair is not None:
            self._repair.cancel()
        if self._watchdog is not None:
            self._watchdog.cancel()
        for link in (self._writer, self._reader):
            if link is not None:
                link.close()
        self._give_up(NoBackend("the board was closed"))

    # -- commits ----------------------------------------------------------------------------

    def submit(
        self,
        guards: Sequence[Guard],
        writes: Sequence[Packed],
        author: str = "",
        *,
        once: str = "",
        once_digest: str = "",
        once_ttl_ms: int = 0,
    ) -> asyncio.Future[Committed]:
        """Queue a commit; the future gives :class:`Committed` or raises why it was not applied.

        Commits of one process are applied in the order in which they were submitted.  Cancelling the
        future abandons the answer only: the commit goes its way.
        """
        if self._closed:
            raise NoBackend("the board was closed")
        if len(writes) > MAX_WRITES or len(guards) + len(writes) > MAX_OPERATIONS:
            raise TooLarge(
                f"{len(guards)} guards and {len(writes)} writes in one commit; at most {MAX_WRITES:,} writes"
                f" and {MAX_OPERATIONS:,} of both"
            )
        request = Request(guards, writes, author, self._loop.create_future(), once, once_digest, once_ttl_ms)
        self._queue.append(request)
        if not self._flush_scheduled and len(self._in_flight) < MAX_IN_FLIGHT and not self._held:
            self._flush_scheduled = True
            self._loop.call_soon(self._flush)
        return request.future

    def _flush(self) -> None:
        self._flush_scheduled = False
        while self._queue and len(self._in_flight) < MAX_IN_FLIGHT and not self._held:
            flight = _Call(self._next_group(), self._next_sequence)
            self._next_sequence += 1
            self._in_flight.append(flight)
            self._send(flight)

    def _next_group(self) -> list[Request]:
        queue, group = self._queue, [self._queue.popleft()]
        operations, size = group[0].operations, group[0].size
        while queue and len(group) < MAX_COMMITS:
            operations += queue[0].operations
            size += queue[0].size
            if operations > MAX_OPERATIONS or size > MAX_BYTES:
                break
            group.append(queue.popleft())
        return group

    def _send(self, flight: _Call) -> None:
        link = self._writer
        if link is None:
            self._hold()
            return
        names, arguments = arguments_of(
            self.keys,
            flight.requests,
            session=self._session,
            sequence=flight.sequence,
            epoch=self.epoch,
            time_ms=self.clock.server_time_ms(),
            due_regions=self._due_regions,
        )
        flight.refusal = None
        flight.sent_at = self._loop.time()
        if self.failpoints is not None:
            self.failpoints.hit("store.before_send")
        link.send(
            ["EVALSHA", self._commit_script.sha, len(names), *names, *arguments],
            lambda answer: self._answered(flight, answer),
        )
        if self.failpoints is not None:
            self.failpoints.hit("store.after_send")
        if self._watchdog is None:
            self._watchdog = self._loop.call_later(ANSWER_WITHIN_S / 2, self._watch)

    def _answered(self, flight: _Call, answer: Answer) -> None:
        if isinstance(answer, LinkLost):
            return
        if isinstance(answer, ErrorAnswer):
            flight.refusal = str(answer)
            self._hold()
        elif answer[:1] != b"R":
            flight.refusal = answer.decode()
            self._hold()
        else:
            self._settle(flight, answer)

    def _settle(self, flight: _Call, blob: bytes) -> None:
        if self.failpoints is not None:
            self.failpoints.hit("store.before_settle")
        reply = parse_reply(blob, flight.requests, self.epoch)
        self._in_flight.remove(flight)
        self._due_regions = reply.due_regions
        for request, outcome in zip(flight.requests, reply.outcomes, strict=True):
            future = request.future
            if isinstance(outcome, Committed):
                if outcome.revision and not outcome.repeated:
                    if outcome.revision > revision_of(self._seen):
                        self._seen = outcome.commit
                    if self.on_commit is not None:
                        self.on_commit(outcome, request)
                if not future.done():
                    future.set_result(outcome)
            else:
                self.refused += 1
                if not future.done():
                    future.set_exception(outcome)
        if self.failpoints is not None:
            self.failpoints.hit("store.after_settle")
        if self._queue:
            self._flush()

    # -- putting things right ---------------------------------------------------------------

    def _writer_lost(self) -> None:
        self._writer = None
        self._hold()

    def _hold(self) -> None:
        """Send nothing more until the calls in flight are put right."""
        self._held = True
        if not self._closed and (self._repair is None or self._repair.done()):
            self._repair = self._loop.create_task(self._put_right(), name="blackboard-store-repair")

    def _watch(self) -> None:
        """A connection that does not answer is as lost as one that closed."""
        self._watchdog = None
        if not self._in_flight or self._closed:
            return
        if self._writer is not None and self._loop.time() - self._in_flight[0].sent_at > ANSWER_WITHIN_S:
            self._writer.close()
            self._writer_lost()
        self._watchdog = self._loop.call_later(ANSWER_WITHIN_S / 2, self._watch)

    async def _put_right(self) -> None:
        deadline = self.clock.monotonic() + GIVE_UP_AFTER_S
        pause = 0.005
        while True:
            try:
                if self._writer is None:
                    with contextlib.suppress(NoBackend):
                        await self.backend.revive()
                    self._writer = await self._introduced(session=True)
                    self._writer.on_lost = self._writer_lost
                    for flight in self._in_flight:
                        flight.refusal = None
                elif any(flight.refusal for flight in self._in_flight):
                    # What followed a refused call is refused too, and its answer comes before this one's.
                    await call(self._writer, "PING")
                if self._writer is not None:
                    await self._heed_refusals(self._writer)
                    break
            except HistoryLost:
                continue
            except (NoBackend, LinkLost, ErrorAnswer, ServerRefused) as error:
                if self.clock.monotonic() > deadline:
                    self._give_up(error)
                    break
            except BlackboardError as error:
                self._give_up(error)
                break
            await asyncio.sleep(pause)
            pause = min(pause * 2, 0.5)
        self._held = False
        self._flush()

    async def _heed_refusals(self, link: Link) -> None:
        """Mend what the first call in flight was refused for, then send all again."""
        refusal = (self._in_flight[0].refusal or "") if self._in_flight else ""
        code = refusal.partition(" ")[0]
        if code == "NOSCRIPT":
            await self._commit_script.load(link)
        elif code == "E":
            link.close()
            self._writer = await self._introduced(session=True)
            self._writer.on_lost = self._writer_lost
        elif code == "G":
            # The session is not in this server's history, so neither is any call of it that was not answered.
            link.close()
            self._session = _new_session()
            self._writer = await self._introduced(session=True)
            self._writer.on_lost = self._writer_lost
            self._renumber(1)
        elif code == "O":
            self._give_up(Unknown(f"the server forgot the outcome of call {self._in_flight[0].sequence}"))
        elif code in _PASSING:
            raise ServerRefused(refusal)
        elif code:
            refused = self._in_flight.popleft()
            self._fail(refused.requests, _refused_by_server(refusal))
            self._renumber(refused.sequence)
        for flight in self._in_flight:
            self._send(flight)

    def _renumber(self, first: int) -> None:
        for sequence, flight in enumerate(self._in_flight, first):
            flight.sequence = sequence
        self._next_sequence = first + len(self._in_flight)

    def _start_over(self, lost: HistoryLost) -> None:
        """What was guarded by a history that is gone is refused; the next commits belong to the new one."""
        _log.warning("%s", lost)
        self._seen = ""
        flights, self._in_flight = list(self._in_flight), deque()
        waiting, self._queue = list(self._queue), deque()
        self._session = _new_session()
        self._next_sequence = 1
        for flight in flights:
            self._fail(flight.requests, lost)
        self._fail(waiting, lost)
        if self.on_history_lost is not None:
            self.on_history_lost(lost)

    def _give_up(self, error: Exception) -> None:
        """Tell every caller: what was sent is unknown, what was not is not done."""
        flights, self._in_flight = list(self._in_flight), deque()
        waiting, self._queue = list(self._queue), deque()
        self._session = _new_session()
        self._next_sequence = 1
        if self._writer is not None:
            self._writer.close()
            self._writer = None
        for flight in flights:
            self._fail(flight.requests, Unknown(str(error)) if flight.sent_at else NoBackend(str(error)))
        self._fail(waiting, error if isinstance(error, BlackboardError) else NoBackend(str(error)))

    def _fail(self, requests: Sequence[Request], error: Exception) -> None:
        for request in requests:
            if not request.future.done():
                request.future.set_exception(error)


def _refused_by_server(text: str) -> BlackboardError:
    """A server's error as one of ours; nothing was applied."""
    if text.startswith("READBACK"):
        return Corrupt(text)
    return ServerRefused(text)


def _new_session() -> str:
    return secrets.token_hex(8)
