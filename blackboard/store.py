"""The commit path: queueing, group commit, sending and settling.

Commits issued while a call is in flight leave together in the next.  At most two calls are in
flight; the session keeps them in order and sends them again, so a lost connection costs a caller
nothing but time.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
from typing import TYPE_CHECKING, Final

from blackboard.commit import MAX_WRITES, Committed, Previous
from blackboard.ending import end
from blackboard.errors import Corrupt, InvalidInput, NoBackend, ServerRefused, TooLarge
from blackboard.failpoints import Failpoints
from blackboard.group import (
    MAX_BYTES,
    MAX_COMMITS,
    MAX_OPERATIONS,
    Packed,
    Request,
    arguments_of,
    parse_reply,
)
from blackboard.holds import Holds
from blackboard.keys import BoardKeys
from blackboard.link import Answer, ErrorAnswer, Link, LinkLost
from blackboard.session import Call, Session
from blackboard.trimming import Trimmer

if TYPE_CHECKING:
    from collections.abc import Sequence

    from blackboard.backend import Backend
    from blackboard.clock import Clock
    from blackboard.commit import Guard

MAX_IN_FLIGHT: Final = 2
WAIT_MS: Final = 500
"""how long the server waits for its replicas before it answers with how many there are; it is asked again then"""
EARLY: Final = 12
"""commits that wait for no more company"""


class Store(Session):
    """A process's one writer to one board, and its connection for reads."""

    def __init__(self, backend: Backend, keys: BoardKeys, clock: Clock, failpoints: Failpoints | None) -> None:
        super().__init__(backend, keys, clock)
        self.in_calls_s = 0.0
        """seconds during which at least one call was in flight"""
        self._answered_at = 0.0
        self.holds = Holds(self, keys)
        self.trimmer = Trimmer(self)
        self.refused = 0
        """commits refused by a guard since the store was opened"""
        self.failpoints = failpoints
        self._due_regions: tuple[str, ...] = ()
        self._flush_scheduled = False

    @classmethod
    async def open(cls, backend: Backend, name: str, clock: Clock, *, create: bool = True) -> Store:
        """Connect to the board ``name``; raises :class:`UsageError` where it is not there and may not be made."""
        store = cls(backend, BoardKeys(name), clock, Failpoints.from_environment(os.environ))
        await store._first_writer(create=create)
        return store

    async def close(self) -> None:
        """Wait for what is in flight, then drop the connections; cancelled, drop them without waiting."""
        async with contextlib.AsyncExitStack() as last_first:  # each step is made, also when one before was cancelled
            last_first.push_async_callback(self._let_go)
            last_first.push_async_callback(self.holds.close)
            last_first.push_async_callback(self.trimmer.close)
            pending = [request.future for flight in self._in_flight for request in flight.requests]
            pending += [request.future for request in self._queue]
            if pending and not self._over:
                await asyncio.wait(pending, timeout=2 * self.answer_within_s)

    async def _let_go(self) -> None:
        self._over = self._alert = True
        if self._watchdog is not None:
            self._watchdog.cancel()
        self._drop()
        self._give_up(NoBackend("the board was closed"))
        repair, self._repair = self._repair, None
        if repair is not None:
            await end(repair)

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

    def hasten(self) -> None:
        """Send what waits at once if the server has nothing to do, instead of waiting for what else this turn brings.

        Not for commits whose successor is guarded by :class:`Previous`: it would miss the call.
        """
        if not self._in_flight:
            self._depart()

    @property
    def sweeping(self) -> bool:
        """Whether the last answer told of records whose time is over and that the next commit will remove."""
        return bool(self._due_regions)

    def _flush(self) -> None:
        self._flush_scheduled = False
        self._depart()

    def _depart(self) -> None:
        while self._queue and len(self._in_flight) < MAX_IN_FLIGHT and not self._held:
            flight = Call(self._next_group(), self._next_sequence, self._loop.time())
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

    def _send(self, flight: Call) -> None:
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
        flight.answer = None
        try:
            link.send(
                ["EVALSHA", self._commit_script.sha, len(names), *names, *arguments],
                lambda answer: self._answered(flight, answer),
            )
            if self.backend.replicas:
                self._await_replicas(link, flight)
        except (TypeError, ValueError):
            self._refuse_unsendable(flight)
            return
        flight.refusal = None
        flight.sent_at = self._loop.time()
        if self.failpoints is not None:
            self.failpoints.hit("store.after_send")
        if self._watchdog is None:
            self._watchdog = self._loop.call_later(self.answer_within_s, self._watch)

    def _answered(self, flight: Call, answer: Answer) -> None:
        if isinstance(answer, LinkLost):
            return
        if isinstance(answer, ErrorAnswer):
            flight.refusal = str(answer)
            self._hold()
        elif answer[:1] != b"R":
            flight.refusal = answer.decode()
            self._hold()
        elif self.backend.replicas:
            flight.answer = answer
        else:
            self._settle(flight, answer)

    def _await_replicas(self, link: Link, flight: Call) -> None:
        """Ask for the confirmation of enough replicas; it comes behind the outcomes.

        The server counts the replicas that have all it had written when it answered this connection last, so the
        confirmation of a call that is sent again, and writes nothing, is one of what it wrote the first time.
        """
        link.send(["WAIT", self.backend.replicas, WAIT_MS], lambda answer: self._confirmed(link, flight, answer))

    def _confirmed(self, link: Link, flight: Call, answer: Answer) -> None:
        """Settle ``flight`` and those before it where so many replicas have them, else ask again for a while."""
        if isinstance(answer, LinkLost) or flight.answer is None or flight not in self._in_flight:
            return
        if isinstance(answer, ErrorAnswer):
            self._give_up(ServerRefused(str(answer)))
        elif answer >= self.backend.replicas:
            for earlier in list(self._in_flight)[: self._in_flight.index(flight) + 1]:
                if earlier.answer is not None:
                    self._settle(earlier, earlier.answer)
        elif self._loop.time() > flight.born + self.give_up_after_s:
            self._give_up(NoBackend(f"{answer} of {self.backend.replicas} replicas have confirmed it"))
        elif link is self._writer:
            flight.sent_at = self._loop.time()
            self._await_replicas(link, flight)

    def _settle(self, flight: Call, blob: bytes) -> None:
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
        self.trimmer.note(reply.outcomes)
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

    def _refuse_unsendable(self, flight: Call) -> None:
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


def _leans(request: Request) -> bool:
    return any(isinstance(guard, Previous) for guard in request.guards)
