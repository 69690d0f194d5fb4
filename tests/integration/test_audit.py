"""``Auditor``: damage of every kind is found and named, and a board that is well is left in peace."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from blackboard.audit import Auditor
from blackboard.board import Board
from blackboard.commit import Delete, Put

if TYPE_CHECKING:
    from collections.abc import Callable

    import redis

    from blackboard.keys import BoardKeys
    from tests.conftest import RedisServer

    Damage = Callable[[redis.Redis, BoardKeys], object]


async def fill(board: Board) -> None:
    for n in range(20):
        await board.put(f"item/{n % 6}", {"n": n, "text": "some text"})
        await board.commit([], [Put("other/1", n), Delete(f"item/{(n + 3) % 6}")])
    await board.put("brief/1", 1, ttl_ms=1_000_000)


@pytest.mark.parametrize("horizon", [0, 17])
async def test_a_board_that_is_well_has_no_problems_trimmed_or_not(either: Board, horizon: int) -> None:
    await fill(either)
    await either.trim(horizon)
    audit = await Auditor(either.store).audit()
    assert audit.problems == ()
    assert (audit.horizon, audit.revision, audit.commits) == (horizon, 41, 41 - horizon)
    assert audit.records == len((await either.replica()).records())


async def test_a_board_that_is_written_to_meanwhile_has_no_problems(board: Board, redis_url: str) -> None:
    async with await Board.open(redis_url, board.name) as other:
        stop = asyncio.Event()

        async def write() -> None:
            n = 0
            while not stop.is_set():
                n += 1
                await asyncio.gather(*(other.put(f"item/{(n + m) % 40}", n) for m in range(15)))
                await other.delete(f"item/{n % 40}")
                await other.trim(await other.revision() - 100)

        writing = asyncio.create_task(write())
        for _ in range(15):
            assert (await Auditor(board.store).audit()).problems == ()
        stop.set()
        await writing


def flip(client: redis.Redis, name: str, field: str) -> None:
    stored = client.hget(name, field)
    assert isinstance(stored, bytes)
    client.hset(name, field, stored.replace(b"some text", b"some tezt"))


DAMAGE: dict[str, tuple[Damage, str]] = {
    "a bit of a value": (
        lambda client, keys: flip(client, keys.records("item"), "item/5"),
        "the record item/5@1-35 is not what the log says, by its bytes",
    ),
    "a record removed": (
        lambda client, keys: client.hdel(keys.records("item"), "item/5"),
        "the record item/5@1-35 is in the log and not on the board",
    ),
    "a record put in": (
        lambda client, keys: client.hset(
            keys.records("item"), "item/9", client.hget(keys.records("item"), "item/5") or b""
        ),
        "the record item/9@1-35 is on the board and not in the log",
    ),
    "all of a region": (
        lambda client, keys: client.delete(keys.records("other")),
        "the record other/1@1-40 is in the log and not on the board",
    ),
    "a record of another region": (
        lambda client, keys: client.hset(
            keys.records("brief"), "item/5", client.hget(keys.records("item"), "item/5") or b""
        ),
        "the record 'item/5' lies in region 'brief'",
    ),
    "the revisions": (
        lambda client, keys: client.delete(keys.revisions),
        "among the revisions 'item/5' is not at 1-35, where its record is",
    ),
    "a revision too many": (
        lambda client, keys: client.hset(keys.revisions, "item/99", "1-3 1 ab"),
        "among the revisions 'item/99' is at 1-3 1 ab, and there is no such record",
    ),
    "the regions": (
        lambda client, keys: client.delete(keys.regions),
        "the region 'other' changed at 40 and is not among the regions",
    ),
    "a region's revision": (
        lambda client, keys: client.hset(keys.regions, "other", 7),
        "the region 'other' last changed at 40, not at 7",
    ),
    "the expiries": (
        lambda client, keys: client.delete(keys.expiries),
        "the record brief/1@1-41 expires at",
    ),
    "an expiry too many": (
        lambda client, keys: client.zadd(keys.expiries, {"item/77": 5}),
        "'item/77' is to expire, and there is no such record",
    ),
    "a region without a revision": (
        lambda client, keys: client.hset(keys.regions, "other", "x"),
        "'other' stands beside b'x', which is no number",
    ),
    "a key of another type": (
        lambda client, keys: (client.delete(keys.revisions), client.set(keys.revisions, "x")),
        "WRONGTYPE",
    ),
    "an entry of the log": (
        lambda client, keys: client.xdel(keys.log, "1-30"),
        "the log has a hole: after revision 29 comes 31",
    ),
    "rubbish for a record": (
        lambda client, keys: client.hset(keys.records("item"), "item/5", b"rubbish"),
        "the record b'item/5' does not parse",
    ),
    "a record of the base": (
        lambda client, keys: client.hdel(keys.base, "other/1"),
        "says that 'other/1' replaced 1-10, not nothing",
    ),
}


@pytest.mark.parametrize("kind", DAMAGE)
async def test_what_somebody_else_did_to_a_key_is_found_and_named(
    kind: str, redis_url: str, board_name: str, redis_server: RedisServer
) -> None:
    damage, told = DAMAGE[kind]
    async with await Board.open(redis_url, board_name) as board:
        await fill(board)
        await board.trim(11)
        with redis_server.client() as client:
            damage(client, board.store.keys)
        audit = await Auditor(board.store).audit()
    assert any(told in problem for problem in audit.problems), audit.problems


async def test_a_thousand_problems_are_counted_and_the_first_hundred_named(
    board: Board, redis_server: RedisServer
) -> None:
    await asyncio.gather(*(board.put(f"item/{n}", n) for n in range(1_000)))
    with redis_server.client() as client:
        client.delete(board.store.keys.records("item"))
    audit = await Auditor(board.store).audit()
    assert (len(audit.problems), audit.problem_count) == (100, 2_000)
