"""The commit path: one writer session, group commit, and sending again.

Commits issued while a call is in flight leave together in the next.  At most two calls are in
flight; the session's sequence keeps them in order and makes sending one again harmless, so a
lost connection costs a caller nothing but time.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import secrets
from collections import deque
from typing import TYPE_CHECKING, Final

from blackboard.commit import MAX_WRITES, Committed, Previous
from blackboard.ending import end
from blackboard.errors import (
    BlackboardError,
    Corrupt,
    HistoryLost,
    InvalidInput,
    NoBackend,
    ServerRefused,
    TooLarge,
    Unknown,
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
from blackboard.link import Answer, ErrorAnswer, Link, LinkLost, call
from blackboard.reader import PASSING, Reader
from blackboard.scripts import Script

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from blackboard.backend import Backend
    from blackboard.clock import Clock
    from blackboard.commit import Guard

MAX_IN_FLIGHT: Final = 2
EARLY: Final = 12
"""commits that wait for no more company"""


class _Call:
    """A group on its way, kept until its outcome is known."""

    __slots__ = ("born", "refusal", "requests", "sent_at", "sequence")

    def __init__(self, requests: list[Request], sequence: int, born: float) -> None:
        self.requests = requests
        self.sequence = sequence
        self.born = born
        self.sent_at = 0.0
        """0 where it was never sent, so that it cannot have been applied"""
        self.refusal: str | None = None


class Store(Reader):
    """A process's one writer to one board, and its connection for reads."""

    def __init__(self, backend: Backend, keys: BoardKeys, clock: Clock, failpoints: Failpoints | None) -> None:
        super().__init__(backend, keys, clock)
        self.on_commit: Callable[[Committed, Request], None] | None = None
        """called for every commit that changed something, in order of revision, before its caller is told; unset
        when history is lost"""
        self.in_calls_s = 0.0
        """seconds during which at least one call was in flight"""
        self._answered_at = 0.0
        self.refused = 0
        """commits refused by a guard since the store was opened"""
        self.failpoints = failpoints
        self._commit_script = Script("commit.lua")
        self._session = _new_session()
        self._next_sequence = 1
        self._due_regions: tuple[str, ...] = ()
        self._queue: deque[Request] = deque()
        self._in_flight: deque[_Call] = deque()
        self._held = False
        """nothing is sent while a refused call is being put right"""
        self._flush_scheduled = False
        self._writer: Link | None = None
        self._repair: asyncio.Task[None] | None = None
        self._watchdog: asyncio.TimerHandle | None = None

    @classmethod
    async def open(cls, backend: Backend, name: str, clock: Clock, *, create: bool = True) -> Store:
        """Connect to the board ``name``; raises :class:`UsageError` where it is not there and may not be made."""
        store = cls(backend, BoardKeys(name), clock, Failpoints.from_environment(os.environ))
        await store._new_writer(create=create)
        return store

    async def close(self) -> None:
        """Wait for what is in flight, then drop the connections."""
        pending = [request.future for flight in self._in_flight for request in flight.requests]
        pending += [request.future for request in self._queue]
        if pending and not self._over:
            await asyncio.wait(pending, timeout=2 * self.answer_within_s)
        self._over = self._alert = True
        repair, self._repair = self._repair, None
        if repair is not None:
            await end(repair)
        if self._watchdog is not None:
            self._watchdog.cancel()
        self._drop()
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
        if self._alert:
            self.check_told()
        if len(writes) > MAX_WRITES or len(guards) + len(writes) > MAX_OPERATIONS:
            raise TooLarge(
                f"{len(guards)} guards and {len(writes)} writes in one commit; at most {MAX_WRITES:,} writes"
                f" and {MAX_OPERATIONS:,} of both"
            )
        request = Request(guards, writes, author, self._loop.create_future(), once, once_digest, once_ttl_ms)
        if len(self._queue) >= EARLY and len(self._in_flight) < MAX_IN_FLIGHT and not _leans(request):
            self._depart()  # so that the server works on these while the caller makes more
        self._queue.append(request)
        if not self._flush_scheduled and len(self._in_flight) < MAX_IN_FLIGHT and not self._held:
            self._flush_scheduled = True
            self._loop.call_soon(self._flush)
        return request.future

    @property
    def sweeping(self) -> bool:
        """Whether the last answer told of records whose time is over and that the next commit will remove."""
        return bool(self._due_regions)

    def _flush(self) -> None:
        self._flush_scheduled = False
        self._depart()

    def _depart(self) -> None:
        while self._queue and len(self._in_flight) < MAX_IN_FLIGHT and not self._held:
            flight = _Call(self._next_group(), self._next_sequence, self._loop.time())
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
        if queue and _leans(queue[0]):
            # A commit that is guarded by the one before it leaves in the same call, so those before it wait for it.
            head = len(group) - 1
            while head > 0 and _leans(group[head]):
                head -= 1
            if head > 0:
                queue.extendleft(reversed(group[head:]))
                del group[head:]
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
        if self.failpoints is not None:
            self.failpoints.hit("store.before_send")
        try:
            link.send(
                ["EVALSHA", self._commit_script.sha, len(names), *names, *arguments],
                lambda answer: self._answered(flight, answer),
            )
        except (TypeError, ValueError):
            self._refuse_unsendable(flight)
            return
        flight.refusal = None
        flight.sent_at = self._loop.time()
        if self.failpoints is not None:
            self.failpoints.hit("store.after_send")
        if self._watchdog is None:
            self._watchdog = self._loop.call_later(self.answer_within_s, self._watch)

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
        now = self._loop.time()
        self.in_calls_s += now - max(flight.sent_at, self._answered_at)
        self._answered_at = now
        try:
            reply = parse_reply(blob, flight.requests)
        except (Corrupt, ValueError, IndexError) as error:
            self._give_up(Corrupt(f"the outcomes of a call do not parse: {error}"))
            return
        self._in_flight.remove(flight)
        self._due_regions = reply.due_regions
        for request, outcome in zip(flight.requests, reply.outcomes, strict=True):
            future = request.future
            if isinstance(outcome, Committed):
                if outcome.revision and not outcome.repeated:
                    if outcome.revision > self._seen_revision:
                        self._seen, self._seen_revision = outcome.commit, outcome.revision
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

    async def _new_writer(self, *, create: bool = False) -> Link:
        link = await self._introduced(self._session, SESSION_TTL_MS, create=create)
        self._writer = link
        link.on_lost = self._writer_lost
        if link.closed:
            self._writer = None
            raise NoBackend(f"{self.backend.url}: the connection broke after the handshake")
        return link

    def _drop_writer(self) -> None:
        link, self._writer = self._writer, None
        if link is not None:
            link.close()

    def _writer_lost(self) -> None:
        self._writer = None
        self._hold()

    def _hold(self) -> None:
        """Send nothing more until the calls in flight are put right."""
        self._held = True
        if not self._over and self._repair is None:
            self._repair = self._loop.create_task(self._put_right(), name="blackboard-store-repair")

    def _watch(self) -> None:
        """A connection that does not answer is as lost as one that closed."""
        self._watchdog = None
        if not self._in_flight or self._over:
            return
        if self._writer is not None and self._loop.time() - self._in_flight[0].sent_at > 2 * self.answer_within_s:
            self._drop_writer()
            self._hold()
        self._watchdog = self._loop.call_later(self.answer_within_s, self._watch)

    async def _put_right(self) -> None:
        """Come back to a connection on which everything in flight was sent; else tell the callers."""
        deadline = self._loop.time() + self.give_up_after_s
        pause = 0.005
        while not self._over:
            try:
                link = self._writer or await self._revived()
                if await self._mended(link) and link is self._writer:
                    break
            except HistoryLost:
                continue  # its callers were told; what comes now belongs to the history that is there
            except (NoBackend, ServerRefused, LinkLost, ErrorAnswer) as error:
                if isinstance(error, LinkLost):
                    self._drop_writer()
                unsent = not any(flight.sent_at for flight in self._in_flight)
                if self._loop.time() > deadline or (unsent and isinstance(error, ServerRefused)):
                    self._give_up(error)
                    break
            except BlackboardError as error:
                self._give_up(error)
                break
            await asyncio.sleep(pause)
            pause = min(pause * 2, 0.5)
        self._repair = None
        self._held = False
        self._flush()

    async def _revived(self) -> Link:
        with contextlib.suppress(NoBackend):
            await self.backend.revive()
        link = await self._new_writer()
        for flight in self._in_flight:
            flight.refusal = None
        return link

    async def _mended(self, link: Link) -> bool:
        """Mend what the first call in flight was refused for and send all again; false where that needs a new link."""
        flight = self._in_flight[0] if self._in_flight else None
        if flight is not None and flight.refusal is not None and not await self._heeded(link, flight, flight.refusal):
            return False
        for flight in tuple(self._in_flight):
            if flight in self._in_flight:
                self._send(flight)
        return True

    async def _heeded(self, link: Link, flight: _Call, refusal: str) -> bool:
        # What followed a refused call is refused too; its answer comes before this one's.
        session = self.keys.session(self._session)
        last = await call(link, "GETRANGE", session, 0, 20, timeout_s=self.answer_within_s)
        code = refusal.partition(" ")[0]
        if code == "E":
            self._drop_writer()
            return False
        if code == "G":
            # The session is not in this server's history, so neither is any call of it that was not answered.
            self._new_session()
            return False
        if code == "O":
            self._give_up(NoBackend(f"the server forgot the outcome of call {flight.sequence}"))
            return False
        if code == "NOSCRIPT":
            await self._commit_script.load(link, self.answer_within_s)
        elif code in PASSING and self._loop.time() < flight.born + self.give_up_after_s:
            await asyncio.sleep(0.05)
        elif last.partition(b" ")[0] == b"%d" % flight.sequence:
            # The server stopped in the middle of its writes.  Its number is used up, so the rest takes new ones.
            self._in_flight.popleft()
            self._fail(flight.requests, Corrupt(f"a commit was applied by halves: {refusal}"))
            self._new_session()
            return False
        else:
            self._in_flight.popleft()
            self._fail(flight.requests, ServerRefused(refusal))
            self._renumber(flight.sequence)
        return True

    def _new_session(self) -> None:
        """Go on under a new name and from 1; the handshake opens it."""
        self._drop_writer()
        self._session = _new_session()
        self._renumber(1)

    def _renumber(self, first: int) -> None:
        for sequence, flight in enumerate(self._in_flight, first):
            flight.sequence = sequence
        self._next_sequence = first + len(self._in_flight)

    def _refuse_unsendable(self, flight: _Call) -> None:
        """``flight`` holds what no connection takes: tell whose it is, put the others and what follows back."""
        place = self._in_flight.index(flight)
        unsent = list(self._in_flight)[place:]
        for later in reversed(unsent):
            self._in_flight.remove(later)
            self._queue.extendleft(reversed(later.requests))
        self._next_sequence = flight.sequence
        for request in flight.requests:
            reason = request.unsendable()
            if reason:
                self._queue.remove(request)
                self._fail([request], InvalidInput(reason))

    def start_over(self, lost: HistoryLost) -> None:
        """What was guarded by a history that is gone is refused; the next commits belong to the new one."""
        callers = bool(self._in_flight or self._queue)
        self._give_up(lost)
        self.on_commit = None  # who follows builds anew, and asks again then
        super().start_over(lost)
        if callers:
            self._tell()
        self._hold()

    def _give_up(self, error: Exception) -> None:
        """Tell every caller: what was sent is unknown, or void with its history; what was not sent is not done."""
        flights, self._in_flight = list(self._in_flight), deque()
        waiting, self._queue = list(self._queue), deque()
        self._new_session()
        void = isinstance(error, HistoryLost)
        not_done = error if isinstance(error, BlackboardError) else NoBackend(str(error))
        for flight in flights:
            sent = bool(flight.sent_at) and not void
            self._fail(flight.requests, Unknown(str(error)) if sent else not_done)
        self._fail(waiting, not_done)

    def _fail(self, requests: Sequence[Request], error: Exception) -> None:
        for request in requests:
            if not request.future.done():
                request.future.set_exception(error)


def _leans(request: Request) -> bool:
    return any(isinstance(guard, Previous) for guard in request.guards)


def _new_session() -> str:
    return secrets.token_hex(8)
