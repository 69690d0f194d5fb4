"""A journey shows the board as it was after any revision, whichever way it got there."""

from __future__ import annotations

import asyncio
import datetime as dt
import random
from typing import TYPE_CHECKING, Any

import pytest

from blackboard.board import Board
from blackboard.commit import Delete, Put
from blackboard.control_records import RUN
from blackboard.errors import BeforeHorizon, HistoryLost, NoBackend, NothingSelected, UsageError
from blackboard.state import digest_of
from controller.viewer.journey import RECALLED, Journey
from controller.viewer.log_pages import PAGE
from controller.viewer.model import Model
from tests.hand_clock import Hand
from tests.own_server import OwnServer
from tests.returns_run import work

if TYPE_CHECKING:
    from blackboard.backend import Backend
    from blackboard.log import Change


async def live(board: Board, clock: Hand, dice: random.Random, rounds: int) -> None:
    """Let records come, change, go and run out of time."""
    for n in range(rounds):
        clock.ms += dice.choice((0, 1, 40))
        keys = dice.sample([f"item/{m}" for m in range(12)] + [f"other/{m}" for m in range(6)], dice.randint(1, 4))
        writes = [Delete(key) if dice.random() < 0.3 else Put(key, {"n": n}) for key in keys]
        if dice.random() < 0.3:
            await board.put(keys[0], n, ttl_ms=dice.randint(1, 100))
        await board.commit([], writes)


async def check(journey: Journey, board: Board, revision: int) -> None:
    """All that the journey shows is the board as it was after ``revision``."""
    state = await board.at(revision)
    assert (journey.revision, journey.model.revision, journey.state.revision) == (revision, revision, revision)
    assert digest_of(journey.state) == digest_of(state)
    assert journey.time_ms == journey.state.time_ms == state.time_ms
    assert journey.state.records() == state.records()
    assert shown_by(journey.model) == shown_by(Model(board.name, state.records_kept(), revision, state.time_ms))


def shown_by(model: Model) -> Any:
    tallies = {agent: tally.performance for agent, tally in model.tallies.items()}
    return (
        model.regions, model.agents, model.activations, model.questions, model.overrides, model.breakers,
        model.progress, model.cases, tallies, model.unsound, model.run, model.leader, model.flow, model.focus,
    )  # fmt: skip


@pytest.mark.parametrize("seed", range(3))
async def test_wherever_it_goes_and_however_it_gets_there_it_shows_the_board_as_it_was(
    backend: Backend, board_name: str, seed: int
) -> None:
    dice, clock = random.Random(seed), Hand()
    async with await Board.open(backend, board_name, author="ada", clock=clock) as board:
        await live(board, clock, dice, 150)
        await board.trim(dice.randint(0, 40))
        journey = await Journey.begin(board, "now")
        head = journey.revision
        assert journey.head == head == await board.revision()
        for _ in range(60):
            if dice.random() < 0.5:
                await journey.go(str(dice.randint(journey.oldest, head)))
            else:
                count = dice.choice((-1, 1, -7, 7, -PAGE - 3, PAGE + 3))
                before, wanted = journey.revision, min(max(journey.revision + count, journey.oldest), head)
                assert (await journey.step(count), journey.revision) == (abs(wanted - before), wanted)
            await check(journey, board, journey.revision)
        await journey.close()


async def test_ten_thousand_steps_back_and_forth_end_where_the_log_says(board: Board) -> None:
    dice = random.Random(7)
    for n in range(300):
        await board.commit([], [Put(f"item/{dice.randrange(20)}", n), Put(f"a/{dice.randrange(5)}", {"n": n})])
    journey = await Journey.begin(board)
    model, went = journey.model, 0
    while went < 10_000:
        went += await journey.step(dice.choice((-1, 1, -1, 1, -30, 30)))
    await check(journey, board, journey.revision)
    assert journey.model is model, "a step moves the model that there is"
    await journey.close()


