"""The writer session: whatever happens to connections, a commit is applied once and its caller learns the truth."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import importlib.util
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import pytest_asyncio
import redis

from blackboard.board import Board
from blackboard.clock import SystemClock
from blackboard.commit import Absent, At, Put
from blackboard.connect import connect
from blackboard.errors import Conflict, Corrupt, NoBackend, ServerRefused, Unknown, UsageError
from blackboard.group import Packed, Request, arguments_of
from blackboard.keys import BoardKeys
from blackboard.link import ClientLink, ErrorAnswer, LinkLost, SocketLink, call, open_link
from blackboard.scripts import Script, shake_hands
from tests.consistency import check_consistent
from tests.own_server import OwnServer
from tests.proxy import Proxy
from tests.waiting import eventually

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from blackboard.backend import Backend
    from blackboard.link import Answer, Link
    from tests.conftest import RedisServer


ROOT = str(Path(__file__).parents[2])
# The other kind is hiredis' own, and this may run where there is none.
KINDS_OF_LINK = (ClientLink, SocketLink) if importlib.util.find_spec("hiredis") else (ClientLink,)


class Session:
    """A writer session spoken by hand, to say what the store never says."""

    def __init__(self, link: Link, keys: BoardKeys) -> None:
        self.link = link
        self.keys = keys
        self.script = Script("commit.lua")
        self.epoch = 1

    async def open(self, name: str) -> None:
        greeting = await shake_hands(
            Script("handshake.lua"), self.link, self.keys, run_id="r", session=name, session_ttl_ms=60_000,
            seen="", seen_run="", time_ms=None, create=True,
        )  # fmt: skip
        self.epoch = greeting.epoch

    async def put(self, name: str, sequence: int, key: str, value: str, epoch: int | None = None) -> Answer:
        request = Request([], [_packed(key, value)], "", asyncio.get_running_loop().create_future())
        keys, arguments = arguments_of(
            self.keys, [request], session=name, sequence=sequence, epoch=epoch or self.epoch, time_ms=1000
        )
        return await self.script.run(self.link, keys, arguments)

    async def value(self, key: str) -> bytes | None:
        stored = await call(self.link, "HGET", self.keys.records("a"), key)
        return None if stored is None else stored.split(b" ", 4)[4]


def _packed(key: str, value: str) -> Packed:
    return Packed(key, 0, f"digest-of-{value}", value.encode())


@pytest_asyncio.fixture
async def session(backend: Backend, board_name: str) -> AsyncIterator[Session]:
    """A session ``s`` on a new board."""
    link = await open_link(backend)
    spoken = Session(link, BoardKeys(board_name))
    await spoken.open("s")
    yield spoken
    link.close()


async def test_a_call_sent_again_gets_the_stored_outcome_and_is_not_applied_again(session: Session) -> None:
    first = await session.put("s", 1, "a/1", "one")
    assert first == b"R 1 1000\n+1 1"
    assert await session.put("s", 1, "a/1", "one") == first
    second = await session.put("s", 2, "a/1", "two")
    assert await session.put("s", 1, "a/1", "one") == first, "two calls may be in flight, so two are kept"
    assert await session.put("s", 2, "a/1", "two") == second
    assert await session.value("a/1") == b"two"


async def test_a_gap_an_old_number_and_a_session_that_is_gone_are_refused(session: Session) -> None:
    for number in (1, 2, 3):
        await session.put("s", number, "a/1", str(number))
    assert await session.put("s", 5, "a/1", "gap") == b"G 3"
    assert await session.put("s", 1, "a/1", "late duplicate") == b"O 3"
    assert await session.put("never opened", 1, "a/1", "late first call") == b"G 0"
    assert await session.put("s", 4, "a/1", "other epoch", epoch=9) == b"E 1"
    assert await session.value("a/1") == b"3"


async def test_an_emptied_script_cache_costs_the_callers_nothing(board: Board, redis_server: RedisServer) -> None:
    await board.put("a/1", 1)
    with redis_server.client() as client:
        client.script_flush()
        assert len(await asyncio.gather(*(board.put(f"a/{n}", n) for n in range(600)))) == 600
        client.script_flush()
        await board.put("a/1", "after")
        client.script_flush()
        async with await Board.open(board.backend, board.name) as other:
            assert (await other.get("a/1")).value == "after"  # type: ignore[union-attr]
        assert check_consistent(client, board.name) == 601


async def test_a_full_server_refuses_whole_commits_and_takes_them_again_with_memory_back(board_name: str) -> None:
    with OwnServer("--maxmemory", "0") as server, server.client() as client:
        async with await Board.open(server.url, board_name) as board:
            kept = await board.put("a/1", 1)
            client.config_set("maxmemory", "1kb")
            outcomes = await asyncio.gather(
                *(board.put(f"b/{n}", "x" * 10_000) for n in range(600)), return_exceptions=True
            )
            assert all(isinstance(outcome, ServerRefused) for outcome in outcomes)
            assert "OOM" in str(outcomes[0])
            with pytest.raises(ServerRefused):
                await board.delete("a/1")
            assert await board.get("a/1") == kept
            assert check_consistent(client, board_name) == 1
            client.config_set("maxmemory", "0")
            assert (await board.put("b/1", 2)).revision == 2
            assert (await board.replace(kept, 2)).revision == 3
            assert check_consistent(client, board_name) == 3


async def test_a_server_that_became_a_read_only_replica_refuses(board_name: str) -> None:
    with OwnServer() as server, server.client() as client:
        async with await Board.open(server.url, board_name) as board:
            await board.put("a/1", 1)
            client.execute_command("REPLICAOF", "127.0.0.1", "1")
            with pytest.raises(ServerRefused, match="READONLY"):
                await board.put("a/1", 2)
            with pytest.raises(ServerRefused, match="READONLY"):
                await Board.open(server.url, "another")
            client.execute_command("REPLICAOF", "NO", "ONE")
            assert (await board.put("a/1", 3)).revision == 2


async def test_a_commit_that_the_server_broke_off_in_the_middle_does_not_lend_its_outcome_to_the_next(
    board: Board, redis_server: RedisServer
) -> None:
    """The number of a call that failed after its first write is used up.  Reused, it gave the next call the outcome
    of the one that failed: a commit was acknowledged that was never made."""
    await board.put("a/1", 1)
    script, sound = board.store._commit_script, Script("commit.lua")
    write = "redis.call('HSET', KEYS[1], 'revision', head)\n"
    assert write in script.text
    script.text = script.text.replace(write, write + "redis.call('INCR', KEYS[2])\n")  # not a number
    script.sha = hashlib.sha1(script.text.encode()).hexdigest()
    with redis_server.client() as client:
        with pytest.raises(Corrupt, match="by halves"):
            await board.put("a/2", 2)
        script.text, script.sha = sound.text, sound.sha
        client.hset(board.store.keys.meta, "revision", 1)
        assert (await board.put("a/3", 3)).revision == 2
        assert await board.get("a/2") is None
        check_consistent(client, board.name)


async def test_a_record_that_does_not_read_back_as_it_was_written_is_never_acknowledged(board: Board) -> None:
    """A script with a planted fault writes other bytes than it was given."""
    script = board.store._commit_script
    write = "in_chunks('HSET', KEYS[6 + r], puts[r])"
    assert write in script.text
    script.text = script.text.replace(write, write + " redis.call('HSET', KEYS[6 + r], puts[r][1], 'other bytes')")
    script.sha = hashlib.sha1(script.text.encode()).hexdigest()
    with pytest.raises(Corrupt, match="READBACK"):
        await board.put("a/1", 1)


async def test_a_busy_server_is_waited_for(board: Board, redis_server: RedisServer) -> None:
    """The answer BUSY passes; refused for it, a commit was never sent again."""
    await board.put("a/1", 1)
    with redis_server.client() as client:
        limit = client.config_get("lua-time-limit")["lua-time-limit"]
        client.config_set("lua-time-limit", 1)
        busy = asyncio.create_task(asyncio.to_thread(_keep_busy, redis_server))
        try:
            await eventually(lambda: _is_busy(client), "a script runs for too long")
            putting = asyncio.create_task(board.put("a/1", 2))
            reading = asyncio.create_task(board.get("a/1"))
            await eventually(lambda: board.store._held, "the commit was refused for now")
            client.script_kill()
            assert (await putting).revision == 2
            assert await reading is not None
        finally:
            await busy
            client.config_set("lua-time-limit", limit)


def _keep_busy(server: RedisServer) -> None:
    with server.client() as client, contextlib.suppress(redis.ResponseError):
        client.eval("while true do end", 0)


def _is_busy(client: redis.Redis) -> bool:
    try:
        client.ping()
    except redis.ResponseError as error:
        return "BUSY" in str(error)
    return False


async def test_a_board_whose_meta_and_log_disagree_is_refused_and_nothing_is_changed(
    backend: Backend, board_name: str
) -> None:
    async with await Board.open(backend, board_name) as board:
        await board.put("a/1", 1)
        keys = board.store.keys
    await backend.client.hset(keys.meta, "revision", 7)
    with pytest.raises(Corrupt, match="1-7"):
        await Board.open(backend, board_name)
    assert await backend.client.hget(keys.meta, "revision") == b"7"
    await backend.client.hdel(keys.meta, "revision")
    with pytest.raises(Corrupt):
        await Board.open(backend, board_name)
    await backend.client.delete(keys.meta)
    with pytest.raises(Corrupt):
        await Board.open(backend, board_name)
    await backend.client.hset(keys.meta, mapping={"format": "2", "epoch": 1, "revision": 1})
    with pytest.raises(Corrupt, match="format 2"):
        await Board.open(backend, board_name)


async def test_a_board_that_is_not_there_is_made_only_where_that_was_asked_for(
    backend: Backend, board_name: str
) -> None:
    with pytest.raises(UsageError, match="no board"):
        await Board.open(backend, board_name, create=False)
    assert await backend.client.keys(f"bb:*{board_name}*") == []
    async with await Board.open(backend, board_name), await Board.open(backend, board_name, create=False) as board:
        assert await board.revision() == 0


async def test_corrupt_bytes_in_a_record_are_one_callers_error(either: Board) -> None:
    await either.put("a/1", 1)
    await either.put("a/2", 2)
    await either.backend.client.hset(either.store.keys.records("a"), "a/1", b"rubbish")
    with pytest.raises(Corrupt):
        await either.get("a/1")
    with pytest.raises(Corrupt):
        await either.find("a/*")
    refused, fine = await asyncio.gather(
        either.commit([Absent("a/1")], []), either.put("a/3", 3), return_exceptions=True
    )
    assert isinstance(refused, Corrupt)
    assert not isinstance(fine, BaseException)
    await either.backend.client.hset(either.store.keys.records("a"), "a/2", b"1 2 1 1000 \xc1")
    with pytest.raises(Corrupt):
        await either.get("a/2")


async def test_a_closed_board_refuses_and_close_waits_for_what_is_in_flight(board_name: str, redis_url: str) -> None:
    board = await Board.open(redis_url, board_name)
    putting = asyncio.gather(*(board.put(f"a/{n}", n) for n in range(700)))
    await asyncio.sleep(0)
    await board.close()
    assert len(await putting) == 700
    with pytest.raises(NoBackend, match="closed"):
        await board.put("a/1", 1)
    with pytest.raises(NoBackend, match="closed"):
        await board.get("a/1")
    with pytest.raises(NoBackend, match="closed"):
        async for _ in board.changes():
            pass
    await board.close()


async def test_no_connection_and_no_task_outlives_its_board(
    board_name: str, redis_url: str, redis_server: RedisServer
) -> None:
    with redis_server.client() as client:
        connected = {entry["id"] for entry in client.client_list()}
        tasks = asyncio.all_tasks()
        async with await Board.open(redis_url, board_name) as board:
            await board.replica()
            await board.put("a/1", 1)
        await eventually(lambda: {entry["id"] for entry in client.client_list()} <= connected, "connections are closed")
        assert asyncio.all_tasks() == tasks


async def test_a_server_that_is_killed_and_comes_back_with_its_log_only_makes_callers_wait(board_name: str) -> None:
    with OwnServer("--appendfsync", "always") as server:
        async with await Board.open(server.url, board_name) as board:
            first = await board.put("a/1", 1)
            replica = await board.replica()
            server.kill()
            waiting = [asyncio.create_task(board.put(f"b/{n}", n)) for n in range(300)]
            reading = asyncio.create_task(board.get("a/1"))
            await asyncio.sleep(0.05)
            server.start()
            done = await asyncio.gather(*waiting)
            assert [record.commit for record in done] == [f"2-{n}" for n in range(2, 302)]
            assert await reading == first
            assert (await board.replace(first, 2)).commit == "2-302"
            await replica.caught_up(302)
            assert len(replica.records()) == 301
        with server.client() as client:
            check_consistent(client, board_name)


async def test_an_outcome_that_was_lost_with_the_server_bears_the_epoch_that_it_was_made_in(board_name: str) -> None:
    """Applied in epoch 1, answered in epoch 2: the name in the caller's hand was 2-2, which never was."""
    with OwnServer("--appendfsync", "always") as server:
        async with Proxy(server.socket) as proxy, await Board.open(proxy.url, board_name) as board:
            await board.put("a/1", 1)
            proxy.refusing = True
            proxy.lose_reply_to(Script("commit.lua").sha.encode())
            putting = asyncio.create_task(board.put("a/2", 2))
            await eventually(lambda: proxy.losses == 1, "the reply is lost")
            server.kill()
            server.start()
            proxy.refusing = False
            record = await putting
            assert record.commit == "1-2"
            assert (await board.replace(record, 3)).commit == "2-3"


