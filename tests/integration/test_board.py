"""The board as its users see it: values in and out, names, waiting."""

from __future__ import annotations

import asyncio
import math
import time
from typing import TYPE_CHECKING, Any

import pytest

from blackboard.board import Board
from blackboard.commit import At, Put, Update
from blackboard.errors import Conflict, InvalidName, InvalidValue, NoBackend, WaitTimeout
from blackboard.record import Stamp
from tests.waiting import eventually

if TYPE_CHECKING:
    from blackboard.backend import Backend
    from tests.conftest import RedisServer

NAUGHTY: list[Any] = [
    "", " ", "\x00", "\r\n", "\x1b[31mred\x1b[0m", "undefined", "NULL", "-1", "1e309", "Ω≈ç√∫˜µ≤≥÷", "田中さんにあげて下さい",
    "👩‍👩‍👧‍👦", "\u202e\u2066 backwards", "ﷺ", "' OR 1=1 --", "<script>alert(0)</script>", "%s%n$(touch /tmp/x)", "{{7*7}}",
    "\ufeff", "\U0010ffff", "a" * 70_000, b"", b"\x00\xff\n\r *1", {"": {"": ""}}, {"$": 1, "a.b": 2, "\n": 3, "é": 4},
    0, -1, 2**53 + 1, 2**64 - 1, -(2**63), True, False, None, 0.1, -0.0, 5e-324, 1.7976931348623157e308, [], {}, [[[]]],
    [None, [True, {"x": [1.5, "y"]}]], {str(n): n for n in range(5000)}, list(range(90_000)),
]  # fmt: skip


@pytest.mark.parametrize("value", NAUGHTY, ids=lambda value: ascii(value)[:24])
async def test_what_is_put_comes_back_as_it_was(either: Board, value: Any) -> None:
    record = await either.put("a/1", value)
    stored = await either.get("a/1")
    assert stored is not None
    assert stored.value == value
    assert type(stored.value) is type(value)
    assert record == stored
    refusal = await _conflict(either)
    assert refusal.failures[0].record is None or refusal.failures[0].record.value == value
    assert [change.record.value for change in await either.history("a/1") if change.record] == [value]


async def _conflict(board: Board) -> Conflict:
    with pytest.raises(Conflict) as raised:
        await board.create("a/1", "other")
    return raised.value


def _deep(levels: int) -> Any:
    value: Any = 1
    for _ in range(levels):
        value = {"x": value}
    return value


def _endless() -> Any:
    value: list[Any] = []
    value.append(value)
    return value


@pytest.mark.parametrize(("value", "place"), [
    (math.nan, "value"), ({"a": [1, math.inf]}, "value.a[1]"), ({"a": {"b": object()}}, "value.a.b"), (2**64, "value"),
    ({"a": -(2**63) - 1}, "value.a"), ({1: 2}, "value"), ({"a": {None: 2}}, "value.a"), ({"a": ["ok", "\ud800"]}, "value.a[1]"),
    ({"a": {"\udfff": 1}}, "value.a"), (_deep(65), "value.x.x.x.x"), (_endless(), "value[0][0][0][0]"),
    ([0] * 100_001, "value"), ([[0] * 50_001] * 2, "value[0]"), ({"a": {1, 2}}, "value.a"), ("x" * (1 << 20), "value"),
    (1 + 2j, "value"),
])  # fmt: skip
async def test_what_a_record_cannot_hold_is_refused_with_its_place(either: Board, value: Any, place: str) -> None:
    with pytest.raises(InvalidValue) as raised:
        await either.put("a/1", value)
    assert raised.value.place == place
    assert await either.revision() == 0


async def test_a_deep_value_up_to_the_limit_comes_back(either: Board) -> None:
    await either.put("a/1", _deep(64))
    stored = await either.get("a/1")
    assert stored is not None
    assert stored.value == _deep(64)


@pytest.mark.parametrize("key", ["a", "a/b/c/d", "Ünï/cödé", "a/1.2-3_4:5@6", "日本/語", "a/" + "x" * 510])
async def test_keys_are_segments_of_visible_characters(either: Board, key: str) -> None:
    await either.put(key, 1)
    assert await either.get(key) is not None
    await either.delete(key)
    assert await either.get(key) is None


@pytest.mark.parametrize(
    "key", ["", "/", "a/", "/a", "a//b", "a b", "a\n", "a\x00", "a*", "{a}", "a\\b", "a\u200bb", "x" * 513]
)
async def test_other_keys_are_refused_everywhere(either: Board, key: str) -> None:
    for call in (either.put(key, 1), either.get(key), either.delete(key), either.history(key)):
        with pytest.raises(InvalidName):
            await call


