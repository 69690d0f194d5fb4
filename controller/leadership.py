"""One controller leads a board at a time: its record is guarded in every commit that the controller makes.

The record says who leads and is never rewritten while that lasts.  Whether the leader still lives is seen
by a counter outside the log: a member whose counter has not moved for one lease, on the observer's own
monotonic clock, is dead.  Safety does not rest on that judgement but on the guard.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import secrets
import socket
from typing import TYPE_CHECKING, Final

from blackboard.commit import Absent, At, Delete, Put
from blackboard.control_records import LEADER
from blackboard.control_shapes import checked
from blackboard.errors import BlackboardError, Conflict
from blackboard.record import Stamp

if TYPE_CHECKING:
    from blackboard.board import Board
    from blackboard.commit import Guard
    from blackboard.record import Record

LEASE_S: Final = 3.0
_KEPT_MS: Final = 24 * 3600 * 1000


def new_member() -> str:
    """A name for this process that no other has: ``host:pid:random``."""
    return f"{socket.gethostname()}:{os.getpid()}:{secrets.token_hex(4)}"


class Leadership:
    """A member's claim to lead a board.  ``commit`` is what its commits guard, ``""`` while it does not lead."""

    def __init__(self, board: Board, member: str) -> None:
        self.member = member
        self.commit = ""
        self._board = board
        self._counter = 0
        self._beating: asyncio.Task[None] | None = None

    @property
    def guard(self) -> At:
        """Holds while this member leads."""
        return At(LEADER, self.commit)

    async def acquire(self) -> str:
        """Lead, as soon as nobody else does; returns who led before, ``""`` for nobody.

        A leader on this host whose process is gone is dead at once; another one after one lease without
        a sign of life.
        """
        await self._beat()
        self._beating = asyncio.create_task(self._beat_on(), name="blackboard-heartbeat")
        while True:
            present = await self._board.get(LEADER)
            if present is not None:
                await self._until_dead(checked(present))
            guards: list[Guard] = [Absent(LEADER) if present is None else At(LEADER, present.commit)]
            put = Put(LEADER, {"member": self.member})
            try:
                done = await self._board.commit(guards, [put], stamp=Stamp(author=self.member))
            except Conflict:
                continue
            self.commit = done.commit
            return str(present.value["member"]) if present is not None else ""

    async def release(self) -> None:
        """Stop leading, so that the next one need not wait."""
        if self._beating is not None:
            self._beating.cancel()
            await asyncio.gather(self._beating, return_exceptions=True)
        if self.commit:
            commit, self.commit = self.commit, ""
            with contextlib.suppress(Conflict):  # somebody else leads by now: there is nothing left to give up
                await self._board.commit([At(LEADER, commit)], [Delete(LEADER)], stamp=Stamp(author=self.member))
        await self._board.store.read("DEL", self._board.store.keys.alive(self.member))

    async def _until_dead(self, leader: Record) -> None:
        """Return when ``leader`` shows no life, or another record stands in its place."""
        member = str(leader.value["member"])
        if gone_from_this_host(member):
            return
        clock, last_sign, seen = self._board.store.clock, None, self._board.store.clock.monotonic()
        while clock.monotonic() - seen < LEASE_S:
            sign = await self._board.store.read("GET", self._board.store.keys.alive(member))
            if sign != last_sign:
                last_sign, seen = sign, clock.monotonic()
            present = await self._board.get(LEADER)
            if present is None or present.commit != leader.commit or gone_from_this_host(member):
                return
            await clock.sleep(LEASE_S / 20)

    async def _beat_on(self) -> None:
        while True:
            await self._board.store.clock.sleep(LEASE_S / 3)
            try:
                await self._beat()
            except BlackboardError:
                continue  # the server is away: the next beat tries again, and the guard decides

    async def _beat(self) -> None:
        self._counter += 1
        alive = self._board.store.keys.alive(self.member)
        await self._board.store.read("SET", alive, str(self._counter), "PX", _KEPT_MS)


async def is_led(board: Board) -> bool:
    """Whether somebody leads ``board``, as far as its records say and this host can tell; raises :class:`Corrupt`."""
    leader = await board.get(LEADER)
    return leader is not None and not gone_from_this_host(str(checked(leader).value["member"]))


def gone_from_this_host(member: str) -> bool:
    """Whether ``member`` was a process of this host that no longer exists."""
    host, _, rest = member.partition(":")
    pid = rest.partition(":")[0]
    if host != socket.gethostname() or not pid.isdecimal():
        return False
    try:
        os.kill(int(pid), 0)
    except (ProcessLookupError, OverflowError):
        return True
    except PermissionError:
        return False
    return False
