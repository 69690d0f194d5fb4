"""A record past its time reads as absent at once, and its removal is a change of its own in the log."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest
import pytest_asyncio

from blackboard.board import Board
from blackboard.clock import SystemClock
from blackboard.commit import Absent, At, Present, Put, Unchanged
from blackboard.errors import Conflict
from tests.waiting import eventually

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from blackboard.backend import Backend


class Hand(SystemClock):
    """A clock that a test moves; the commits carry its time."""

    def __init__(self) -> None:
        self.ms = 1_000_000

    def now_ms(self) -> int:
        return self.ms

    def server_time_ms(self) -> int:
        return self.ms


@pytest.fixture
def hand() -> Hand:
    """The clock of ``timed``."""
    return Hand()


@pytest_asyncio.fixture
async def timed(backend: Backend, board_name: str, hand: Hand) -> AsyncIterator[Board]:
    """A board whose time is ``hand``."""
    async with await Board.open(backend, board_name, clock=hand) as board:
        yield board


async def test_past_its_time_a_record_reads_as_absent_without_anybody_removing_it(timed: Board, hand: Hand) -> None:
    record = await timed.create("a/1", 1, ttl_ms=100)
    assert record.expires_ms == 1_000_100
    hand.ms += 99
    assert await timed.get("a/1") == record
    hand.ms += 1
    assert await timed.get("a/1") is None
    assert await timed.find("a/*") == []
    replica = await timed.replica()
    assert replica.get("a/1") is None
    assert await timed.find("a/*") == []
    assert await timed.revision() == 1


async def test_guards_see_it_absent_and_its_removal_is_a_revision_of_its_own(timed: Board, hand: Hand) -> None:
    record = await timed.create("a/1", 1, ttl_ms=100)
    hand.ms += 100
    for guard in (At("a/1", record.commit), Present("a/1"), Unchanged("a", 1)):
        with pytest.raises(Conflict):
            await timed.commit([guard], [Put("b/1", 1)])
    done = await timed.commit([Absent("a/1")], [Put("b/1", 1)])
    assert done.commit == "1-3"
    (put, expired) = await timed.history("a/1")
    assert (put.operation, expired.operation, expired.revision, expired.previous_commit) == ("put", "expire", 2, "1-1")
    assert (expired.record, expired.author) == (None, "")


async def test_a_record_can_be_created_again_in_the_call_that_removes_it(timed: Board, hand: Hand) -> None:
    await timed.create("a/1", 1, ttl_ms=100)
    hand.ms += 100
    again = await timed.create("a/1", 2)
    assert (again.commit, again.version) == ("1-3", 1)
    assert [change.operation for change in await timed.history("a/1")] == ["put", "expire", "put"]


async def test_writing_it_again_prolongs_or_ends_its_time(timed: Board, hand: Hand) -> None:
    await timed.put("a/1", 1, ttl_ms=100)
    hand.ms += 50
    await timed.put("a/1", 1, ttl_ms=100)
    hand.ms += 60
    assert await timed.get("a/1") is not None
    await timed.put("a/1", 1)
    hand.ms += 10_000
    await timed.sweep()
    assert await timed.get("a/1") is not None
    await timed.delete("a/1")
    assert await timed.backend.client.exists(timed.store.keys.expiries) == 0


async def test_sweeps_clean_a_region_that_nobody_writes_to(timed: Board, hand: Hand) -> None:
    await asyncio.gather(*(timed.put(f"old/{n}", n, ttl_ms=100) for n in range(100)))
    hand.ms += 100
    for _ in range(8):
        await timed.sweep()
    assert await timed.backend.client.hlen(timed.store.keys.records("old")) == 0
    assert await timed.revision() == 200
    assert await timed.backend.client.exists(timed.store.keys.expiries) == 0


async def test_commits_elsewhere_clean_up_by_the_way(timed: Board, hand: Hand) -> None:
    await asyncio.gather(*(timed.put(f"old/{n}", n, ttl_ms=100) for n in range(30)))
    hand.ms += 100
    for n in range(4):
        await timed.put("new/1", n)
    assert await timed.backend.client.hlen(timed.store.keys.records("old")) == 0
    assert [change.operation for change in await timed.history("old/7")] == ["put", "expire"]


async def test_more_records_due_than_one_call_removes_are_still_absent_to_its_guards(timed: Board, hand: Hand) -> None:
    await asyncio.gather(*(timed.put(f"old/{n:02}", n, ttl_ms=100 + n) for n in range(60)))
    hand.ms += 1000
    done = await timed.commit([Absent(f"old/{n:02}") for n in range(30, 60)], [Put("b/1", 1)])
    assert done.revision == 60 + 30 + 16 + 1


async def test_a_replica_follows_removals_and_tells_them(timed: Board, hand: Hand) -> None:
    replica = await timed.replica()
    told: list[tuple[str, str]] = []
    replica.subscribe(lambda change: told.append((change.operation, change.key)))
    await timed.put("a/1", 1, ttl_ms=100)
    assert replica.next_expiry_ms() == 1_000_100
    hand.ms += 100
    await timed.sweep()
    await replica.caught_up(2)
    assert told == [("put", "a/1"), ("expire", "a/1")]
    assert replica.next_expiry_ms() is None
    assert replica.records() == []


async def test_by_the_servers_own_clock_a_record_ends_too(board: Board) -> None:
    record = await board.create("a/1", 1, ttl_ms=50)
    assert await board.get("a/1") == record
    await eventually(lambda: board.store.server_now_ms() >= record.expires_ms, "its time is over")
    assert await board.get("a/1") is None
    await board.create("a/1", 2)
