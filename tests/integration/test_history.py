"""The board as it was: any revision that the log reaches, what changed between two, and a log that does not grow."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING

import pytest

from blackboard.board import Board
from blackboard.boards import remove_board
from blackboard.commit import Delete, Put
from blackboard.errors import BeforeHorizon, Corrupt, Gap, InvalidInput, NothingSelected, UsageError
from blackboard.history import read_base
from blackboard.holds import LEASE_S
from blackboard.log import entries_after
from blackboard.retention import EVERYTHING, Retention
from blackboard.trimming import EVERY, Trimmer
from tests.hand_clock import Hand
from tests.own_server import OwnServer
from tests.waiting import eventually

if TYPE_CHECKING:
    from blackboard.backend import Backend
    from blackboard.record import Record
    from tests.conftest import RedisServer

Picture = dict[str, tuple[str, int, int, bytes]]


def picture(records: list[Record]) -> Picture:
    """Everything that a record is, by key."""
    return {r.key: (r.commit, r.version, r.time_ms, r.packed) for r in records}


async def lively(board: Board, rounds: int = 12) -> list[Picture]:
    """What the board held after each revision, while records come, change and go."""
    seen: list[Picture] = [{}]

    async def look() -> None:
        seen.append(picture(await board.find("item/*") + await board.find("other/*")))

    for n in range(rounds):
        await board.put(f"item/{n % 5}", {"n": n})
        await look()
        await board.commit([], [Put("other/1", n), Delete(f"item/{(n + 2) % 5}")])
        await look()
    return seen


async def test_the_board_can_be_read_as_it_was_after_every_revision(either: Board) -> None:
    seen = await lively(either)
    for revision, expected in enumerate(seen):
        state = await either.at(revision)
        assert picture(state.records()) == expected, revision


async def test_after_trimming_what_the_log_still_reaches_reads_as_before(either: Board) -> None:
    seen = await lively(either)
    for horizon in (1, 7, 8, 20):
        assert (await either.trim(horizon)).horizon == horizon
        for revision, expected in enumerate(seen):
            if revision >= horizon:
                assert picture((await either.at(revision)).records()) == expected, (horizon, revision)
            else:
                with pytest.raises(BeforeHorizon, match=rf"revision {revision} is gone: .* up to revision {horizon}"):
                    await either.at(revision)


async def test_the_newest_commit_is_never_trimmed_and_the_board_opens_again(either: Board) -> None:
    await lively(either)
    head = await either.revision()
    assert (await either.trim(head)).horizon == head - 1
    async with await Board.open(either.backend, either.name) as again:
        assert (await again.put("item/9", 1)).revision == head + 1
        assert (await again.trim("now")).horizon == head
        assert picture((await again.at("now")).records()) == picture((await again.replica()).records())


async def test_base_and_log_make_up_the_records_at_every_step_of_trimming(either: Board) -> None:
    await lively(either, 30)
    for horizon in range(0, 60, 7):
        await either.trim(horizon)
        state = await read_base(either.store)
        async for entry in entries_after(either.store, state.revision):
            state.apply(entry)
        assert picture(state.records()) == picture((await either.replica()).records())


async def test_trimming_waits_for_a_reader_and_goes_on_when_it_is_gone(either: Board, backend: Backend) -> None:
    async with await Board.open(backend, either.name) as other:
        await lively(other)
        changes = either.changes(since=5)
        assert (await anext(changes)).revision == 6
        trimmed = await other.trim(20)
        assert (trimmed.horizon, trimmed.held_at) == (5, 5)
        assert trimmed.holder
        revisions = [(await anext(changes)).revision for _ in range(20)]
        assert revisions[0] <= 7
        assert sorted(revisions) == revisions
        await changes.aclose()  # type: ignore[attr-defined]  # an asynchronous generator, told as what it gives
        await either.store.holds.close()
        assert (await other.trim(20)).horizon == 20


async def test_a_reader_who_begins_while_it_is_told_that_another_came_further_holds_the_log(
    either: Board, backend: Backend
) -> None:
    """The hold of the first moved on, and the second, taking the server's last word for good, had none."""
    async with await Board.open(backend, either.name) as other:
        await lively(other)
        reached = 3
        await either.store.holds.take(lambda: reached)
        reached = 20
        telling = asyncio.create_task(either.store.holds.refresh())
        await asyncio.sleep(0)  # the server is being told of 20
        await either.store.holds.take(lambda: 5)
        await telling
        assert (await other.trim(20)).horizon == 5


