"""From a URL to a client that sends each command once, or to an error that says what to do."""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING

import pytest
import redis.exceptions
from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff

from blackboard.backend import CONNECT_TIMEOUT_S, SOCKET_TIMEOUT_S
from blackboard.connect import connect
from blackboard.errors import NoBackend, UsageError
from blackboard.settings import Settings, load_settings

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator
    from pathlib import Path

    from tests.conftest import RedisServer


class Relay:
    """A TCP port that leads to the server; it drops the connection instead of an answer to a command in ``mute``."""

    def __init__(self, target: Path) -> None:
        self._target = target
        self._open: set[asyncio.Task[None]] = set()
        self.mute: bytes | None = None
        self.port = 0

    async def serve(self) -> asyncio.Server:
        server = await asyncio.start_server(self._pass_on, "127.0.0.1", 0)
        self.port = server.sockets[0].getsockname()[1]
        return server

    async def _pass_on(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        up_reader, up_writer = await asyncio.open_unix_connection(self._target)
        try:
            while sent := await reader.read(65536):
                up_writer.write(sent)
                answer = await up_reader.read(65536)
                if self.mute is not None and self.mute in sent:
                    return
                writer.write(answer)
        finally:
            for one in (writer, up_writer):
                one.close()
                with contextlib.suppress(OSError):
                    await one.wait_closed()


@pytest.fixture
async def relay(redis_server: RedisServer) -> AsyncIterator[Relay]:
    """A relay to the session's server."""
    made = Relay(redis_server.socket)
    server = await made.serve()
    yield made
    server.close()
    await server.wait_closed()


@pytest.fixture
def user(redis_server: RedisServer) -> Iterator[str]:
    """A user of the session's server who may do everything but INFO, with the password ``pass/word``."""
    with redis_server.client() as client:
        client.execute_command("ACL", "SETUSER", "limited", "on", ">pass/word", "~*", "+@all", "-info")
        yield "limited"
        client.execute_command("ACL", "DELUSER", "limited")


@pytest.mark.parametrize("kind", ["unix", "redis", "memory"])
async def test_every_kind_of_backend_gives_a_client_of_the_same_behaviour(
    redis_url: str, relay: Relay, board_name: str, kind: str
) -> None:
    """Bytes out, the protocol that is set, time-outs, and a connection of one's own to be had."""
    url = {"unix": redis_url, "redis": f"redis://127.0.0.1:{relay.port}/0", "memory": "memory:"}[kind]
    key = f"bb:{{{board_name}}}:x"
    async with await connect(url) as backend:
        await backend.client.set(key, b"\xff")
        assert await backend.client.get(key) == b"\xff"
        assert await backend.client.eval("return redis.call('get', KEYS[1])", 1, key) == b"\xff"
        assert await backend.run_id() == await backend.run_id()
        connection = backend.client.connection_pool.make_connection()  # type: ignore[no-untyped-call]
        assert connection.protocol == (2 if kind == "memory" else int(load_settings().protocol))
        assert connection.health_check_interval == 0
        await connection.connect()
        await connection.send_command("GET", key)
        assert await connection.read_response() == b"\xff"
        await connection.disconnect()
        await backend.revive()
        if kind != "memory":
            assert connection.socket_timeout == SOCKET_TIMEOUT_S
            assert connection.socket_connect_timeout == CONNECT_TIMEOUT_S
            assert connection.client_name == "blackboard"
        assert backend.kind == ("memory" if kind == "memory" else "server")
        assert backend.version.startswith("fakeredis " if kind == "memory" else ("redis ", "valkey "))


async def test_a_command_whose_answer_is_lost_is_not_sent_again(
    redis_server: RedisServer, relay: Relay, board_name: str
) -> None:
    """The client's own retries applied one increment eleven times."""
    key = f"bb:{{{board_name}}}:n"
    async with await connect(f"redis://127.0.0.1:{relay.port}") as backend:
        relay.mute = b"INCR"
        with pytest.raises(redis.exceptions.ConnectionError):
            await backend.client.incr(key)
    with redis_server.client() as client:
        assert client.get(key) == b"1"


async def test_the_harness_sees_a_client_that_sends_again(
    redis_server: RedisServer, relay: Relay, board_name: str
) -> None:
    """So the test before can fail: a client that retries, as one does that is not told otherwise."""
    key = f"bb:{{{board_name}}}:n"
    async with Redis(host="127.0.0.1", port=relay.port, retry=Retry(NoBackoff(), 3)) as client:
        await client.ping()
        relay.mute = b"INCR"
        with pytest.raises(redis.exceptions.ConnectionError):
            await client.incr(key)
    with redis_server.client() as blocking:
        assert int(blocking.get(key) or 0) > 1


async def test_memory_is_of_one_backend_alone(board_name: str) -> None:
    """Two of them share nothing, so tests cannot disturb each other."""
    async with await connect("memory:") as one, await connect("memory:") as other:
        await one.client.set("x", 1)
        assert await other.client.get("x") is None


async def test_settings_name_the_backend_where_no_url_is_given(redis_url: str) -> None:
    """And a URL counts before them."""
    async with await connect(settings=Settings(url=redis_url)) as backend:
        assert backend.kind == "server"
    async with await connect("memory:", settings=Settings(url=redis_url)) as backend:
        assert backend.kind == "memory"


@pytest.mark.parametrize("url", ["redis://user:secret@127.0.0.1:1/0", "unix://user:secret@/nowhere/at/all.sock"])
async def test_a_server_that_is_not_there_is_an_error_that_says_what_to_do(url: str) -> None:
    """Without the password."""
    with pytest.raises(NoBackend, match="embedded:") as refused:
        await connect(url)
    assert "secret" not in str(refused.value)
    assert "***" in str(refused.value)


async def test_a_wrong_password_is_said_without_showing_it(redis_server: RedisServer, user: str) -> None:
    """It is another error than that of a server that is not there."""
    with pytest.raises(NoBackend, match="refuses this user") as refused:
        await connect(f"unix://{user}:wrongone@{redis_server.socket}")
    assert "wrongone" not in str(refused.value)


async def test_a_user_who_may_not_see_a_restart_is_refused(redis_server: RedisServer, user: str) -> None:
    """Without the run id a lost history would not be noticed."""
    with pytest.raises(NoBackend, match="refuses INFO"):
        await connect(f"unix://{user}:pass%2Fword@{redis_server.socket}")


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("redis://host?protocol=4", "protocol: '4' is neither 2 nor 3"),
        ("redis://host?retry_on_timeout=yes", "no option 'retry_on_timeout'"),
        ("redis://:secret@host:port", "is not a server's URL"),
        ("unix://", "no path"),
        ("memory:x", "takes nothing"),
        ("mysql://host", "is not a backend's URL; there are:"),
        ("redis+cluster://host", "not supported yet"),
    ],
)
async def test_a_url_that_means_nothing_is_a_usage_error(url: str, reason: str) -> None:
    """An option that would undo a promise, too."""
    with pytest.raises(UsageError, match=reason) as refused:
        await connect(url)
    assert "secret" not in str(refused.value)


async def test_a_server_that_is_too_old_is_refused(tmp_path: Path) -> None:
    """What it lacks would show much later."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        text = b"# Server\r\nredis_version:5.0.7\r\nredis_mode:standalone\r\nrun_id:x\r\n"
        while sent := await reader.read(4096):
            for command in sent.split(b"*")[1:]:
                writer.write(b"$%d\r\n%s\r\n" % (len(text), text) if b"INFO\r\n$6\r\nserver" in command else b"+OK\r\n")
        writer.close()

    path = tmp_path / "old.sock"
    async with await asyncio.start_unix_server(answer, path):
        with pytest.raises(NoBackend, match=r"is redis 5\.0\.7; 6\.2 or newer is needed"):
            await connect(f"unix://{path}")
