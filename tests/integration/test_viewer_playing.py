"""The log is played at the pace of its own times, or at that of a metronome, to its end."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import pytest_asyncio

from blackboard.board import Board
from controller.viewer.journey import Journey
from controller.viewer.playing import LONGEST_WAIT_MS, MOST_AT_ONCE, PACES, Pace, Player
from tests.hand_clock import Hand

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

TIMES_MS = (0, 100, 100, 400, 60_000, 60_050)
"""when the commits are made, from the first on"""


@pytest_asyncio.fixture
async def journey(redis_url: str, board_name: str) -> AsyncIterator[Journey]:
    """A journey at the first of the commits of :data:`TIMES_MS`."""
    clock = Hand()
    async with await Board.open(redis_url, board_name, clock=clock) as board:
        begun = clock.ms
        for n, at_ms in enumerate(TIMES_MS):
            clock.ms = begun + at_ms
            await board.put("item/1", n)
        journey = await Journey.begin(board, "1")
        yield journey
        await journey.close()


async def test_at_its_own_pace_each_commit_comes_when_its_time_has_come_and_long_silence_is_cut(
    journey: Journey,
) -> None:
    player = Player(journey, Pace(1))
    came = []
    for watched_ms in range(50, 3_000, 50):
        came += [watched_ms] * await player.tick(50)
    assert came == [100, 100, 400, 400 + LONGEST_WAIT_MS, 450 + LONGEST_WAIT_MS]
    assert player.at_end
    assert journey.revision == journey.head == len(TIMES_MS)


async def test_ten_times_as_fast_it_takes_a_tenth_of_the_time(journey: Journey) -> None:
    player = Player(journey, Pace(10))
    assert [await player.tick(10) for _ in range(4)] == [2, 0, 0, 1]
    player.pace = Pace(1000)
    assert await player.tick(60) == 2


async def test_commits_a_second_are_counted_whatever_the_log_says_of_time(journey: Journey) -> None:
    player = Player(journey, Pace(0, 10))
    assert [await player.tick(50) for _ in range(6)] == [0, 1, 0, 1, 0, 1]
    assert not player.at_end
    assert await player.tick(1_000) == 2
    assert player.at_end


async def test_who_moves_the_journey_meanwhile_goes_on_playing_from_there(journey: Journey) -> None:
    player = Player(journey, Pace(1))
    await player.tick(100)
    assert journey.revision == 3
    await journey.go("oldest")
    assert await player.tick(1) == 1, "nothing was before the first commit, so that it is not waited for"
    assert await player.tick(98) == 0
    assert await player.tick(1) == 2


async def test_after_the_end_it_plays_what_comes(journey: Journey) -> None:
    player = Player(journey, Pace(0, 100))
    await player.tick(100)
    assert player.at_end
    assert await player.tick(10_000) == 0
    await journey._board.put("item/2", 1)
    assert await player.tick(10) == 1


async def test_no_more_is_gone_at_once_than_leaves_time_for_keys(redis_url: str, board_name: str) -> None:
    async with await Board.open(redis_url, board_name, clock=Hand()) as board:
        for n in range(MOST_AT_ONCE + 50):
            await board.put("item/1", n)
        journey = await Journey.begin(board, "oldest")
        for pace in (Pace(100), Pace(0, 1_000_000)):
            await journey.go("oldest")
            player = Player(journey, pace)
            assert [await player.tick(1_000), await player.tick(1_000)] == [MOST_AT_ONCE, 50]
        await journey.close()


@pytest.mark.parametrize(
    ("pace", "text"), list(zip(PACES, ("2/s", "10/s", "50/s", "250/s", "×0.1", "×1", "×10", "×100"), strict=True))
)
def test_a_pace_is_named_as_people_would(pace: Pace, text: str) -> None:
    assert str(pace) == text
