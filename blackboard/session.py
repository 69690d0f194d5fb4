"""A process's writer session on a board, and what puts its calls right.

The session's sequence keeps calls in order and makes sending one again harmless.  After a lost
connection everything in flight is sent again; after a refusal what it was refused for is mended
first; where neither helps, every caller is told what is known of its commit.
"""

from __future__ import annotations

import asyncio
import contextlib
import secrets
from collections import deque
from typing import TYPE_CHECKING

from blackboard.damage import refusal_about
from blackboard.errors import (
    BlackboardError,
    Corrupt,
    HistoryLost,
    NoBackend,
    ServerRefused,
    Unknown,
    raised_in_script,
)
from blackboard.group import SESSION_TTL_MS
from blackboard.keys import region_of
from blackboard.link import ErrorAnswer, Link, LinkLost, call
from blackboard.reader import Reader
from blackboard.scripts import Script

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from blackboard.backend import Backend
    from blackboard.clock import Clock
    from blackboard.commit import Committed
    from blackboard.group import Request
    from blackboard.keys import BoardKeys


class Call:
    """A group on its way, kept until its outcome is known."""

    __slots__ = ("answer", "born", "refusal", "requests", "sent_at", "sequence", "unanswered_in")

    def __init__(self, requests: list[Request], sequence: int, born: float) -> None:
        self.requests = requests
        self.sequence = sequence
        self.born = born
        self.sent_at = 0.0
        """0 where it was never sent, so that it cannot have been applied"""
        self.refusal: str | None = None
        self.answer: bytes | None = None
        """the outcomes, where replicas are still to confirm them"""
        self.unanswered_in = 0
        """the last epoch in which it went out over a connection that broke before the answer"""

    @property
    def undone(self) -> bool:
        """Whether it is known not to have been applied: never sent, or always refused before the script wrote."""
        if self.unanswered_in or self.refusal is None:
            return not self.sent_at
        return not raised_in_script(self.refusal) and not self.refusal.startswith(("O ", "READBACK"))

    def keys(self, keys: BoardKeys) -> list[str]:
        """The Redis keys that its commits change or ask."""
        named = {write.key for request in self.requests for write in request.writes}
        named |= {str(field) for request in self.requests for guard in request.guards for field in guard[:1]}
        once = [keys.once(request.once) for request in self.requests if request.once]
        shared = [keys.meta, keys.log, keys.revisions, keys.regions, keys.expiries]
        return [*shared, *(keys.records(region) for region in sorted({region_of(key) for key in named})), *once]