async def test_a_run_with_agents_is_gone_through_backward_and_forward(board: Board) -> None:
    await work(board)
    journey = await Journey.begin(board)
    heard: list[Change] = []
    journey.model.subscribe(heard.append)
    while await journey.step(-1):
        await check(journey, board, journey.revision)
    assert (journey.revision, journey.changes, journey.model.count, journey.model.run) == (0, (), 0, None)
    while await journey.step():
        await check(journey, board, journey.revision)
    assert journey.revision == await board.revision()
    half = len(heard) // 2
    assert [one.key for one in heard[:half]] == [one.key for one in reversed(heard[half:])]
    await journey.close()


async def test_each_change_of_the_commit_that_it_stands_on_is_told_with_what_it_replaced(board: Board) -> None:
    first = await board.put("item/1", {"n": 1})
    second = await board.put("item/1", {"n": 2})
    await board.delete("item/1")
    journey = await Journey.begin(board, "3")
    told = [[(c.key, c.operation, c.record, c.previous) for c in journey.changes]]
    for _ in range(3):
        await journey.step(-1)
        told.append([(c.key, c.operation, c.record, c.previous) for c in journey.changes])
    assert told == [
        [("item/1", "delete", None, second)],
        [("item/1", "put", second, first)],
        [("item/1", "put", first, None)],
        [],
    ]
    await journey.step(2)
    assert [(c.record, c.previous) for c in journey.changes] == [(second, first)]
    await journey.close()


async def test_the_log_of_its_model_reaches_back_wherever_it_stands(board: Board) -> None:
    for n in range(RECALLED + 700):
        await board.put(f"item/{n % 7}", n)
    journey = await Journey.begin(board)
    assert [c.revision for c in journey.model.changes][:: RECALLED - 1] == [701 - 1, RECALLED + 699]
    for moment in ("-400", "-400", "-200", "100", "50", "3"):
        await journey.go(moment)
        revisions = [change.revision for change in journey.model.changes]
        assert revisions == list(range(revisions[0], journey.revision + 1))
        assert revisions[0] == 1 or len(revisions) >= 100, moment
    await journey.close()


async def test_moments_are_revisions_commits_snapshots_distances_and_times(backend: Backend, board_name: str) -> None:
    clock = Hand()
    async with await Board.open(backend, board_name, clock=clock) as board:
        for n in range(20):
            clock.ms += 60_000
            await board.put("item/1", n)
        await board.snapshot("before", 7)
        local = dt.datetime.fromtimestamp((clock.ms - 5 * 60_000) / 1000, tz=dt.UTC).astimezone()
        journey = await Journey.begin(board, "-10")
        assert journey.revision == 10
        for moment, revision in (
            ("+5", 15), ("-1", 14), ("1-3", 3), ("before", 7), (" now ", 20), ("oldest", 0), ("4", 4),
            (f"{local:%H:%M:%S}", 15), (local.isoformat(), 15), (f"{local:%Y-%m-%d %H:%M:%S}", 15),
            (f"{local + dt.timedelta(seconds=59):%H:%M:%S}", 15), (f"{local - dt.timedelta(days=1):%Y-%m-%d}", 0),
        ):  # fmt: skip
            await journey.go(moment)
            assert journey.revision == revision, moment
            await check(journey, board, revision)
        for moment, error, sentence in (
            ("21", UsageError, "revision 21: the board is at 20"),
            ("-99", UsageError, "there are only 0 revisions before this one"),
            ("2-3", NothingSelected, "no commit '2-3' in this history"),
            ("25:61", NothingSelected, "'25:61' is no revision, no commit and no snapshot"),
            ("\x1b[2J", NothingSelected, r"'\\x1b\[2J' is no revision"),
            ("", NothingSelected, "'' is no revision"),
        ):
            with pytest.raises(error, match=sentence):
                await journey.go(moment)
            assert journey.revision == 0, "it stays where it was"
        await board.drop_snapshot("before")
        await journey.close()
        await board.trim(9)
        for moment in ("8", f"{local - dt.timedelta(minutes=12):%H:%M:%S}"):
            with pytest.raises((BeforeHorizon, NothingSelected), match="is gone: the log of this board"):
                await Journey.begin(board, moment)
        assert board.store.holds._held == {h for h in board.store.holds._held if h.position()}, "none is left held"