async def test_a_replica_that_could_not_be_built_holds_nothing(board: Board, redis_server: RedisServer) -> None:
    await lively(board)
    async with await Board.open(redis_server.url, board.name) as other:
        with redis_server.client() as client:
            client.hset(board.store.keys.records("item"), "item/0", "rubbish")
        with pytest.raises(Corrupt):
            await board.replica()
        await eventually(lambda: board.store.holds._told is None, "the server was told that nobody reads")
        assert (await other.trim(20)).horizon == 20


async def test_a_replica_holds_the_log_from_where_it_stands_in_the_history_that_is_left() -> None:
    """It went on holding the revision that it had reached in the history that was lost."""
    with OwnServer("--appendfsync", "always") as server:
        async with await Board.open(server.url, "main") as board:
            for n in range(10):
                await board.put("item/1", n)
            kept = server.keep_files()
            for n in range(90):
                await board.put("item/1", -n)
            replica = await board.replica()
            server.kill()
            server.restore(kept)
            server.start()
            await eventually(lambda: replica.revision == 10, "the replica shows what is left")
            with server.client() as client:
                told = [int(value.split()[0]) for value in client.hvals(board.store.keys.holds)]
            assert told == [10]


async def test_a_process_that_reads_a_removed_board_does_not_bring_a_part_of_it_back(
    board: Board, redis_server: RedisServer
) -> None:
    await board.put("item/1", 1)
    await board.store.holds.take(lambda: 1)
    second = await board.store.holds.take(lambda: 1)
    await remove_board(board.backend, board.name)
    second.release()  # which has the server told
    await eventually(lambda: board.store.holds._told is None, "the holds were looked at")
    assert redis_server.keys(board.store.keys.prefix + "*") == []


async def test_closing_does_not_wait_for_a_server_that_is_gone_to_be_told_of_holds() -> None:
    with OwnServer() as server:
        board = await Board.open(server.url, "main")
        await board.replica()
        server.kill()
        started = time.monotonic()
        await board.close()
        assert time.monotonic() - started < 6


@pytest.mark.parametrize("setting", [("maxmemory", "1"), ("min-replicas-to-write", "1")], ids=["full", "alone"])
async def test_reading_goes_on_where_the_server_takes_no_writes(setting: tuple[str, str]) -> None:
    with OwnServer() as server:
        async with await Board.open(server.url, "main") as board:
            seen = await lively(board)
            with server.client() as client:
                client.config_set(*setting)
            assert picture((await board.at(9)).records()) == seen[9]
            assert [d.key for d in await board.diff(9, 10)]
            assert len(await board.history("other/1")) == 12
            assert (await anext(board.changes(since=5))).revision == 6
            assert (await board.wait_for("other/1")).value == 11


async def test_a_reader_from_before_a_server_took_writes_again_holds_the_log_soon() -> None:
    with OwnServer() as server:
        async with await Board.open(server.url, "main") as board, await Board.open(server.url, "main") as other:
            await lively(board)
            with server.client() as client:
                client.config_set("min-replicas-to-write", "1")
            await board.store.holds.take(lambda: 5)
            with server.client() as client:
                client.config_set("min-replicas-to-write", "0")
            await board.store.holds.take(lambda: 7)
            assert (await other.trim(20)).horizon == 5


