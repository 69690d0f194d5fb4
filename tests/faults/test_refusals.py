"""Everything that a server can refuse: callers are told by one documented error or not at all, and go on afterwards.

What each refusal means to a caller is the table in ``docs/errors.md``.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
from typing import TYPE_CHECKING, NamedTuple

import pytest

from blackboard.ending import end
from blackboard.errors import ServerRefused
from blackboard.scripts import Script
from tests.faults.refusing import USER, busy, flushing, full_of_clients, loading, locked_out, order, setting
from tests.own_server import OwnServer
from tests.proof.amounts import amount, chance
from tests.proof.dump import read_dump
from tests.proof.flat import drained, flat, footprint
from tests.proof.history import History
from tests.proof.recording import RecordedBoard
from tests.proof.run import Run
from tests.proof.saved import hold
from tests.proof.writers import Writer
from tests.waiting import eventually

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import AbstractAsyncContextManager

    import redis

COMMIT = Script("commit.lua").sha.encode()
WRITERS = 3
OF_THE_WORK = {"Conflict", "OnceMismatch"}
"""what writers tell each other"""


class Refusal(NamedTuple):
    """One way to refuse, and the first word of the :class:`ServerRefused` that callers get; empty: they wait."""

    during: Callable[[OwnServer, redis.Redis], AbstractAsyncContextManager[None]]
    code: str = ""
    breaks: bool = False
    """whether connections end; a commit sent over one before that was seen is waited for, since it may be done"""


REFUSALS = {
    "NOSCRIPT": Refusal(flushing),
    "LOADING": Refusal(loading),
    "BUSY": Refusal(busy),
    "maxclients": Refusal(full_of_clients),
    "READONLY": Refusal(order("REPLICAOF", "127.0.0.1", "1", after=("REPLICAOF", "NO", "ONE")), "READONLY"),
    "OOM": Refusal(setting("maxmemory", "1kb"), "OOM"),
    "NOREPLICAS": Refusal(setting("min-replicas-to-write", "1"), "NOREPLICAS"),
    "one command is forbidden": Refusal(order(*USER, "-evalsha", after=(*USER, "+evalsha")), "NOPERM"),
    "all commands are forbidden": Refusal(order(*USER, "-@all", after=(*USER, "+@all")), "NOPERM"),
    "all keys are forbidden": Refusal(order(*USER, "resetkeys", after=(*USER, "~*")), "NOPERM"),
    "the password is another": Refusal(locked_out, "WRONGPASS", breaks=True),
}


@pytest.fixture
def server() -> Iterator[OwnServer]:
    """A server that loses nothing, with a user ``app`` besides the one without a name."""
    with OwnServer("--appendfsync", "always", "--user", "app", "on", ">secret", "~*", "&*", "+@all") as own:
        yield own


def as_app(server: OwnServer) -> str:
    return server.url.replace("unix://", "unix://app:secret@")


@pytest.mark.parametrize("kind", REFUSALS)
async def test_what_a_server_refuses_has_one_error_and_is_over_when_it_is_over(
    kind: str, server: OwnServer, board_name: str
) -> None:
    """Under writers and a reader; whether anything was lost, halved or repeated is judged by every oracle."""
    refusal, moment = REFUSALS[kind], chance(kind)
    history, enough = History(), asyncio.Event()
    async with contextlib.AsyncExitStack() as stack:
        client = stack.enter_context(server.client())
        before = footprint(client)
        *boards, reader = [
            await stack.enter_async_context(await RecordedBoard.recorded(as_app(server), board_name, history, name))
            for name in (*(f"w{n}" for n in range(WRITERS)), "reader")
        ]
        reading = asyncio.create_task(read_on(reader, history))
        writers = [Writer(board, random.Random(moment.randrange(1 << 30))) for board in boards]
        writing = [asyncio.create_task(writer.write_until(enough)) for writer in writers]
        for _ in range(amount(2, 40)):
            await go_on(history, moment.randrange(50, 150))
            async with refusal.during(server, client):
                if refusal.breaks:
                    await eventually(lambda: boards[0].store._held, "the broken connection is seen")
                if refusal.code:
                    with pytest.raises(ServerRefused) as told:
                        await asyncio.wait_for(boards[0].put("probe/1", 1), 10)
                    assert told.value.code == refusal.code
                await asyncio.sleep(moment.uniform(0.02, 0.2))
        await go_on(history, 50)
        enough.set()
        await asyncio.wait_for(asyncio.gather(*writing), 30)
        restless = await drained(*boards, reader)
        head = await reader.revision()
        await eventually(lambda: last_told(history) == head, "the reader was told of all", 30)
        await boards[0].show()
        await end(reading)
        hold(Run(history, read_dump(client, board_name)), *restless)
        told_all = set().union(*(writer.errors for writer in writers))
        assert told_all <= OF_THE_WORK | ({"ServerRefused"} if refusal.code else set())
    with server.client() as client:
        client.flushall()
        await eventually(lambda: flat(before, footprint(client)) == [], "nothing is left over")


async def read_on(reader: RecordedBoard, history: History) -> None:
    """Read all changes; a reader whom the server takes no more is told, too, and begins again where it was."""
    while True:
        with contextlib.suppress(ServerRefused):
            await reader.read_changes(since=last_told(history))
        await asyncio.sleep(0.02)


async def go_on(history: History, commits: int) -> None:
    """Return when so many more commits were made."""

    def made() -> int:
        return sum(1 for commit in history.commits if commit.outcome == "done")

    goal = made() + commits
    await eventually(lambda: made() >= goal, "the writers go on", 30)


def last_told(history: History) -> int:
    return int(history.told[-1].commit.partition("-")[2]) if history.told else 0
