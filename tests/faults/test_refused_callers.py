"""What one caller is told of a server that refuses, how soon, and what is known of the commit."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING

import pytest
import pytest_asyncio

from blackboard.board import Board
from blackboard.cli import main
from blackboard.connect import connect
from blackboard.errors import NoBackend, ServerRefused, Unknown
from blackboard.scripts import Script
from tests.consistency import check_consistent
from tests.faults.refusing import busy, full_of_clients, loading, tell
from tests.own_server import OwnServer
from tests.proxy import Proxy
from tests.waiting import eventually

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    import redis

COMMIT = Script("commit.lua").sha.encode()


@pytest.fixture
def server() -> Iterator[OwnServer]:
    """A server that loses nothing."""
    with OwnServer("--appendfsync", "always") as own:
        yield own


@pytest.fixture
def client(server: OwnServer) -> Iterator[redis.Redis]:
    """An operator's connection to it."""
    with server.client() as opened:
        yield opened


@pytest_asyncio.fixture
async def proxy(server: OwnServer) -> AsyncIterator[Proxy]:
    """A proxy before it."""
    async with Proxy(server.socket) as between:
        yield between


@pytest_asyncio.fixture
async def far(proxy: Proxy, board_name: str) -> AsyncIterator[Board]:
    """A board that is reached through the proxy, with one record."""
    async with await Board.open(proxy.url, board_name) as board:
        await board.put("a/1", 1)
        yield board


REFUSING = {
    "OOM": (("CONFIG", "SET", "maxmemory", "1kb"), ("CONFIG", "SET", "maxmemory", "0")),
    "READONLY": (("REPLICAOF", "127.0.0.1", "1"), ("REPLICAOF", "NO", "ONE")),
    "NOREPLICAS": (
        ("CONFIG", "SET", "min-replicas-to-write", "1"),
        ("CONFIG", "SET", "min-replicas-to-write", "0"),
    ),
}


@pytest.mark.parametrize("code", REFUSING)
async def test_a_reply_that_was_lost_is_told_though_the_server_takes_no_more_writes(
    code: str, proxy: Proxy, far: Board, client: redis.Redis
) -> None:
    """The handshake wrote the session though it was there, so a full server refused it: the caller waited for half a
    minute and was told that nobody knew."""
    during, after = REFUSING[code]
    proxy.refusing = True
    proxy.lose_reply_to(COMMIT)
    putting = asyncio.create_task(far.put("a/1", 2))
    await eventually(lambda: proxy.losses == 1, "the reply is lost")
    tell(client, *during)
    proxy.refusing = False
    assert (await asyncio.wait_for(putting, 10)).revision == 2
    with pytest.raises(ServerRefused, match=f": {code} "):
        await far.put("a/1", 3)
    tell(client, *after)
    assert (await far.put("a/1", 4)).revision == 3
    assert check_consistent(client, far.name) == 3


@pytest.mark.parametrize("code", REFUSING)
async def test_a_writer_that_connects_again_is_refused_at_once_by_a_server_that_takes_no_writes(
    code: str, proxy: Proxy, far: Board, client: redis.Redis
) -> None:
    during, after = REFUSING[code]
    tell(client, *during)
    proxy.reset()
    started = time.monotonic()
    with pytest.raises(ServerRefused) as refused:
        await far.put("a/1", 2)
    assert refused.value.code == code
    assert time.monotonic() - started < far.store.give_up_after_s / 5
    assert (await far.find("a/*"))[0].value == 1, "it still reads"
    tell(client, *after)
    assert (await far.put("a/1", 2)).revision == 2


async def test_a_commit_that_a_busy_server_never_let_in_is_refused_and_not_unknown(
    far: Board, server: OwnServer, client: redis.Redis
) -> None:
    far.store.give_up_after_s = 0.2
    async with busy(server, client):
        for _ in range(2):
            with pytest.raises(NoBackend, match="BUSY"):
                await far.put("a/1", 2)
        with pytest.raises(NoBackend, match="BUSY"):
            await far.get("a/1")
    assert (await far.put("a/1", 3)).revision == 2


async def test_a_commit_that_may_have_arrived_is_unknown_when_connections_stay_refused(
    far: Board, server: OwnServer, client: redis.Redis
) -> None:
    far.store.give_up_after_s = 0.2
    async with full_of_clients(server, client):
        with pytest.raises(Unknown, match="max number of clients"):
            await far.put("a/1", 2)  # over a connection that it does not know to be gone
        with pytest.raises(NoBackend, match="max number of clients"):
            await far.put("a/1", 2)
        with pytest.raises(NoBackend, match="max number of clients"):
            await far.get("a/1")
        with pytest.raises(NoBackend):
            await connect(server.url)
    assert (await far.put("a/1", 3)).revision == 2


async def test_a_board_on_a_server_that_loads_opens_when_it_has(
    board_name: str, server: OwnServer, client: redis.Redis
) -> None:
    async with await Board.open(server.url, board_name) as board:
        await board.put("a/1", 1)
    async with loading(server, client):
        with pytest.raises(NoBackend, match="is not ready: LOADING"):
            await Board.open(server.url, board_name)
    async with await Board.open(server.url, board_name) as board:
        assert (await board.put("a/1", 2)).revision == 2


async def test_a_node_of_a_cluster_is_refused_by_name(board_name: str, capsys: pytest.CaptureFixture[str]) -> None:
    with OwnServer("--cluster-enabled", "yes") as node:
        with pytest.raises(NoBackend, match="is a cluster node, which is not supported yet"):
            await Board.open(node.url, board_name)
        assert await asyncio.to_thread(main, ["ls", "--url", node.url]) == 4
        assert "is a cluster node" in capsys.readouterr().err
    with pytest.raises(Exception, match=r"redis\+cluster:// is not supported yet; name one server"):
        await Board.open("redis+cluster://localhost", board_name)


async def test_somebody_elses_session_key_is_no_reason_to_send_twice(
    proxy: Proxy, far: Board, client: redis.Redis
) -> None:
    """A session that is gone was taken for one that this server never had, and what it had applied was sent again."""
    await far.put("count/1", 0)
    await far.get("count/1")
    proxy.refusing = True
    proxy.lose_reply_to(COMMIT)
    putting = asyncio.create_task(far.mutate("count/1", lambda n: n + 1))
    await eventually(lambda: proxy.losses == 1, "the reply is lost")
    client.delete(far.store.keys.session(far.store._session))
    proxy.refusing = False
    with pytest.raises(Unknown, match="somebody removed bb:"):
        await putting
    client.delete(far.store.keys.session(far.store._session))
    assert (await far.mutate("count/1", lambda n: n + 1)).value == 2, "what nobody waits for is sent again"
    assert check_consistent(client, far.name) == 4


async def test_an_answer_that_nobody_asked_for_breaks_the_connection_and_nothing_else(
    far: Board, server: OwnServer
) -> None:
    """It was taken from an empty list of those who wait."""
    link = far.store._writer
    assert link is not None
    link.data_received(b"-ERR somebody is talking\r\n")  # type: ignore[attr-defined]
    await eventually(lambda: far.store._writer not in (link, None), "there is another connection")
    assert (await far.put("a/1", 2)).revision == 2