class Session(Reader):
    """The state of one writer: what waits, what is in flight, and the connection that carries it.

    A subclass sends: :meth:`_send` one call, :meth:`_flush` what waits.  It calls :meth:`_hold` when a call
    was refused and starts :meth:`_watch` with the first call in flight; while ``_held`` it sends nothing.
    """

    def __init__(self, backend: Backend, keys: BoardKeys, clock: Clock) -> None:
        super().__init__(backend, keys, clock)
        self.on_commit: Callable[[Committed, Request], None] | None = None
        """called for every commit that changed something, in order of revision, before its caller is told; unset
        when history is lost"""
        self._commit_script = Script("commit.lua")
        self._session = _new_name()
        self._opened = False
        self._next_sequence = 1
        self._queue: deque[Request] = deque()
        self._in_flight: deque[Call] = deque()
        self._held = False
        """nothing is sent while a refused call is being put right"""
        self._writer: Link | None = None
        self._repair: asyncio.Task[None] | None = None
        self._watchdog: asyncio.TimerHandle | None = None

    def _send(self, flight: Call) -> None:
        """Send ``flight`` under its sequence, a first time or again."""
        raise NotImplementedError

    def _flush(self) -> None:
        """Send what waits, as far as it may go."""
        raise NotImplementedError

    async def _new_writer(self, *, create: bool = False) -> Link:
        # Opened once: one that is gone afterwards took with it what became of its calls, and is not to begin anew.
        name, ttl_ms = self._session, None if self._opened else SESSION_TTL_MS
        link = await self._introduced(name, ttl_ms, create=create)
        self._opened = self._opened or name == self._session
        self._writer = link
        link.on_lost = self._writer_lost
        if link.closed:
            self._writer = None
            raise NoBackend(f"{self.backend.url}: the connection broke after the handshake")
        return link

    async def _first_writer(self, *, create: bool) -> None:
        """Connect to the board; an embedded server that was killed since it was found is started again meanwhile."""
        deadline = self._loop.time() + self.give_up_after_s
        while self._writer is None:
            try:
                await self._new_writer(create=create)
            except NoBackend:
                if self.backend.kind != "embedded" or self._loop.time() > deadline:
                    raise
                await self.backend.revive()

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
                refused = isinstance(error, ServerRefused)
                if refused:
                    self._refuse_unsent(error)
                if self._loop.time() > deadline or (refused and not self._in_flight):
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
        epoch = self.epoch
        link = await self._new_writer()
        for flight in self._in_flight:
            if flight.sent_at and flight.refusal is None:
                flight.unanswered_in = epoch
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

    async def _heeded(self, link: Link, flight: Call, refusal: str) -> bool:
        last = await self._last_number(link, flight)
        code = refusal.partition(" ")[0]
        if code == "E":
            self._drop_writer()
            return False
        if code == "G" or last is None:
            # The session is not in this server's history, so neither is any call of it that was not answered; in an
            # epoch that goes on somebody has removed it, and with it what became of those.
            if any(one.unanswered_in == self.epoch for one in self._in_flight):
                self._give_up(NoBackend(f"somebody removed {self.keys.session(self._session)}"))
            else:
                self._new_session()
            return False
        if code == "D":
            self._give_up(Corrupt(f"board {self.keys.name!r}: {refusal[2:]}"))
            return False
        if code == "O":
            self._give_up(NoBackend(f"the server forgot the outcome of call {flight.sequence}"))
            return False
        if code == "NOSCRIPT":
            await self._commit_script.load(link, self.answer_within_s)
        elif ErrorAnswer(refusal).passes and self._loop.time() < flight.born + self.give_up_after_s:
            await asyncio.sleep(0.05)
        elif last == flight.sequence:
            # The server stopped in the middle of its writes.  Its number is used up, so the rest takes new ones.
            self._in_flight.popleft()
            self._fail(flight.requests, Corrupt(f"a commit was applied by halves: {refusal}"))
            self._new_session()
            return False
        else:
            error: Exception = NoBackend(f"{self.backend.url} is not ready: {refusal}")
            if not ErrorAnswer(refusal).passes:
                error = await refusal_about(refusal, link, self.keys, flight.keys(self.keys))
            self._in_flight.popleft()
            self._fail(flight.requests, error)
            self._renumber(flight.sequence)
        return True

    async def _last_number(self, link: Link, refused: Call) -> int | None:
        """The sequence of the last call that the session knows, ``None`` where there is no session.

        What followed a refused call is refused too; its answer comes before this one's.
        """
        session = self.keys.session(self._session)
        try:
            last = await call(link, "GETRANGE", session, 0, 20, timeout_s=self.answer_within_s)
        except ErrorAnswer as error:
            if error.code == "WRONGTYPE":  # then the call came no further than this
                return None
            if error.passes or not refused.undone:
                raise
            return refused.sequence - 1
        number = last.partition(b" ")[0]
        return int(number) if number.isdigit() else None

    def _new_session(self) -> None:
        """Go on under a new name and from 1; the handshake opens it."""
        self._drop_writer()
        self._session, self._opened = _new_name(), False
        self._renumber(1)

    def _renumber(self, first: int) -> None:
        for sequence, flight in enumerate(self._in_flight, first):
            flight.sequence = sequence
        self._next_sequence = first + len(self._in_flight)

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
        """Tell every caller: of what was sent the outcome is unknown, unless it is known to be undone."""
        flights, self._in_flight = list(self._in_flight), deque()
        waiting, self._queue = list(self._queue), deque()
        self._new_session()
        not_done = error if isinstance(error, BlackboardError) else NoBackend(f"{self.backend.url}: {error}")
        in_doubt: BlackboardError = Unknown(str(error))
        if isinstance(error, HistoryLost):
            in_doubt = HistoryLost(error.seen, error.head, unknown=True)
        elif isinstance(error, Corrupt):
            in_doubt = Corrupt(f"{error}; whether this commit was applied is not known")
        for flight in flights:
            self._fail(flight.requests, not_done if flight.undone else in_doubt)
        self._fail(waiting, not_done)

    def _refuse_unsent(self, error: Exception) -> None:
        """Tell the callers whose commits never left; those that did are worth some patience."""
        flights, waiting = list(self._in_flight), list(self._queue)
        self._in_flight, self._queue = deque(flight for flight in flights if flight.sent_at), deque()
        if flights:
            self._renumber(flights[0].sequence)
        for flight in flights:
            if not flight.sent_at:
                self._fail(flight.requests, error)
        self._fail(waiting, error)

    def _fail(self, requests: Sequence[Request], error: Exception) -> None:
        for request in requests:
            if not request.future.done():
                request.future.set_exception(error)


def _new_name() -> str:
    return secrets.token_hex(8)
