"""Readers of the log see every change once, in order, or an explicit gap."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from blackboard.commit import Delete, Put
from blackboard.errors import Corrupt, Gap
from blackboard.log import PAGE, Tail, parse_entry, position_after
from tests.waiting import eventually

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from blackboard.board import Board
    from blackboard.log import Change


async def upto(changes: AsyncIterator[Change], revision: int) -> list[Change]:
    found = []
    async for change in changes:
        found.append(change)
        if change.revision == revision:
            break
    return found


async def test_changes_tell_what_was_before_and_what_is_now(either: Board) -> None:
    first = await either.create("a/1", 1)
    await either.commit([], [Put("a/1", 2), Put("b/1", 3)])
    await either.delete("a/1")
    told = await upto(either.changes(), 3)
    assert [(c.key, c.operation, c.commit, c.previous_commit) for c in told] == [
        ("a/1", "put", "1-1", ""), ("a/1", "put", "1-2", "1-1"), ("b/1", "put", "1-2", ""),
        ("a/1", "delete", "1-3", "1-2"),
    ]  # fmt: skip
    assert told[0].record == first
    assert [c.record.value for c in told if c.record] == [1, 2, 3]
    assert told[3].record is None
    assert {c.author for c in told} == {"ada"}
    assert told[0].time_ms == first.time_ms


async def test_changes_go_on_from_any_revision_and_follow_what_comes(either: Board) -> None:
    for n in range(10):
        await either.put("a/1", n)
    reading = asyncio.create_task(upto(either.changes(since=7), 13))
    await asyncio.sleep(0)
    for n in range(10, 13):
        await either.put("a/1", n)
    assert [change.revision for change in await reading] == list(range(8, 14))


async def test_changes_of_a_pattern_are_those_whose_key_and_value_match(either: Board) -> None:
    await either.put("a/1", {"n": 1})
    await either.put("a/2", {"n": 2})
    await either.put("b/1", {"n": 2})
    await either.delete("a/1")
    await either.put("a/9", {"n": 9})
    told = await upto(either.changes("a/{x} where n > 1"), 5)
    assert [(c.operation, c.key) for c in told] == [("put", "a/2"), ("delete", "a/1"), ("put", "a/9")]


async def test_more_than_a_page_is_read_in_order(board: Board) -> None:
    count = PAGE * 2 + 7
    await asyncio.gather(*(board.put(f"a/{n}", n) for n in range(count)))
    assert [c.revision for c in await upto(board.changes(), count)] == list(range(1, count + 1))
    assert [c.revision for c in await upto(board.changes(since=PAGE), count)] == list(range(PAGE + 1, count + 1))


async def test_a_trimmed_log_is_a_gap_that_names_the_oldest_revision_kept(board: Board) -> None:
    for n in range(10):
        await board.put("a/1", n)
    await board.backend.client.xtrim(board.store.keys.log, maxlen=4, approximate=False)
    for since in (0, 5):
        with pytest.raises(Gap) as raised:
            await upto(board.changes(since=since), 10)
        assert (raised.value.since, raised.value.oldest) == (since, 7)
    assert [c.revision for c in await upto(board.changes(since=6), 10)] == [7, 8, 9, 10]
    assert [c.revision for c in await board.history("a/1")] == [7, 8, 9, 10]


async def test_what_stands_before_a_hole_is_read_and_the_hole_is_a_gap(board: Board) -> None:
    for n in range(6):
        await board.put("a/1", n)
    await board.backend.client.xdel(board.store.keys.log, "1-4")
    seen = []
    with pytest.raises(Gap):  # noqa: PT012 - what came before the gap counts
        async for change in board.changes():
            seen.append(change.revision)  # noqa: PERF401 - it ends with the error
    assert seen == [1, 2, 3]
    tail = await Tail.after(board.store, 1)
    assert [entry.revision for entry in await tail.entries()] == [2, 3]
    with pytest.raises(Gap):
        await tail.entries()
    tail.close()


async def test_a_reader_that_fell_behind_a_trim_is_told_while_it_follows(board: Board) -> None:
    await board.put("a/1", 0)
    tail = await Tail.after(board.store, 1)
    for n in range(5):
        await board.put("a/1", n + 1)
    await board.backend.client.xtrim(board.store.keys.log, maxlen=2, approximate=False)
    with pytest.raises(Gap) as raised:
        await tail.entries()
    assert (raised.value.since, raised.value.oldest) == (1, 5)
    tail.close()


async def test_revisions_go_on_across_epochs_and_readers_start_at_any_of_them(either: Board) -> None:
    for epoch in range(1, 5):
        for n in range(3):
            await either.put("a/1", (epoch, n))
        await either.backend.client.hset(either.store.keys.meta, "run_id", f"life {epoch}")
        either.store._drop_writer()
        either.store._hold()
        await eventually(lambda: not either.store._held, "the writer shook hands again")
    commits = ["1-1", "1-2", "1-3", "2-4", "2-5", "2-6", "3-7", "3-8", "3-9", "4-10", "4-11", "4-12"]
    for since in range(12):
        assert [c.commit for c in await upto(either.changes(since=since), 12)] == commits[since:]
    assert await position_after(either.store, 12) == "5-13"


async def test_history_is_every_change_of_one_key(either: Board) -> None:
    await either.put("a/1", 1)
    await either.put("a/2", 1)
    await either.put("a/1", 2)
    await either.delete("a/1")
    await either.put("a/1", 3)
    told = await either.history("a/1")
    assert [(c.revision, c.operation, c.record.version if c.record else 0) for c in told] == [
        (1, "put", 1), (3, "put", 2), (4, "delete", 0), (5, "put", 1)
    ]  # fmt: skip
    assert [c.previous_commit for c in told] == ["", *[c.commit for c in told[:2]], ""]
    assert await either.history("never/1") == []


async def test_changes_can_be_left_at_any_point_without_leaving_a_connection(board: Board) -> None:
    for n in range(3):
        await board.commit([], [Put("a/1", n), Delete("a/2")])
    await board.history("a/1")  # the board's own connection for reading is open, whose task may be of its kind
    tasks = asyncio.all_tasks()
    for revision in (1, 2, 3):
        changes = board.changes()
        await upto(changes, revision)
        await changes.aclose()  # type: ignore[attr-defined]
    await eventually(lambda: asyncio.all_tasks() == tasks, "what reading began has ended")


@pytest.mark.parametrize("raw", [
    None, [b"1-1"], [b"1-1", [b""]], [b"x", [b"", b"1 a"]], [b"1-1", [b"", b"x a"]],
    [b"1-1", [b"", b"1 a", b"k", b"q - 1 data"]], [b"1-1", [b"", b"1 a", b"k", b"p -"]],
    [b"1-1", [b"", b"1 a", b"k"]], [b"1-1", [b"", b"1 a", b"\xff", b"p - 1 data"]],
])  # fmt: skip
def test_an_entry_that_does_not_parse_is_corrupt(raw: object) -> None:
    with pytest.raises(Corrupt):
        parse_entry(raw)
