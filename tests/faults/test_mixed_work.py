"""Several clients do everything that a board can do, some over a connection that breaks: every oracle accepts the run."""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING

from blackboard.commit import Absent, At, Delete, Present, Previous, Put, Unchanged
from blackboard.errors import BlackboardError, Conflict, OnceMismatch
from blackboard.record import Stamp
from blackboard.scripts import Script
from tests.proof.amounts import amount, chance
from tests.proof.dump import read_dump
from tests.proof.history import History
from tests.proof.recording import RecordedBoard
from tests.proof.run import Run
from tests.proof.saved import hold
from tests.proxy import Fate, Proxy
from tests.waiting import eventually

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from random import Random

    from blackboard.commit import Guard, Write
    from blackboard.record import Record
    from tests.conftest import RedisServer

COMMIT = Script("commit.lua").sha.encode()
REGIONS = ("a", "b")
SAME_STAMP = Stamp(author="whoever")
"""of what is sent under one idempotency key, so that whoever sends it first sends the same bytes"""
KEYS = 4
"""per region: few, so that clients meet"""


class Client:
    """One client that does what chance says.  It knows records from what it read and wrote, so some are stale."""

    def __init__(self, board: RecordedBoard, chance: Random) -> None:
        self._board = board
        self._chance = chance
        self._known: dict[str, Record] = {}
        self._revision = 0
        self._values = 0
        self._doings: tuple[Callable[[], Awaitable[object]], ...] = (
            self._create, self._replace, self._replace, self._put_again, self._delete, self._look, self._several,
            self._several, self._once, self._brief, self._chained, self._mutate, self._in_region,
        )  # fmt: skip

    async def work(self, steps: int) -> None:
        """Do ``steps`` things, up to five at a time; those that are refused are no less of a proof."""
        while steps > 0:
            together = self._chance.randint(1, 5)
            await asyncio.gather(*(self._one() for _ in range(together)))
            steps -= together

    async def _one(self) -> None:
        with contextlib.suppress(Conflict, OnceMismatch):
            await self._chance.choice(self._doings)()

    def _key(self) -> str:
        return f"{self._chance.choice(REGIONS)}/{self._chance.randrange(KEYS)}"

    def _value(self) -> str:
        self._values += 1
        return f"{self._board.client} {self._values}"

    def _at(self, key: str) -> Guard:
        known = self._known.get(key)
        return At(key, known.commit) if known is not None else Absent(key)

    async def _create(self) -> None:
        record = await self._board.create(self._key(), self._value())
        self._known[record.key] = record

    async def _replace(self) -> None:
        if self._known:
            record = await self._board.replace(self._chance.choice(list(self._known.values())), self._value())
            self._known[record.key] = record

    async def _put_again(self) -> None:
        key = self._key()
        await self._board.put(key, "always the same")

    async def _delete(self) -> None:
        if self._known:
            await self._board.delete(self._known.pop(self._chance.choice(list(self._known))))

    async def _look(self) -> None:
        record = await self._board.get(self._key())
        if record is not None:
            self._known[record.key] = record

    async def _several(self) -> None:
        keys = self._chance.sample([f"{region}/{n}" for region in REGIONS for n in range(KEYS)], 3)
        guards = [self._at(keys[0]), Present(keys[1]) if self._chance.random() < 0.5 else self._at(keys[1])]
        writes: list[Write] = [Put(keys[0], self._value()), Put(keys[2], self._value())]
        if self._chance.random() < 0.5:
            writes.append(Delete(keys[1]))
        await self._board.commit(guards, writes)

    async def _in_region(self) -> None:
        """Commit where a region has not changed since somewhat earlier."""
        since, self._revision = self._revision, await self._board.revision()
        region = self._chance.choice(REGIONS)
        since = self._chance.choice((since, self._revision))
        await self._board.commit([Unchanged(region, since)], [Put(self._key(), self._value())])

    async def _once(self) -> None:
        """One of few idempotency keys that all clients share, now and then with another payload."""
        name = self._chance.randrange(20)
        value = f"payload {name}" if self._chance.random() < 0.8 else self._value()
        await self._board.put(f"once/{name}", value, once=f"job-{name}", stamp=SAME_STAMP)

    async def _brief(self) -> None:
        await self._board.put(self._key(), self._value(), ttl_ms=self._chance.randint(1, 10))

    async def _chained(self) -> None:
        """A commit that may be refused, and one in the same call that leans on it."""
        key, other = self._key(), self._key()
        outcomes = await asyncio.gather(
            self._board.commit([self._at(key)], [Put(key, self._value())]),
            self._board.commit([Previous()], [Put(f"leaning/{other}", self._value())]),
            return_exceptions=True,
        )
        for outcome in outcomes:
            if isinstance(outcome, BaseException) and not isinstance(outcome, Conflict):
                raise outcome

    async def _mutate(self) -> None:
        await self._board.mutate("hot/1", lambda value: (value or 0) + 1)


def _fate(request: bytes, draw: Random) -> Fate:
    """Now and then a commit or a reader's question, or the answer to it, is lost with its connection."""
    if COMMIT not in request and b"XREAD" not in request:
        return Fate.PASSES
    return draw.choices((Fate.PASSES, Fate.LOST, Fate.UNANSWERED), (18, 1, 1))[0]


async def _finish(boards: list[RecordedBoard], history: History, reading: asyncio.Task[None]) -> list[object]:
    """Wait until replica and reader have come to the head; what went wrong with either."""
    try:
        head = await boards[0].revision()
        async with asyncio.timeout(10):
            await (await boards[1].replica()).caught_up(head)
        await boards[1].show()
        await eventually(lambda: history.told and history.told[-1].commit.endswith(f"-{head}"), "all changes were read")
    except (BlackboardError, TimeoutError, AssertionError) as error:
        return [error]
    finally:
        reading.cancel()
    return [None]


async def test_whatever_clients_do_at_once_over_connections_that_break_every_oracle_accepts_it(
    redis_server: RedisServer, board_name: str
) -> None:
    """The oracles speak first: an error that a client met says less."""
    draw = chance("mixed work")
    history = History()
    async with Proxy(redis_server.socket) as proxy, contextlib.AsyncExitStack() as opened:
        proxy.fate = lambda request: _fate(request, draw)
        boards = []
        for name in ("near", "far", "farther", "reader"):
            url = redis_server.url if name == "near" else proxy.url
            board = await RecordedBoard.recorded(url, board_name, history, name)
            boards.append(await opened.enter_async_context(board))
        await boards[1].replica()
        reading = asyncio.create_task(boards[3].read_changes())
        steps = amount(400, 40_000)
        working = (Client(board, draw).work(steps) for board in boards[:3])
        errors: list[object] = await asyncio.gather(*working, return_exceptions=True)
        errors += await _finish(boards, history, reading)
        (ended,) = await asyncio.gather(reading, return_exceptions=True)
        errors.append(None if isinstance(ended, asyncio.CancelledError) else ended)
    with redis_server.client() as client:
        hold(Run(history, read_dump(client, board_name)))
    for error in errors:
        if isinstance(error, BaseException):
            raise error
    assert proxy.losses
    assert not [event for event in history.events if event.what == "gap"], "the log is whole"
    assert {commit.outcome for commit in history.commits} == {"done", "refused"}