async def test_nothing_is_trimmed_under_a_journey_and_all_of_it_when_it_has_ended(
    backend: Backend, board_name: str
) -> None:
    async with await Board.open(backend, board_name) as board, await Board.open(backend, board_name) as other:
        for n in range(200):
            await board.put(f"item/{n % 9}", n)
        await board.trim(50)
        journey = await Journey.begin(other, "oldest")
        assert (await board.trim(150)).horizon == 50
        for moment in ("now", "60", "oldest"):
            await journey.go(moment)
            await check(journey, board, journey.revision)
        await journey.close()
        await other.store.holds.refresh()
        assert (await board.trim(150)).horizon == 150


async def test_where_its_hold_was_lost_it_says_what_is_gone_and_can_go_where_the_log_still_reaches(
    backend: Backend, board_name: str
) -> None:
    """A process that stood still for too long is taken for dead, and the log is trimmed under it."""
    async with await Board.open(backend, board_name) as board, await Board.open(backend, board_name) as other:
        for n in range(200):
            await board.put(f"item/{n % 9}", n)
        journey = await Journey.begin(other, "30")
        await board.store.read("DEL", board.store.keys.holds)
        assert (await board.trim(150)).horizon == 150
        for count in (1, -1):
            with pytest.raises(BeforeHorizon, match="is gone: the log of this board was trimmed up to revision 150"):
                await journey.step(PAGE * count)
        with pytest.raises(BeforeHorizon):
            await journey.go("40")
        for moment in ("170", "oldest", "now", "-3"):
            await journey.go(moment)
            await check(journey, board, journey.revision)
        await journey.close()


async def test_what_is_written_meanwhile_is_reached_by_going_on(board: Board, redis_url: str) -> None:
    await board.put("item/1", 0)
    journey = await Journey.begin(board)
    async with await Board.open(redis_url, board.name) as writer:
        writing = asyncio.create_task(_write(writer, 300))
        while not writing.done() or journey.revision < await board.revision():
            await journey.step(-1)
            await journey.step(3)
            assert journey.head >= journey.revision
        await writing
    await check(journey, board, 301)
    assert (await journey.next_ms(), await journey.step()) == (None, 0)
    await journey.close()


async def _write(board: Board, rounds: int) -> None:
    for n in range(rounds):
        await board.put(f"item/{n % 5}", {"round": n})


async def test_a_server_that_is_killed_in_mid_journey_is_missed_and_when_it_is_back_the_journey_goes_on(
    board_name: str,
) -> None:
    with OwnServer() as server:
        async with await Board.open(server.url, board_name) as board:
            for n in range(3 * PAGE):
                await board.put(f"item/{n % 5}", n)
            journey = await Journey.begin(board, str(2 * PAGE))
            board.store.give_up_after_s = 0.05
            server.kill()
            stood = journey.revision
            with pytest.raises(NoBackend):
                await journey.step(-3 * PAGE)
            with pytest.raises(NoBackend):
                await journey.go("now")
            assert 0 < journey.revision <= stood
            assert journey.model.revision == journey.state.revision
            board.store.give_up_after_s = 10.0
            server.start()
            await check(journey, board, journey.revision)
            await journey.step(-5)
            await check(journey, board, journey.revision)
            await board.put(RUN, {"scenario": "x", "status": "running", "started_ms": 1, "settings": {}})
            await journey.go("now")
            assert journey.changes[0].commit == f"2-{3 * PAGE + 1}", "the restart has begun another epoch"
            await check(journey, board, 3 * PAGE + 1)
            await journey.step(-2)
            await check(journey, board, 3 * PAGE - 1)
            await journey.close()


async def test_a_journey_through_a_history_that_was_lost_ends_and_another_one_can_begin(board_name: str) -> None:
    with OwnServer() as server:
        async with await Board.open(server.url, board_name) as board:
            await board.put("item/1", 0)
            kept = server.keep_files()
            for n in range(100):
                await board.put(f"item/{n % 5}", n)
            journey = await Journey.begin(board, "90")
            server.kill()
            server.restore(kept)
            server.start()
            with pytest.raises(HistoryLost):
                await journey.go("2")
            with pytest.raises(HistoryLost):
                await journey.go("1")
            await journey.close()
            again = await Journey.begin(board)
            await check(again, board, await board.revision())
            await again.close()
