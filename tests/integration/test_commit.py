"""One commit is applied all or nothing, and every kind of guard says what it promises."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from blackboard.commit import Absent, At, Committed, Delete, Present, Previous, Put, Unchanged
from blackboard.errors import BlackboardError, Conflict, InvalidInput, InvalidName, InvalidValue, TooLarge, UsageError
from tests.consistency import calls, check_consistent

if TYPE_CHECKING:
    from collections.abc import Sequence

    from blackboard.board import Board
    from blackboard.commit import Guard, Write
    from tests.conftest import RedisServer


async def together(board: Board, *commits: tuple[Sequence[Guard], Sequence[Write]]) -> list[Committed | BaseException]:
    """The outcomes of ``commits``, which leave in one call."""
    return await asyncio.gather(*(board.commit(*commit) for commit in commits), return_exceptions=True)


async def refused(board: Board, guard: Guard) -> Conflict:
    with pytest.raises(Conflict) as raised:
        await board.commit([guard], [Put("probe/1", guard.describe())])
    assert await board.get("probe/1") is None
    return raised.value


async def test_a_guard_at_a_commit_holds_only_while_that_commit_wrote_the_record(either: Board) -> None:
    first = await either.create("order/1", {"n": 1})
    await either.commit([At("order/1", first.commit)], [Put("probe/0", 1)])
    second = await either.replace(first, {"n": 2})
    failure = (await refused(either, At("order/1", first.commit))).failures[0]
    assert (failure.commit, failure.record) == (second.commit, second)
    assert failure.record is not None
    assert failure.record.value == {"n": 2}


async def test_the_same_value_written_again_does_not_make_an_old_guard_hold(either: Board) -> None:
    first = await either.create("order/1", "a")
    await either.put("order/1", "b")
    await either.put("order/1", "a")
    await refused(either, At("order/1", first.commit))


async def test_a_deleted_and_recreated_record_does_not_make_an_old_guard_hold(either: Board) -> None:
    first = await either.create("order/1", "a")
    await either.delete("order/1")
    again = await either.create("order/1", "a")
    assert again.version == 1
    assert again.commit != first.commit
    await refused(either, At("order/1", first.commit))


async def test_guards_of_absence_and_presence_speak_of_now(either: Board) -> None:
    await either.commit([Absent("order/1")], [Put("order/1", 1)])
    assert (await refused(either, Absent("order/1"))).failures[0].commit == "1-1"
    await either.commit([Present("order/1")], [Delete("order/1")])
    assert (await refused(either, Present("order/1"))).failures[0].commit == ""
    await either.commit([Absent("order/1")], [Put("order/1", 1)])


async def test_a_guard_on_a_region_fails_after_any_write_or_removal_in_it(either: Board) -> None:
    await either.put("order/1", 1)
    since = await either.revision()
    await either.put("label/1", 1)
    await either.commit([Unchanged("order", since)], [Put("probe/0", 1)])
    await either.put("order/2", 1)
    assert "now at 1-4" in str(await refused(either, Unchanged("order", since)))
    since = await either.revision()
    await either.delete("order/2")
    await refused(either, Unchanged("order", since))
    await either.commit([Unchanged("nothing", 0)], [Put("probe/2", 1)])


async def test_a_guard_on_a_region_at_a_revision_that_never_was_is_refused(either: Board) -> None:
    """A revision above the head was read in a history that this server does not have."""
    await either.put("order/1", 1)
    await refused(either, Unchanged("order", 1000))


async def test_a_commit_that_leans_on_the_one_before_it_shares_its_fate(either: Board) -> None:
    await either.put("order/1", 1)
    applied, conflict, leaning, free, also = await together(
        either,
        ([Present("order/1")], [Put("a/1", 1)]),
        ([Absent("order/1"), Previous()], [Put("a/2", 2)]),
        ([Previous()], [Put("a/3", 3)]),
        ([], [Put("a/4", 4)]),
        ([Previous()], [Put("a/5", 5)]),
    )
    assert isinstance(applied, Committed)
    assert isinstance(conflict, Conflict)
    assert isinstance(leaning, Conflict)
    assert "the commit before was to succeed, but it was refused" in str(leaning)
    assert isinstance(free, Committed)
    assert isinstance(also, Committed)
    assert [r.key for r in await either.find("a/*")] == ["a/1", "a/4", "a/5"]


async def test_a_commit_that_leans_on_none_in_its_call_is_refused(either: Board) -> None:
    """The one before it in another call may have been refused: holding by default would let it through."""
    await either.put("a/1", 1)
    with pytest.raises(Conflict):
        await either.commit([Previous()], [Put("a/2", 2)])


async def test_a_commit_never_leaves_without_the_one_it_leans_on(board: Board) -> None:
    """300 pairs are cut into calls of 256 commits; no cut goes through a pair."""
    pairs: list[tuple[list[Guard], list[Write]]] = []
    for n in range(300):
        pairs += [([], [Put(f"lead/{n}", n)]), ([Previous()], [Put(f"lean/{n}", n)])]
    pairs.insert(0, ([], [Put("odd/1", 1)]))
    outcomes = await together(board, *pairs)
    assert all(isinstance(outcome, Committed) for outcome in outcomes)


async def test_guards_see_what_earlier_commits_of_the_same_call_did(either: Board) -> None:
    outcomes = await together(
        either,
        ([Absent("a/1")], [Put("a/1", 1)]),
        ([Absent("a/1")], [Put("a/2", 1)]),
        ([Present("a/1")], [Delete("a/1")]),
        ([Absent("a/1")], [Put("a/1", 2)]),
        ([Unchanged("a", 0)], [Put("b/1", 1)]),
    )
    assert [isinstance(outcome, Committed) for outcome in outcomes] == [True, False, True, True, False]
    record = await either.get("a/1")
    assert record is not None
    assert (record.value, record.version) == (2, 1)


async def test_a_refusal_names_every_guard_that_failed(either: Board) -> None:
    kept = await either.create("a/1", 1)
    with pytest.raises(Conflict) as raised:
        await either.commit([Absent("a/1"), At("a/1", kept.commit), Present("a/2"), Unchanged("a", 0)], [])
    assert [failure.guard for failure in raised.value.failures] == [
        Absent("a/1"), Present("a/2"), Unchanged("a", 0)
    ]  # fmt: skip


async def test_refusals_carry_present_records_up_to_64_kib_in_a_call(either: Board) -> None:
    big = "x" * 40_000
    for n in range(3):
        await either.put(f"a/{n}", big)
    with pytest.raises(Conflict) as raised:
        await either.commit([Absent(f"a/{n}") for n in range(3)], [])
    assert [failure.record is not None for failure in raised.value.failures] == [True, False, False]
    assert [failure.commit for failure in raised.value.failures] == ["1-1", "1-2", "1-3"]


async def test_one_refused_commit_of_a_call_leaves_nothing_behind(board: Board, redis_server: RedisServer) -> None:
    await together(
        board,
        ([], [Put("a/1", 1), Put("b/1", 1)]),
        ([Absent("a/1")], [Put("a/2", 2), Put("c/1", 3), Delete("b/1")]),
        ([], [Put("a/1", 5), Delete("b/1")]),
        ([Present("b/1")], [Delete("a/1")]),
    )
    assert [(r.key, r.value) for r in await board.find("a/*")] == [("a/1", 5)]
    with redis_server.client() as client:
        check_consistent(client, board.name)


@pytest.mark.parametrize("bad", [
    Put("a/1", float("nan")), Put("a/1", {"x": object()}), Put("a b", 1), Delete("a//b"),
    Put("a/1", "x" * (1 << 20)), Put("a/1", 1, ttl_ms=0), Put("a/1", 1, ttl_ms=10**30), Put("a/1", 1, status="\ud800"),
])  # fmt: skip
async def test_an_invalid_commit_is_refused_alone_before_it_is_sent(either: Board, bad: Write) -> None:
    first, invalid, last = await together(either, ([], [Put("b/1", 1)]), ([], [bad]), ([], [Put("b/2", 2)]))
    assert isinstance(invalid, InvalidInput | InvalidName | InvalidValue)
    assert isinstance(first, Committed)
    assert isinstance(last, Committed)
    assert await either.revision() == 2


@pytest.mark.parametrize("guard", [At("a\ud800", "1-1"), At("a", None), Absent("\udfff"), Unchanged("a", None)])  # type: ignore[arg-type]
async def test_a_guard_that_no_connection_takes_is_its_callers_error_alone(either: Board, guard: Guard) -> None:
    """One such guard once left its whole group unsent, and every later commit of the process waiting."""
    first, invalid, last = await together(
        either, ([], [Put("b/1", 1)]), ([guard], [Put("b/3", 3)]), ([], [Put("b/2", 2)])
    )
    assert isinstance(first, Committed)
    assert isinstance(invalid, InvalidInput)
    assert isinstance(last, Committed)
    assert [r.key for r in await either.find("b/*")] == ["b/1", "b/2"]


async def test_a_commit_above_the_limits_is_refused_and_the_largest_one_is_taken(
    board: Board, redis_server: RedisServer
) -> None:
    with pytest.raises(TooLarge, match="3,500 writes"):
        await board.commit([], [Put(f"a/{n}", n) for n in range(3501)])
    with pytest.raises(TooLarge):
        await board.commit([Absent(f"g/{n}") for n in range(4096)], [Put("a/1", 1)])
    done = await board.commit([Absent(f"a/{n}") for n in range(596)], [Put(f"a/{n}", n) for n in range(3500)])
    assert len(done.writes) == 3500
    await board.commit([], [Delete(f"a/{n}") for n in range(3500)])
    await board.commit([Absent(f"g/{n}") for n in range(4095)], [Put("a/1", 1)])
    with redis_server.client() as client:
        check_consistent(client, board.name)


async def test_one_commit_may_be_larger_than_a_call_but_no_value(board: Board) -> None:
    nearly = "x" * ((1 << 20) - 10)
    done = await board.commit([], [Put("a/1", nearly), Put("a/2", nearly), Put("a/3", nearly)])
    assert done.revision == 1
    with pytest.raises(InvalidValue, match="more than 1,048,576"):
        await board.commit([], [Put("a/4", nearly + "x" * 10)])


async def test_groups_are_cut_at_256_commits_4096_operations_and_one_mebibyte(
    board: Board, redis_server: RedisServer
) -> None:
    with redis_server.client() as client:
        before = calls(client)
        await together(board, *(([], [Put(f"a/{n}", n)]) for n in range(1000)))
        assert calls(client) - before == 6  # two leave early, with the server idle; the rest is cut at 256
        before = calls(client)
        await together(board, *(([], [Put(f"b/{n}/{m}", m) for m in range(1500)]) for n in range(6)))
        assert calls(client) - before == 3
        before = calls(client)
        await together(board, *(([], [Put(f"c/{n}", "x" * 300_000)]) for n in range(6)))
        assert calls(client) - before == 2
        check_consistent(client, board.name)


async def test_concurrent_commits_leave_in_few_calls(board: Board, redis_server: RedisServer) -> None:
    with redis_server.client() as client:
        before = calls(client)
        await asyncio.gather(*(board.put(f"a/{n}", n) for n in range(200)))
        assert calls(client) - before == 3  # two leave early, so that the server is not idle; the rest together


async def test_one_callers_commits_keep_their_order(board: Board) -> None:
    """Five callers at once, 40 commits each, issued without waiting for the one before."""
    outcomes = await asyncio.gather(*(board.put(f"caller/{n % 5}", n) for n in range(200)))
    assert [record.revision for record in outcomes] == list(range(1, 201))
    assert [(await board.get(f"caller/{n}")).value for n in range(5)] == [195, 196, 197, 198, 199]  # type: ignore[union-attr]


async def test_a_write_that_changes_nothing_keeps_its_commit_and_is_not_logged(either: Board) -> None:
    first = await either.put("a/1", {"x": 1})
    again = await either.commit([], [Put("a/1", {"x": 1})])
    assert (again.commit, again.revision) == ("", 0)
    assert again.writes[0][1:] == (first.commit, 1, False)
    assert await either.put("a/1", {"x": 1}) == first
    mixed = await either.commit([], [Put("a/1", {"x": 1}), Put("a/2", 2), Delete("a/3")])
    assert mixed.commit == "1-2"
    assert [(w.commit, w.changed) for w in mixed.writes] == [(first.commit, False), ("1-2", True), ("", False)]
    await either.commit([At("a/1", first.commit)], [])
    assert await either.revision() == 2
    assert (await either.put("a/1", {"x": 1}, status="proposed")).version == 2


async def test_a_commit_that_writes_a_key_twice_is_refused(either: Board) -> None:
    with pytest.raises(UsageError, match="twice"):
        await either.commit([], [Put("a/1", 1), Delete("a/1")])


async def test_authors_time_and_versions_are_what_the_commit_said(either: Board) -> None:
    await either.put("a/1", 1)
    record = await either.put("a/1", 2)
    stored = await either.get("a/1")
    assert stored is not None
    assert (stored.author, stored.version, stored.commit, stored.time_ms) == ("ada", 2, record.commit, record.time_ms)
    assert abs(stored.time_ms - either.store.server_now_ms()) < 5000


async def test_a_cancelled_waiter_takes_nobody_elses_commit_with_it(board: Board) -> None:
    tasks = [asyncio.create_task(board.put(f"a/{n}", n)) for n in range(20)]
    await asyncio.sleep(0)
    for task in tasks[::2]:
        task.cancel()
    outcomes = await asyncio.gather(*tasks, return_exceptions=True)
    assert all(isinstance(outcome, asyncio.CancelledError) for outcome in outcomes[::2])
    assert [outcome.key for outcome in outcomes[1::2] if not isinstance(outcome, BaseException)] == [
        f"a/{n}" for n in range(1, 20, 2)
    ]
    await board.put("a/last", 1)
    assert len(await board.find("a/*")) == 21, "what was sent is applied"


async def test_every_refusal_is_one_of_ours(either: Board) -> None:
    outcomes = await together(either, ([Present("a/1")], []), ([At("a/1", "rubbish")], []), ([], [Put("", 1)]))
    assert all(isinstance(outcome, BlackboardError) for outcome in outcomes)