async def test_a_reader_that_died_holds_the_log_for_one_lease(either: Board, backend: Backend) -> None:
    clock = Hand()
    async with await Board.open(backend, either.name, clock=clock) as other:
        await lively(other)
        await either.store.holds.take(lambda: 3)  # and it beats no more: five seconds are long here
        for _ in range(2):
            assert (await other.trim(20)).horizon == 3
            clock.ms += int(LEASE_S * 1000) // 2
        assert (await other.trim(20)).horizon == 20


async def test_a_reader_that_lives_is_never_taken_for_dead(either: Board, backend: Backend) -> None:
    clock = Hand()
    async with await Board.open(backend, either.name, clock=clock) as other:
        await lively(other)
        await either.store.holds.take(lambda: 3)
        for _ in range(10):
            await either.store.holds._tell()
            assert (await other.trim(20)).horizon == 3
            clock.ms += int(LEASE_S * 1000) - 1


async def test_a_snapshot_keeps_its_revision_readable_until_it_is_dropped(either: Board) -> None:
    seen = await lively(either)
    taken = await either.snapshot("before", 9)
    assert (taken.name, taken.revision, taken.author) == ("before", 9, "ada")
    assert await either.snapshots() == [taken]
    assert await either.trim(20) == (9, "snapshot:before", 9)
    assert picture((await either.at("before")).records()) == seen[9]
    await either.drop_snapshot("before")
    assert (await either.trim(20)).horizon == 20
    with pytest.raises(NothingSelected, match="'before' is no revision, no commit and no snapshot"):
        await either.at("before")


async def test_a_snapshot_of_what_is_gone_or_not_there_yet_and_a_taken_name_are_refused(either: Board) -> None:
    await lively(either)
    await either.trim(10)
    with pytest.raises(BeforeHorizon):
        await either.snapshot("early", 9)
    with pytest.raises(UsageError, match="the board is at 24"):
        await either.snapshot("late", 25)
    await either.snapshot("one")
    with pytest.raises(UsageError, match="there is a snapshot 'one' already"):
        await either.snapshot("one", 12)
    for name in ("17", "now", "oldest", "a b", "{x}"):
        with pytest.raises(InvalidInput):
            await either.snapshot(name)
    with pytest.raises(NothingSelected):
        await either.drop_snapshot("two")


async def test_a_moment_is_a_revision_a_commit_a_snapshot_or_now(either: Board) -> None:
    await lively(either)
    await either.snapshot("named", 7)
    await either.trim(3)
    moments = (5, "5", "1-5", "named", "oldest", "now")
    assert [await either.revision_at(m) for m in moments] == [5, 5, 5, 7, 3, 24]
    with pytest.raises(NothingSelected, match="no commit '2-5' in this history; revision 5 is 1-5"):
        await either.revision_at("2-5")
    with pytest.raises(UsageError, match="revision 99: the board is at 24"):
        await either.at(99)
    for endless in ("9" * 5000, "1-" + "9" * 5000, "9" * 5000 + "-1"):
        with pytest.raises(NothingSelected, match="is no revision, no commit and no snapshot"):
            await either.at(endless)


async def test_diff_tells_what_is_not_the_same_at_two_revisions_in_either_direction(either: Board) -> None:
    await either.put("a/1", 1)
    await either.put("a/2", 1)
    await either.put("a/3", 1)
    await either.put("a/1", 2)
    await either.put("a/1", 1)  # changed and changed back
    await either.put("a/2", 5)
    await either.delete("a/3")
    await either.put("a/4", 1)
    found = await either.diff(3, "now")
    values = [(d.key, d.before and d.before.value, d.after and d.after.value) for d in found]
    assert values == [("a/2", 1, 5), ("a/3", 1, None), ("a/4", None, 1)]
    back = [(d.key, d.after and d.after.value, d.before and d.before.value) for d in await either.diff("now", 3)]
    assert back == values
    assert await either.diff(6, 6) == []


