"""A crowd of users of one embedded server, each a process: ``embedded_crowd.py DIR BOARD SEED FIRST USERS``.

They come, add to one record and leave or are killed at moments drawn from SEED; the server and the keeper are killed
now and then too.  At the end one line of JSON per user: ``[user, tried, acknowledged, how it ended, what failed]``.
The users are numbered from FIRST, and sign their commits ``user-N``.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import random
import selectors
import signal
import sys
import time
import traceback
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

from blackboard.board import Board
from tests.embedded_remains import processes

if TYPE_CHECKING:
    from collections.abc import Callable

AT_ONCE = 8
KILL_BEFORE_S = 0.25
"""A user that is to be killed while it joins is killed within this time; about as long as a cold start takes."""
TRIED, ACKNOWLEDGED, LEFT, FAILED = b"t", b"a", b"l", b"f"


class User:
    """A forked process that uses the server, and what it said of that in single bytes."""

    def __init__(self, number: int, url: str, board: str, chance: random.Random) -> None:
        self.number = number
        self.additions = chance.randint(1, 6)
        self.waits = chance.random() < 0.3
        self.kill_at: float | None = None
        """monotonic seconds"""
        self.kill_after: int | None = None
        """acknowledgements"""
        fate = chance.random()
        if fate < 0.3:
            self.kill_at = time.monotonic() + chance.uniform(0, KILL_BEFORE_S)
        elif fate < 0.55:
            self.kill_after = chance.randint(0, self.additions)
        self.tried = self.acknowledged = 0
        self.end = "killed"
        self.failure = b""
        self.out, inner = os.pipe()
        self.pid = os.fork()
        if self.pid == 0:
            self._live(url, board, inner)
        os.close(inner)

    def _live(self, url: str, board: str, out: int) -> NoReturn:
        os.setsid()  # what is sent to the crowd's group is not meant for its users
        try:
            asyncio.run(add(url, board, f"user-{self.number}", self.additions, lambda byte: os.write(out, byte)))
            os.write(out, LEFT)
        except BaseException:  # noqa: BLE001 - the crowd tells it, and the test fails
            os.write(out, FAILED + traceback.format_exc().encode())
        os._exit(0)

    def hear(self) -> bool:
        """Take in what it said; false when it is gone."""
        said = os.read(self.out, 65536)
        if not said:
            return False
        if self.failure or FAILED in said:
            said, _, failure = (b"", b"", said) if self.failure else said.partition(FAILED)
            self.failure += failure
            self.end = "failed"
        self.tried += said.count(TRIED)
        self.acknowledged += said.count(ACKNOWLEDGED)
        if LEFT in said:
            self.end = "left"
        return True

    def is_due(self, now: float) -> bool:
        """Whether it is to be killed now."""
        if self.kill_after is not None:
            return self.acknowledged >= self.kill_after and self.tried > 0
        return self.kill_at is not None and now >= self.kill_at

    def kill(self) -> None:
        self.kill_at = self.kill_after = None
        os.kill(self.pid, signal.SIGKILL)


async def add(url: str, name: str, author: str, times: int, say: Callable[[bytes], object]) -> None:
    """Add 1 to ``count/all`` ``times`` times, saying when each is tried and when it is acknowledged."""
    async with await Board.open(url, name, author=author) as board:
        for _ in range(times):
            say(TRIED)
            await board.mutate("count/all", lambda value: (value or 0) + 1)
            say(ACKNOWLEDGED)


def crowd(directory: Path, board: str, seed: int, first: int, count: int) -> list[User]:
    """Have ``count`` users come and go; returns when all are gone."""
    chance = random.Random(seed)
    selector = selectors.DefaultSelector()
    coming = list(range(first, first + count))
    present: list[User] = []
    all_users: list[User] = []
    room = AT_ONCE
    while coming or present:
        while coming and len(present) < room:
            user = User(coming.pop(0), f"embedded:{directory}", board, chance)
            selector.register(user.out, selectors.EVENT_READ, user)
            present.append(user)
            all_users.append(user)
            if user.number % 12 == 11:
                kill_one(directory, chance.choice(["-server", "-server", "keeper.py"]))
        if not coming or len(present) >= room:
            # Now a crowd, now one after the other, so that the server is stopped and started in between.
            room = chance.randint(1, AT_ONCE) if chance.random() < 0.2 else room
        for event, _ in selector.select(0.005):
            user = event.data
            if not user.hear():
                selector.unregister(user.out)
                os.close(user.out)
                os.waitpid(user.pid, 0)
                present.remove(user)
        now = time.monotonic()
        for user in present:
            if user.is_due(now):
                user.kill()
    return all_users


def kill_one(directory: Path, named: str) -> None:
    """Kill the server or the keeper, where there is one."""
    for pid in processes(directory, named=named):
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)


def main(directory: Path, board: str, seed: int, first: int, count: int) -> None:
    for user in crowd(directory, board, seed, first, count):
        row = [user.number, user.tried, user.acknowledged, user.end, user.failure.decode(errors="replace")]
        sys.stdout.write(json.dumps(row) + "\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2], *(int(word) for word in sys.argv[3:6]))
