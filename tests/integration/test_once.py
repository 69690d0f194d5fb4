"""A user's idempotency key: the same payload again gives the first result, another payload is an error."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest

from blackboard.board import Board
from blackboard.commit import Absent, Once, Put, Update
from blackboard.errors import Conflict, InvalidInput, OnceMismatch, UsageError
from tests.waiting import eventually

if TYPE_CHECKING:
    from blackboard.backend import Backend


async def test_the_same_payload_again_gives_the_first_result_and_writes_nothing(either: Board) -> None:
    first = await either.commit([], [Put("a/1", {"x": 1}), Put("a/2", 2)], once="k")
    await either.put("a/1", "moved on")
    again = await either.commit([], [Put("a/1", {"x": 1}), Put("a/2", 2)], once="k")
    assert again == first._replace(repeated=True)
    assert await either.revision() == 2


async def test_another_payload_is_an_error_and_writes_nothing(either: Board) -> None:
    await either.create("a/1", 1, once="k")
    for other in (Put("a/1", 2), Put("a/2", 1), Put("a/1", 1, status="s"), Put("a/1", 1, ttl_ms=1000)):
        with pytest.raises(OnceMismatch, match="'k'"):
            await either.commit([], [other], once="k")
    assert await either.revision() == 1


async def test_repeating_a_create_gives_the_record_although_it_is_there(either: Board) -> None:
    first = await either.create("a/1", {"x": 1}, once="k")
    assert await either.create("a/1", {"x": 1}, once="k") == first
    await either.put("a/1", "moved on")
    again = await either.create("a/1", {"x": 1}, once="k")
    assert (again.commit, again.value) == (first.commit, {"x": 1})
    with pytest.raises(Conflict):
        await either.create("a/1", {"x": 1}, once="another")


async def test_a_record_that_expires_can_be_posted_again_under_its_key(either: Board) -> None:
    """The instant it ends at is later each time; it made every repetition an error."""
    first = await either.create("a/1", 1, ttl_ms=60_000, once="k")
    await eventually(lambda: either.store.server_now_ms() > first.expires_ms - 60_000, "a millisecond passes")
    assert await either.create("a/1", 1, ttl_ms=60_000, once="k") == first
    with pytest.raises(OnceMismatch):
        await either.create("a/1", 1, ttl_ms=50_000, once="k")


async def test_repetitions_in_one_call_share_one_result(either: Board) -> None:
    outcomes = await asyncio.gather(
        *(either.commit([], [Put("a/1", 1)], once="k") for _ in range(5)),
        either.commit([], [Put("a/1", 2)], once="k"),
        return_exceptions=True,
    )
    assert len({outcome.commit for outcome in outcomes[:5] if not isinstance(outcome, BaseException)}) == 1
    assert isinstance(outcomes[5], OnceMismatch)
    assert await either.revision() == 1


async def test_a_refused_commit_does_not_use_its_key_up(either: Board) -> None:
    await either.put("a/1", 1)
    with pytest.raises(Conflict):
        await either.commit([Absent("a/1")], [Put("a/1", 2)], once="k")
    await either.delete("a/1")
    assert (await either.commit([Absent("a/1")], [Put("a/1", 2)], once="k")).repeated is False


async def test_a_result_without_changes_is_kept_too(either: Board) -> None:
    await either.put("a/1", 1)
    assert (await either.commit([], [Put("a/1", 1)], once="k")).commit == ""
    assert (await either.commit([], [Put("a/1", 1)], once="k")).repeated is True


async def test_updates_belong_to_the_payload_by_key(either: Board) -> None:
    def add(value: Any) -> Any:
        return (value or 0) + 1

    await either.commit([], [Put("a/1", 1)], updates=[Update("n/1", add)], once="k")
    again = await either.commit([], [Put("a/1", 1)], updates=[Update("n/1", add)], once="k")
    assert (again.repeated, (await either.get("n/1")).value) == (True, 1)  # type: ignore[union-attr]
    with pytest.raises(OnceMismatch):
        await either.commit([], [Put("a/1", 1)], once="k")


async def test_another_process_gets_the_first_result_also_in_a_later_epoch(backend: Backend, board_name: str) -> None:
    async with await Board.open(backend, board_name) as board:
        first = await board.create("a/1", 1, once="k")
        await backend.client.hset(board.store.keys.meta, "run_id", "another life of the server")
    async with await Board.open(backend, board_name) as later:
        assert later.store.epoch == 2
        again = await later.commit([], [Put("a/1", 1)], once="k")
        assert (again.commit, again.repeated) == (first.commit, True)


async def test_a_key_lives_as_long_as_it_was_given(either: Board) -> None:
    await either.commit([], [Put("a/1", 1)], once=Once("k", 60_000))
    left = await either.backend.client.pttl(either.store.keys.once("k"))
    assert 50_000 < left <= 60_000


@pytest.mark.parametrize("once", ["", "x" * 257, Once("k", 0), Once("k", -1), Once("k", 1 << 70), Once("k", 1.5)])  # type: ignore[arg-type]
async def test_a_key_without_a_name_or_a_life_is_refused_before_it_is_sent(either: Board, once: Any) -> None:
    """A time to live of 0 made the server fail after its first write: half of the call stood."""
    with pytest.raises((UsageError, InvalidInput)):
        await either.commit([], [Put("a/1", 1)], once=once)
    assert await either.revision() == 0
    await either.put("a/2", 1)
