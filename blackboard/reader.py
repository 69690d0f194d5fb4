"""A process's connection to a board for reading, and what it knows of the board's history.

Every connection shakes hands: a server that came back without a commit that this process saw is
found out before anything is read from it or written to it.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from typing import TYPE_CHECKING, Final

from blackboard.damage import refusal_about
from blackboard.errors import BlackboardError, Corrupt, HistoryLost, NoBackend, UsageError, refusal_of
from blackboard.link import CALL_WITHIN_S, Answer, Argument, ErrorAnswer, Link, LinkLost, call, open_link
from blackboard.record import revision_of
from blackboard.scripts import Greeting, Script, shake_hands

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from blackboard.backend import Backend
    from blackboard.clock import Clock
    from blackboard.keys import BoardKeys

GIVE_UP_AFTER_S: Final = 30.0

_log = logging.getLogger(__name__)


class Reader:
    """Introduces connections to one board, answers reads, and notices when history was lost."""

    def __init__(self, backend: Backend, keys: BoardKeys, clock: Clock) -> None:
        self.backend = backend
        self.keys = keys
        self.clock = clock
        self.epoch = 0
        self.losses = 0
        """how often history was lost; who read before and goes on must see the same number"""
        self.give_up_after_s = GIVE_UP_AFTER_S
        """how long the server may stay away before callers are told"""
        self.answer_within_s = CALL_WITHIN_S
        """how long a connection may owe an answer before it counts as lost; one to a commit twice as long"""
        self.on_history_lost: Callable[[HistoryLost], None] | None = None
        self._handshake = Script("handshake.lua")
        self._seen = ""
        self._seen_revision = 0
        self._runs: dict[int, str] = {}
        self._server_time_offset_ms = 0
        self._lost: HistoryLost | None = None
        self._gone: HistoryLost | None = None
        """why the board that was opened is gone for good"""
        self._over = False
        """closed, or the board that was opened is gone for good"""
        self._untold: HistoryLost | None = None
        self._alert = False
        """over, or a loss is untold: one look for both in the path of every commit"""
        self._link: Link | None = None
        self._linking = asyncio.Lock()
        self._loop = asyncio.get_running_loop()

    @property
    def connected(self) -> bool:
        """Whether there is a connection for reading, as far as is known."""
        return self._link is not None

    async def read(self, *arguments: Argument) -> Answer:
        """Answer a read command, over a new connection where the old one broke.

        Raises :class:`ServerRefused`, :class:`NoBackend`, :class:`HistoryLost`, and :class:`Corrupt` where the key
        is not of its type.
        """
        deadline = self._loop.time() + self.give_up_after_s
        pause, losses, link = 0.01, self.losses, None
        while True:
            try:
                link = self._link or await self._shared()
                answer = await call(link, *arguments, timeout_s=self.answer_within_s)
            except ErrorAnswer as error:
                if not error.passes:
                    raise refusal_of(str(error), self._named_in(arguments)) from error
                if self._loop.time() > deadline:
                    raise NoBackend(f"{self.backend.url} is not ready: {error}") from error
            except (LinkLost, NoBackend) as error:
                if self._link is link:
                    self._drop()
                self.check_open()
                if self._loop.time() > deadline:
                    raise NoBackend(f"no answer from {self.backend.url}: {error}") from error
                with contextlib.suppress(NoBackend):
                    await self.backend.revive()
            else:
                self.same_history(losses)
                return answer
            self.same_history(losses)
            await asyncio.sleep(pause)
            pause = min(pause * 2, 0.5)

    async def number_of(self, field: str) -> int:
        """What the meta hash holds in ``field``, 0 where it holds nothing; raises :class:`Corrupt` for no number."""
        (number,) = await self.numbers_of(field)
        return number

    async def numbers_of(self, *fields: str) -> list[int]:
        """As :meth:`number_of`, of several fields at one moment."""
        numbers = []
        for field, raw in zip(fields, await self.read("HMGET", self.keys.meta, *fields), strict=True):
            try:
                numbers.append(int(raw or 0))
            except ValueError as error:
                raise Corrupt(f"{self.keys.meta} holds no number in its field {field}: {raw[:40]!r}") from error
        return numbers

    async def fields_of(self, name: str) -> dict[bytes, bytes]:
        """What the hash ``name`` holds; raises as :meth:`read`."""
        raw = await self.read("HGETALL", name)
        return dict(zip(raw[::2], raw[1::2], strict=True))

    def _named_in(self, arguments: tuple[Argument, ...]) -> str:
        """The first key of the board in a command."""
        named = (one for one in arguments if isinstance(one, str) and one.startswith(self.keys.prefix))
        return next(named, f"board {self.keys.name}")

    async def new_link(self) -> Link:
        """A connection of one's own for reading, introduced to the board."""
        self.check_open()
        link = await self._introduced()
        if self._over:
            link.close()
            self.check_open()
        return link

    async def _shared(self) -> Link:
        async with self._linking:
            if self._link is None:
                link = await self.new_link()
                self._link = link
                link.on_lost = self._drop
                if link.closed:
                    self._drop()
                    raise LinkLost("the connection broke after the handshake")
        return self._link

    def _drop(self) -> None:
        link, self._link = self._link, None
        if link is not None:
            link.close()

    def saw(self, commit: str) -> None:
        """Note the newest commit that this process has seen; the server is held to it from now on."""
        revision = revision_of(commit)
        if revision > self._seen_revision:
            self._seen, self._seen_revision = commit, revision

    def same_history(self, losses: int) -> None:
        """Raise :class:`HistoryLost` where history was lost since :attr:`losses` was ``losses``."""
        if self.losses != losses and self._lost is not None:
            raise HistoryLost(self._lost.seen, self._lost.head)

    def check_open(self) -> None:
        """Raise :class:`NoBackend` after closing, :class:`HistoryLost` where the board that was opened is gone."""
        if not self._over:
            return
        if self._gone is not None:
            raise HistoryLost(self._gone.seen, self._gone.head)
        raise NoBackend("the board was closed")

    def check_told(self) -> None:
        """:meth:`check_open`, and a loss that was found when nobody waited is raised to the caller, once."""
        self.check_open()
        lost = self._untold
        if lost is not None:
            self._tell()
            raise lost

    @contextlib.contextmanager
    def telling(self) -> Iterator[None]:
        """Around what a user reads: :meth:`check_told` before it, and a loss that it raises itself is told by that."""
        self.check_told()
        try:
            yield
        except HistoryLost:
            self._tell()
            raise

    def _tell(self) -> None:
        self._untold = None
        self._alert = self._over

    def server_now_ms(self) -> int:
        """The server's time as last compared, for expiry and display."""
        fixed = self.clock.server_time_ms()
        return fixed if fixed is not None else self.clock.now_ms() + self._server_time_offset_ms

    def start_over(self, lost: HistoryLost) -> None:
        """Forget what was seen: the connections go, and everybody who read before is told at the next call."""
        _log.warning("%s", lost)
        self._lost = self._untold = lost
        self._alert = True
        self.losses += 1
        self._seen, self._seen_revision = "", 0
        self._drop()
        if self.on_history_lost is not None:
            self.on_history_lost(lost)

    async def _introduced(self, session: str = "", session_ttl_ms: int | None = None, *, create: bool = False) -> Link:
        """A connection that has shaken hands; raises what the handshake found wrong."""
        link = await open_link(self.backend, self.answer_within_s)
        try:
            run_id = await self._run_id(link)
            seen, losses = self._seen, self.losses
            greeting = await shake_hands(
                self._handshake,
                link,
                self.keys,
                run_id=run_id,
                session=session,
                session_ttl_ms=session_ttl_ms,
                seen=seen,
                seen_run=self._runs.get(int(seen.partition("-")[0]), "") if seen else "",
                time_ms=self.clock.server_time_ms(),
                create=create,
                timeout_s=self.answer_within_s,
            )
            self._heed(greeting, seen, losses)
        except ErrorAnswer as error:
            if error.passes:
                link.close()
                raise NoBackend(f"{self.backend.url} is not ready: {error}") from error
            keys = self.keys
            refused = await refusal_about(str(error), link, keys, (keys.meta, keys.log))
            link.close()
            raise refused from error
        except LinkLost as error:
            link.close()
            raise NoBackend(f"{self.backend.url}: {error}") from error
        except BaseException:
            link.close()
            raise
        return link

    async def _run_id(self, link: Link) -> str:
        """The identity of the server behind ``link`` itself, so that no restart can slip in between."""
        if self.backend.kind == "memory":
            return await self.backend.run_id()
        info = await call(link, "INFO", "server", timeout_s=self.answer_within_s)
        for line in info.decode().splitlines():
            if line.startswith("run_id:"):
                return str(line[7:])
        raise NoBackend("the server does not tell its run id")

    def _heed(self, greeting: Greeting, seen: str, losses: int) -> None:
        self.check_open()  # another connection may have found out meanwhile
        refused = self._objection(greeting, seen)
        if refused is not None:
            raise refused
        self.epoch = greeting.epoch
        self._runs[greeting.epoch] = greeting.run_id
        self._server_time_offset_ms = greeting.time_ms - self.clock.now_ms()
        if greeting.status == "lost" and self.losses == losses:  # else it was told already
            lost = HistoryLost(seen, greeting.head)
            self.start_over(lost)
            raise lost

    def _objection(self, greeting: Greeting, seen: str) -> BlackboardError | None:
        """Why the board behind a greeting is not the one to work on, for good."""
        name = self.keys.name
        if greeting.status == "format":
            return Corrupt(f"board {name!r} has format {greeting.epoch}, which this version does not know")
        if greeting.status == "disagree":
            said = f"{self.keys.meta} says that its head is {greeting.head}, {self.keys.log} does not"
            return Corrupt(f"board {name!r}: {said}; nothing was changed")
        if greeting.status == "absent" and not seen:
            return UsageError(f"no board {name!r} at {self.backend.url}")
        if greeting.status in ("absent", "other"):
            # A board made anew gives the names of commits a second time: a guard read on the old one could hold
            # by chance, so nothing goes through this object any more.
            lost = HistoryLost(seen, greeting.head if greeting.status == "other" else "none, the board is gone")
            self._over, self._gone = True, lost
            self.start_over(lost)
            return lost
        return None