async def test_a_server_that_stays_away_makes_sent_commits_unknown_and_others_not_done(board_name: str) -> None:
    with OwnServer() as server:
        async with await Board.open(server.url, board_name) as board:
            board.store.give_up_after_s = 0.2
            await board.put("a/1", 1)
            sent = [asyncio.create_task(board.put(f"a/{n}", n)) for n in range(5)]
            await asyncio.sleep(0)
            await asyncio.sleep(0)
            server.kill()
            outcomes = await asyncio.gather(*sent, return_exceptions=True)
            assert all(isinstance(outcome, Unknown) or not isinstance(outcome, Exception) for outcome in outcomes)
            with pytest.raises(NoBackend):
                await board.put("b/1", 1)
            with pytest.raises(NoBackend):
                await board.get("b/1")
            server.start()
            assert (await board.put("b/1", 1)).commit.startswith("2-")
            assert await board.get("b/1") is not None


@pytest.mark.parametrize(
    "point", ["store.before_send", "store.after_send", "store.before_settle", "store.after_settle"]
)
async def test_a_writer_that_dies_at_a_failpoint_leaves_whole_commits(
    point: str, board: Board, redis_url: str, redis_server: RedisServer, tmp_path: Path
) -> None:
    await board.sweep()  # the server holds the script from now on: a call sent again for it counts at the failpoint
    program = tmp_path / "writer.py"
    program.write_text(
        "import asyncio, sys\n"
        "from blackboard import Board, Put\n"
        "async def main():\n"
        "    board = await Board.open(sys.argv[1], sys.argv[2])\n"
        "    for n in range(100):\n"
        "        await asyncio.gather(*(board.commit([], [Put(f'a/{n}/{m}', n), Put(f'b/{n}/{m}', n)])\n"
        "                               for m in range(5)))\n"
        "        print(n, flush=True)\n"
        "asyncio.run(main())\n"
    )
    process = await asyncio.create_subprocess_exec(
        sys.executable, program, redis_url, board.name, env={**os.environ, "PYTHONPATH": ROOT, "BLACKBOARD_FAILPOINTS": f"{point}:7"},
        stdout=asyncio.subprocess.PIPE,
    )  # fmt: skip
    out, _ = await process.communicate()
    assert process.returncode == -9
    acknowledged = len(out.split())
    assert acknowledged in (6, 7)
    with redis_server.client() as client:
        assert check_consistent(client, board.name) in (30, 35)
    assert {r.key[1:] for r in await board.find("a/*/*")} == {r.key[1:] for r in await board.find("b/*/*")}
    assert (await board.put("c/1", 1)).revision in (31, 36)


