"""A crowd of users of one embedded server, each a process: ``embedded_crowd.py DIR BOARD JOURNALS SEED FIRST USERS``.

They come, add to one record and leave or are killed at moments drawn from SEED; the server and the keeper are killed
now and then too.  The users are numbered from FIRST; each writes what it did into a journal, ``JOURNALS/user-N``.
At the end one line of JSON per user: ``[user, acknowledged, how it ended, what failed]``.
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

from tests.embedded_remains import processes
from tests.proof.history import History
from tests.proof.recording import RecordedBoard

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

AT_ONCE = 8
KILL_EVERY = 12
"""At every so many users that came the server, or the keeper, is killed."""
KILL_BEFORE_S = 0.25
"""A user that is to be killed while it joins is killed within this time; about as long as a cold start takes."""
JOINED, ACKNOWLEDGED, LEFT, FAILED = b"j", b"a", b"l", b"f"


class User:
    """A forked process that uses the server, and what it said of that in single bytes."""

    def __init__(self, number: int, url: str, board: str, journals: Path, chance: random.Random) -> None:
        self.number = number
        self.additions = chance.randint(1, 6)
        self.kill_at: float | None = None
        """monotonic seconds"""
        self.kill_after: int | None = None
        """acknowledgements"""
        fate = chance.random()
        if fate < 0.3:
            self.kill_at = time.monotonic() + chance.uniform(0, KILL_BEFORE_S)
        elif fate < 0.55:
            self.kill_after = chance.randint(0, self.additions)
        self.joined = False
        self.acknowledged = 0
        self.end = "killed"
        self.failure = b""
        self.out, inner = os.pipe()
        self.pid = os.fork()
        if self.pid == 0:
            self._live(url, board, journals / f"user-{number}", inner)
        os.close(inner)

    def _live(self, url: str, board: str, journal: Path, out: int) -> NoReturn:
        try:
            with journal.open("w", encoding="utf-8") as file:
                opening = RecordedBoard.recorded(url, board, History(journal=file), journal.name)
                asyncio.run(add(opening, self.additions, lambda byte: os.write(out, byte)))
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
        self.joined = self.joined or JOINED in said
        self.acknowledged += said.count(ACKNOWLEDGED)
        if LEFT in said:
            self.end = "left"
        return True

    def is_due(self, now: float) -> bool:
        """Whether it is to be killed now."""
        if self.kill_after is not None:
            return self.joined and self.acknowledged >= self.kill_after
        return self.kill_at is not None and now >= self.kill_at

    def kill(self) -> None:
        self.kill_at = self.kill_after = None
        os.kill(self.pid, signal.SIGKILL)

    def bury(self) -> None:
        os.close(self.out)
        os.waitpid(self.pid, 0)


async def add(opening: Awaitable[RecordedBoard], times: int, say: Callable[[bytes], object]) -> None:
    """Add 1 to ``count/all`` ``times`` times, saying when the board is open and when each is acknowledged."""
    async with await opening as board:
        say(JOINED)
        for _ in range(times):
            await board.mutate("count/all", lambda value: (value or 0) + 1)
            say(ACKNOWLEDGED)


def crowd(directory: Path, board: str, journals: Path, seed: int, numbers: range) -> list[User]:
    """Have the users of these ``numbers`` come and go; returns them when all are gone."""
    chance = random.Random(seed)
    selector = selectors.DefaultSelector()
    coming = list(reversed(numbers))
    present: list[User] = []
    gone: list[User] = []
    room = AT_ONCE
    while coming or present:
        while coming and len(present) < room:
            user = User(coming.pop(), f"embedded:{directory}", board, journals, chance)
            selector.register(user.out, selectors.EVENT_READ, user)
            present.append(user)
            # Now a crowd, now one after the other, so that the server is stopped and started in between.
            room = chance.choice([1, 2, AT_ONCE]) if chance.random() < 0.1 else room
            if user.number % KILL_EVERY == KILL_EVERY - 1:
                kill_one(directory, chance.choice(["-server", "-server", "keeper.py"]))
        for event, _ in selector.select(0.005):
            user = event.data
            if not user.hear():
                selector.unregister(user.out)
                user.bury()
                present.remove(user)
                gone.append(user)
        now = time.monotonic()
        for user in present:
            if user.is_due(now):
                user.kill()
    return gone


def kill_one(directory: Path, named: str) -> None:
    """Kill the server or the keeper, where there is one."""
    for pid in processes(directory, named=named):
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)


def main(directory: str, board: str, journals: str, *numbers: str) -> None:
    seed, first, count = map(int, numbers)
    for user in crowd(Path(directory), board, Path(journals), seed, range(first, first + count)):
        row = [user.number, user.acknowledged, user.end, user.failure.decode(errors="replace")]
        sys.stdout.write(json.dumps(row) + "\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
