"""RESP3 and RESP2, with hiredis and without: the same board over each.  ``make matrix`` runs every combination."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Any

import pytest
from redis.asyncio import Redis
from redis.asyncio.connection import ConnectionPool, UnixDomainSocketConnection

from blackboard.backend import Backend
from blackboard.connect import connect
from blackboard.errors import NoBackend
from blackboard.link import ClientLink, Link, LinkLost, SocketLink, call
from blackboard.server_binary import find_server
from blackboard.settings import Settings
from tests.matrix.combination import Combination
from tests.matrix.servers import Server
from tests.waiting import eventually

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from blackboard.board import Board
    from tests.conftest import RedisServer

KINDS: tuple[type[SocketLink | ClientLink], ...] = (SocketLink, ClientLink)


async def protocol_of(link: Link) -> int:
    told = await call(link, "HELLO")
    return int(told[told.index(b"proto") + 1])


@pytest.fixture
def user(redis_server: RedisServer) -> Iterator[str]:
    """A user with the password ``pass/word``."""
    with redis_server.client() as client:
        client.execute_command("ACL", "SETUSER", "three", "on", ">pass/word", "~*", "+@all")
        yield "three"
        client.execute_command("ACL", "DELUSER", "three")


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(("query", "setting", "spoken"), [
    ("", "2", 2), ("", "3", 3), ("?protocol=3", "2", 3), ("?protocol=2", "3", 2),
])  # fmt: skip
async def test_the_protocol_of_the_url_is_spoken_and_else_that_of_the_settings(
    redis_url: str, kind: type[SocketLink | ClientLink], query: str, setting: Any, spoken: int
) -> None:
    async with await connect(redis_url + query, settings=Settings(protocol=setting)) as backend:
        link = await kind.open(backend)
        assert await protocol_of(link) == spoken
        link.close()
        told: Any = await backend.client.execute_command("HELLO")  # type: ignore[no-untyped-call]
        assert (told[b"proto"] if spoken == 3 else told[told.index(b"proto") + 1]) == spoken


@pytest.mark.parametrize("kind", KINDS)
async def test_answers_are_the_same_in_both_protocols(
    redis_url: str, board: Board, kind: type[SocketLink | ClientLink]
) -> None:
    """A map, a double, a verbatim text, nothing, and what a script says."""
    await board.put("a/1", {"x": 1}, ttl_ms=60_000)
    keys = board.store.keys
    commands: list[tuple[Any, ...]] = [
        ("HGETALL", keys.meta), ("HGETALL", "none"), ("ZSCORE", keys.expiries, "a/1"), ("GET", "none"),
        ("XRANGE", keys.log, "-", "+"), ("XREAD", "STREAMS", keys.log, "0"), ("XREAD", "STREAMS", "none", "0"),
        ("HSCAN", keys.meta, 0), ("HKEYS", keys.meta), ("CONFIG", "GET", "appendonly"), ("EVAL", "return {1, false}", 0),
        ("EVAL", "return redis.call('HGETALL', KEYS[1])", 1, keys.meta),
    ]  # fmt: skip
    answers = []
    for protocol in ("2", "3"):
        async with await connect(f"{redis_url}?protocol={protocol}") as backend:
            link = await kind.open(backend)
            answers.append([await call(link, *command) for command in commands])
            assert b"run_id:" in (await call(link, "INFO", "server"))
            link.close()
    assert answers[0] == answers[1]


@pytest.mark.parametrize("kind", KINDS)
async def test_a_user_is_introduced_over_resp3_too(
    redis_server: RedisServer, user: str, kind: type[SocketLink | ClientLink]
) -> None:
    async with await connect(f"unix://{user}:pass%2Fword@{redis_server.socket}?protocol=3&db=1") as backend:
        link = await kind.open(backend)
        assert await call(link, "ACL", "WHOAMI") == b"three"
        assert b" db=1 " in await call(link, "CLIENT", "LIST", "ID", await call(link, "CLIENT", "ID"))
        link.close()
    with pytest.raises(NoBackend, match="refuses this user") as refused:
        await connect(f"unix://{user}:wrongone@{redis_server.socket}?protocol=3")
    assert "wrongone" not in str(refused.value)


@pytest.mark.parametrize("kind", KINDS)
async def test_a_server_that_takes_connections_and_says_nothing_is_given_up_in_the_time_given(
    tmp_path: Path, kind: type[SocketLink | ClientLink]
) -> None:
    """Through redis-py it took the client's own 5 s, twice, however little time was given."""
    closed = asyncio.Event()

    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while await reader.read(100):
            pass
        writer.close()
        closed.set()

    path = tmp_path / "silent.sock"
    async with await asyncio.start_unix_server(silent, path):
        pool = ConnectionPool(connection_class=UnixDomainSocketConnection, path=str(path), protocol=3)
        async with Backend("unix://silent", "server", Redis.from_pool(pool), "redis 0.0.0") as backend:
            began = time.monotonic()
            with pytest.raises(NoBackend, match=r"no answer in 0\.2 s"):
                await kind.open(backend, 0.2)
            assert time.monotonic() - began < 3
        await asyncio.wait_for(closed.wait(), 5)