async def test_errors_keep_their_first_word_on_either_kind_of_link(redis_url: str) -> None:
    """Through redis-py the code was cut off, so that OOM, READONLY and LOADING could not be told apart."""
    async with await connect(redis_url) as backend:
        for kind in KINDS_OF_LINK:
            link = await kind.open(backend)
            for code in ("OOM", "READONLY", "LOADING", "BUSY", "NOSCRIPT", "MASTERDOWN", "OTHER"):
                with pytest.raises(ErrorAnswer) as raised:
                    await call(link, "EVAL", f"return redis.error_reply('{code} of the server')", 0)
                assert (raised.value.code, str(raised.value)) == (code, f"{code} of the server")
            with pytest.raises(UnicodeError):
                link.send(["GET", "\ud800"], lambda _: None)
            with pytest.raises(TypeError):
                link.send(["GET", None], lambda _: None)  # type: ignore[list-item]
            assert await call(link, "PING") in (b"PONG", "PONG")
            link.close()


async def test_what_waits_on_a_link_that_is_closed_is_told_at_once(redis_url: str) -> None:
    async with await connect(redis_url) as backend:
        for kind in KINDS_OF_LINK:
            link = await kind.open(backend)
            waiting = asyncio.create_task(call(link, "XREAD", "BLOCK", 4000, "STREAMS", "none", "$"))
            await asyncio.sleep(0)
            link.close()
            with pytest.raises(LinkLost):
                await asyncio.wait_for(waiting, 1)
            with pytest.raises(LinkLost):
                await call(link, "PING")


async def test_the_clock_decides_the_time_of_a_commit_where_it_is_fixed(backend: Backend, board_name: str) -> None:
    class Fixed(SystemClock):
        def server_time_ms(self) -> int:
            return 123_456

    async with await Board.open(backend, board_name, clock=Fixed()) as board:
        assert (await board.put("a/1", 1)).time_ms == 123_456
        with pytest.raises(Conflict):
            await board.commit([At("a/1", "1-9")], [Put("a/1", 2)])