async def test_replace_and_delete_of_a_version_are_refused_when_it_moved_on(either: Board) -> None:
    first = await either.create("a/1", 1)
    second = await either.replace(first, 2)
    for call in (either.replace(first, 3), either.delete(first)):
        with pytest.raises(Conflict, match="a/1 was to be at 1-1, but it is now at 1-2, written by ada"):
            await call
    await either.delete(second)
    with pytest.raises(Conflict, match="is absent"):
        await either.replace(second, 3)


async def test_a_key_with_new_in_it_gets_a_name_that_nobody_has(backend: Backend, board_name: str) -> None:
    async with await Board.open(backend, board_name) as one, await Board.open(backend, board_name) as two:
        records = await asyncio.gather(*(board.create("job/{new}", 1) for board in (one, two) for _ in range(50)))
    assert len({record.key for record in records}) == 100


async def test_the_stamp_is_stored_with_the_record(either: Board) -> None:
    stamp = Stamp("agent", "act-1", "return/1", ("order/1@1-1",), 2, 1)
    await either.create("a/1", 1, stamp=stamp)
    stored = await either.get("a/1")
    assert stored is not None
    assert Stamp(stored.author, stored.activation, stored.case, stored.causes, stored.depth, stored.trust) == stamp
    assert (await either.create("b/1", 1)).case == "b/1", "a fed record is its own case"


async def test_find_reads_the_region_without_a_replica(either: Board) -> None:
    for n in range(20):
        await either.put(f"order/{n:02}/item", {"n": n})
    assert [r.key for r in await either.find("order/{o}/item where n >= 18")] == ["order/18/item", "order/19/item"]
    assert [r.key for r in await either.find("order/07/item")] == ["order/07/item"]
    assert await either.find("order/07/item where n == 8") == []
    assert await either.find("nothing/*") == []


async def test_wait_for_gives_what_is_there_at_once_and_else_what_comes(either: Board) -> None:
    await either.put("a/1", {"n": 1})
    assert (await either.wait_for("a/{x} where n == 1")).key == "a/1"
    waiting = asyncio.create_task(either.wait_for("a/{x} where n == 2"))
    await either.put("a/1", {"n": 3})
    done = await either.put("a/2", {"n": 2})
    assert await waiting == done


async def test_wait_for_is_woken_by_the_change_and_reads_nothing_meanwhile(
    board: Board, redis_url: str, redis_server: RedisServer
) -> None:
    async with await Board.open(redis_url, board.name) as other:
        await board.replica()
        waits = [asyncio.create_task(board.wait_for(f"a/{n}", 20)) for n in range(50)]
        with redis_server.client() as client:
            before = client.info("stats")["total_commands_processed"]
            await asyncio.sleep(0.3)
            assert client.info("stats")["total_commands_processed"] - before <= 25, "fewer than one for each waiter"
        started = time.monotonic()
        await asyncio.gather(*(other.put(f"a/{n}", n) for n in range(50)))
        assert [record.value for record in await asyncio.gather(*waits)] == list(range(50))
        assert time.monotonic() - started < 1


async def test_wait_for_ends_in_time_with_an_error_that_names_what_was_waited_for(either: Board) -> None:
    started = time.monotonic()
    with pytest.raises(WaitTimeout, match=r"nothing matched a/\{x\} where n > 5 within 0.1 s"):
        await either.wait_for("a/{x} where n > 5", 0.1)
    assert time.monotonic() - started < 2


async def test_a_waiter_that_gave_up_leaves_nothing_behind(either: Board) -> None:
    replica = await either.replica()
    with pytest.raises(WaitTimeout):
        await either.wait_for("a/1", 0.01)
    waiting = asyncio.create_task(either.wait_for("a/1", 10))
    await eventually(lambda: replica._finding, "it waits")
    waiting.cancel()
    await asyncio.gather(waiting, return_exceptions=True)
    assert not replica._finding
    assert not replica._subscribers


async def test_two_boards_on_one_server_do_not_see_each_other(backend: Backend, board_name: str) -> None:
    first, second = f"{board_name}@1", f"{board_name}@2"
    async with await Board.open(backend, first) as one, await Board.open(backend, second) as two:
        await one.put("a/1", 1)
        assert await two.get("a/1") is None
        assert (await two.commit([], [Put("a/1", 2)])).commit == "1-1"


async def test_a_url_without_a_server_behind_it_is_no_backend() -> None:
    with pytest.raises(NoBackend):
        await Board.open("unix:///nowhere/redis.sock", "main")


async def test_a_callers_own_guard_on_a_record_that_is_updated_is_refused_at_once(either: Board) -> None:
    """It says what the caller read; trying again would not change that."""
    first = await either.put("stock/1", 1)
    await either.put("stock/1", 2)
    called = []

    def less(value: int) -> int:
        called.append(value)
        return value - 1

    with pytest.raises(Conflict) as refused:
        await either.commit([At("stock/1", first.commit)], [], updates=[Update("stock/1", less)])
    assert [failure.guard for failure in refused.value.failures] == [At("stock/1", first.commit)]
    assert called == [2]