async def test_the_changes_of_a_record_written_back_in_reverse_bring_its_first_state_back(either: Board) -> None:
    await lively(either, 3)
    await either.put("item/0", "first", status="proposed")
    start = await either.get("item/0")
    before = await either.revision()
    await either.delete("item/0")
    await either.put("item/0", 2)
    await either.put("item/0", 3)
    for change in reversed([c for c in await either.history("item/0") if c.revision > before]):
        if change.previous is None:
            await either.delete(change.key)
        else:
            await either.put(change.key, change.previous.value, status=change.previous.status)
    end = await either.get("item/0")
    assert start is not None
    assert end is not None
    assert (end.value, end.status, end.digest) == (start.value, start.status, start.digest)


async def test_the_history_of_a_record_begins_with_what_stood_at_the_horizon(either: Board) -> None:
    for n in range(6):
        await either.put("item/1", n)
    await either.trim(4)
    changes = await either.history("item/1")
    assert [(c.revision, c.previous and c.previous.value) for c in changes] == [(5, 3), (6, 4)]


async def test_a_record_whose_time_was_over_is_not_there_even_before_it_was_removed(
    backend: Backend, board_name: str
) -> None:
    clock = Hand()
    async with await Board.open(backend, board_name, clock=clock) as board:
        await board.put("item/1", 1, ttl_ms=1)
        await board.put("item/2", 1)
        clock.ms += 1
        await board.put("other/1", 1)
        assert (await board.at(2)).get("item/1") is not None
        assert (await board.at("now")).get("item/1") is None
        assert [(d.key, d.after is None) for d in await board.diff(2, "now")] == [("item/1", True), ("other/1", False)]


async def test_at_the_horizon_the_same_records_are_over_as_before_it_was_there(
    backend: Backend, board_name: str
) -> None:
    """The commit at the horizon was a removal, and none of the records that it left had its time."""
    clock = Hand()
    async with await Board.open(backend, board_name, clock=clock) as board:
        await board.put("item/1", 1, ttl_ms=10)
        await board.put("other/1", 1)
        clock.ms += 10
        await board.delete("other/1")
        await board.put("last/1", 1)
        before = picture((await board.at(3)).records())
        assert (await board.trim(3)).horizon == 3
        assert picture((await board.at(3)).records()) == before == {}


@pytest.mark.parametrize(
    "retention", [Retention(revisions=500), Retention(revisions=0, size_bytes=400 << 10)], ids=["revisions", "size"]
)
async def test_the_log_stays_within_its_limit_while_it_is_written_to(
    board: Board, redis_server: RedisServer, retention: Retention
) -> None:
    await board.retain(retention)
    assert await board.retention() == retention
    for n in range(8):
        await asyncio.gather(*(board.put(f"item/{m % 50}", {"text": "x" * 100, "n": n, "m": m}) for m in range(EVERY)))
        await eventually(lambda: board.store.trimmer._working is None, "the log was looked at")
    with redis_server.client() as client:
        kept = int(client.xlen(board.store.keys.log))
        used = int(client.memory_usage(board.store.keys.log) or 0)
    assert kept <= 2 * EVERY
    if retention.size_bytes:
        assert used <= 1.5 * retention.size_bytes + 300 * EVERY
    state = await board.at("now")
    assert picture(state.records()) == picture((await board.replica()).records())