@pytest.mark.parametrize("kind", KINDS)
async def test_a_link_that_is_closed_at_once_leaves_no_connection(
    redis_url: str, redis_server: RedisServer, kind: type[SocketLink | ClientLink]
) -> None:
    """A task that is cancelled before it began runs nothing, so what it was to close stayed open."""
    async with await connect(redis_url) as backend:
        await backend.client.connection_pool.disconnect()
        with redis_server.client() as client:
            before = len(client.client_list())
            links = [await kind.open(backend) for _ in range(5)]
            assert len(client.client_list()) == before + 5
            for link in links:
                link.close()
            await eventually(lambda: len(client.client_list()) == before, "the connections are gone")


GARBAGE = [
    b"HTTP/1.1 400 Bad Request\r\n\r\n", b":abc\r\n", b"*4294967295\r\n", b"$-5\r\n", b"%1\r\n*1\r\n:1\r\n:1\r\n",
    b"*1\r\n" * 5_000 + b":1\r\n", b"$99999999999999999999\r\n", b"\x00\xff\r\n",
]  # fmt: skip


@pytest.mark.parametrize("garbage", GARBAGE, ids=range(len(GARBAGE)))
@pytest.mark.parametrize("kind", KINDS)
async def test_what_is_no_answer_of_a_server_is_a_lost_connection_and_nothing_worse(
    tmp_path: Path, kind: type[SocketLink | ClientLink], garbage: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    """The event loop logged it with a traceback, as a bug of ours."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while sent := await reader.read(4096):
            writer.write(garbage if b"GET" in sent else b"+OK\r\n" * sent.count(b"*"))
        writer.close()

    path = tmp_path / "garbage.sock"
    async with await asyncio.start_unix_server(serve, path):
        pool = ConnectionPool(connection_class=UnixDomainSocketConnection, path=str(path), protocol=2)
        async with Backend("unix://garbage", "server", Redis.from_pool(pool), "redis 0.0.0") as backend:
            link = await kind.open(backend)
            with pytest.raises(LinkLost):
                await call(link, "GET", "a", timeout_s=3)
            assert link.closed
    assert [record for record in caplog.records if record.levelname == "ERROR"] == []


@pytest.mark.parametrize(("protocol", "hiredis"), [("3", True), ("2", False), ("3", False)])
def test_the_tests_of_the_board_pass_on_every_protocol_and_parser(protocol: Any, hiredis: bool, tmp_path: Path) -> None:
    """A part of the matrix; the rest of this session is the combination that is not here."""
    chosen = tuple(f"tests/integration/test_{name}.py" for name in ("commit", "log", "once", "replica"))
    outcome = Combination(Server("PATH", find_server()), protocol, hiredis).run(tmp_path, chosen)
    assert outcome.passed, f"{'  '.join(outcome.combination.columns)}\n{outcome.output[-20_000:]}"