async def test_the_log_of_a_board_that_short_lived_processes_write_to_stays_within_its_limit(
    board: Board, redis_url: str
) -> None:
    """Each counted its own commits only, so that none ever made as many as it takes to look."""
    await board.retain(Retention(revisions=100))
    for n in range(4):
        async with await Board.open(redis_url, board.name) as other:
            await asyncio.gather(*(other.put(f"item/{m % 50}", [n, m]) for m in range(EVERY // 2)))
    assert await board.horizon() == 2 * EVERY - 100


@pytest.mark.parametrize("offset", range(3))
async def test_what_expires_takes_nobody_the_look_at_the_log(backend: Backend, board_name: str, offset: int) -> None:
    clock = Hand()
    async with await Board.open(backend, board_name, clock=clock) as board:
        await board.retain(Retention(revisions=100))
        await asyncio.gather(*(board.put("item/0", n) for n in range(EVERY - 11 + offset)))
        for n in range(10):  # two revisions each, the first of them an expiry
            await board.put("brief/1", n, ttl_ms=1)
            clock.ms += 2
        await eventually(lambda: board.store.trimmer._working is None, "the log was looked at")
        assert await board.horizon() > 0


async def test_commits_older_than_the_limit_go_and_younger_ones_stay(backend: Backend, board_name: str) -> None:
    clock = Hand()
    async with await Board.open(backend, board_name, clock=clock) as board:
        for n in range(100):
            clock.ms += 1000
            await board.put("item/1", n)
        await board.retain(Retention(revisions=0, age_ms=30_500))
        assert (await board.trim()).horizon == 69
        await board.retain(EVERYTHING)
        assert (await board.trim()).horizon == 69


async def test_a_reader_from_before_the_horizon_is_told_of_the_gap(either: Board) -> None:
    await lively(either)
    await either.trim(10)
    changes = either.changes(since=4)
    with pytest.raises(Gap, match="the oldest kept is 11"):
        await anext(changes)


async def test_a_log_with_a_hole_is_not_folded(board: Board, redis_server: RedisServer) -> None:
    await lively(board)
    with redis_server.client() as client:
        client.xdel(board.store.keys.log, "1-4")
    with pytest.raises(Corrupt, match="the log does not go on at the horizon"):
        await board.trim(10)
    assert await board.horizon() == 0


async def test_two_who_trim_at_once_do_what_one_does(either: Board, backend: Backend) -> None:
    seen = await lively(either, 40)
    async with await Board.open(backend, either.name) as other:
        await asyncio.gather(*(b.trim(n) for n in range(0, 70, 5) for b in (either, other)))
        assert await either.horizon() == 65
        assert picture((await other.at(70)).records()) == seen[70]


async def test_a_replica_is_built_and_followed_while_the_log_is_trimmed_under_it(board: Board, redis_url: str) -> None:
    async with await Board.open(redis_url, board.name) as other:
        stop = asyncio.Event()

        async def write() -> None:
            n = 0
            while not stop.is_set():
                n += 1
                await asyncio.gather(*(other.put(f"item/{(n * 7 + m) % 90}", n) for m in range(20)))
                await Trimmer(other.store).trim(await other.revision())

        writing = asyncio.create_task(write())
        for _ in range(10):
            async with await Board.open(redis_url, board.name) as third:
                replica = await third.replica()
                await replica.caught_up(await other.revision())
        stop.set()
        await writing
        replica = await board.replica()
        await replica.caught_up(await other.revision())
        assert picture(replica.records()) == picture((await board.at("now")).records())


async def test_versions_are_followed_back_by_their_commits_to_where_nothing_stood(either: Board) -> None:
    await lively(either)
    head = await either.get("other/1")
    assert head is not None
    whole = await either.history("other/1")
    assert [one.commit for one in await either.changes_back("other/1", head.commit)] == [
        one.commit for one in reversed(whole)
    ]
    assert len(await either.changes_back("other/1", head.commit, 3)) == 3
    removed = next(one for one in await either.history("item/2") if one.record is None)
    back = await either.changes_back("item/2", removed.commit)
    assert [one.record is None for one in back] == [True, False]
    assert back[-1].previous_commit == ""


async def test_versions_followed_back_end_with_what_stood_at_the_horizon(either: Board) -> None:
    await lively(either)
    head = await either.get("other/1")
    assert head is not None
    await either.trim(9)
    back = await either.changes_back("other/1", head.commit)
    horizon = await either.at(9)
    assert [one.record for one in back][-1] == horizon.get("other/1")
    assert back[-1].previous_commit == ""
    assert await either.change_at("other/1", "1-2") is None
    assert await either.change_at("other/1", "no commit") is None
    with pytest.raises(InvalidInput):
        await either.change_at("no key", head.commit)
