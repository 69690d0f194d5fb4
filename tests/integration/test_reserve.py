"""Claims about agents that stand in for each other: whose turn it is, what they are told, what survives a restart."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from blackboard.board import Board
from controller.budgets import Limit, Limits
from knowledge_sources import Collect, Context, knowledge_source
from tests.leading import activations, declared, going_on, leading, question, quiescent, run, values
from tests.waiting import eventually

QUICK = {"attempts": 2, "backoff": "1ms", "cap": "2ms"}


def worker(name: str, before: tuple[str, ...] = (), *, fails: bool = False, **settings: Any) -> Any:
    """An agent of the capability ``work`` that contributes what it was told of the others, or raises."""
    calls: list[str] = []

    @knowledge_source(
        watches={"item": "item/{i}"}, contributes="out/{i}", name=name, provides="work", instead_of=before,
        **{"retry": QUICK, **settings},
    )  # fmt: skip
    async def work(item: Any, ctx: Context) -> Any:
        calls.append(ctx.case)
        if fails:
            raise RuntimeError(f"{name} is out of order")
        return [name, [[one["agent"], one["failure"]] for one in ctx.earlier]]

    work.calls = calls  # type: ignore[attr-defined]  # for the tests
    return work


async def test_the_next_agent_goes_on_where_the_first_has_failed_for_good_and_is_told_why(board: Board) -> None:
    """One that succeeds needs no other: of two items the reserve is called for none before the first has given up."""
    first, second = worker("first", fails=True), worker("second", ("first",))
    await board.create("item/1", {})
    assert (await run(board, second, first)).status == "finished"
    assert (len(first.calls), len(second.calls)) == (2, 1)
    assert await values(board, "out/*") == {"out/1": ["second", [["first", "error"], ["first", "error"]]]}
    given_up, done = await activations(board)
    assert (given_up["agent"], given_up["state"], given_up["passed_to"]) == ("first", "abandoned", "second")
    assert "first was tried twice" in given_up["reason"]
    assert given_up["reason"].endswith("RuntimeError: first is out of order; second goes on")
    assert (done["agent"], done["state"]) == ("second", "executed")


async def test_one_in_reserve_is_not_called_where_the_first_contributes(board: Board) -> None:
    """It is matched, and keeps the run from nothing; it has no record."""
    first, second = worker("first"), worker("second", ("first",))
    for n in range(5):
        await board.create(f"item/{n}", {})
    assert (await run(board, second, first)).status == "finished"
    assert (len(first.calls), len(second.calls)) == (5, 0)
    assert {one["agent"] for one in await activations(board)} == {"first"}


async def test_one_that_contributes_nothing_declines_and_the_next_has_its_turn(board: Board) -> None:
    """A ladder of three; the last may have nothing to say, too."""
    called: list[str] = []

    def of(name: str, before: tuple[str, ...], says: Any) -> Any:
        @knowledge_source("item/{i}", contributes="out/{i}", name=name, provides="work", instead_of=before)
        async def work() -> Any:
            called.append(name)
            return says

        return work

    await board.create("item/1", {})
    third = of("c", ("a", "b"), "found by c")
    assert (await run(board, third, of("b", ("a",), None), of("a", (), None))).status == "finished"
    assert called == ["a", "b", "c"]
    assert await values(board, "out/*") == {"out/1": "found by c"}


async def test_all_agents_of_a_work_item_have_five_calls_together_then_a_person_is_asked(board: Board) -> None:
    """Three agents that fail, three calls each: the third has no call left but one."""
    three = {"attempts": 3, "backoff": "1ms"}
    names = ("a", "b", "c")
    agents = [worker(name, names[:at], fails=True, retry=three) for at, name in enumerate(names)]
    await board.create("item/1", {})
    assert (await run(board, *agents)).status == "awaiting"
    assert [len(agent.calls) for agent in agents] == [3, 2, 0]
    _, asked = await question(board)
    assert (asked["agent"], asked["failure"]) == ("b", "error")
    assert "call 5 of 5 for this work" in asked["question"]


async def test_a_stated_limit_holds_across_all_of_them(board: Board) -> None:
    first, second = worker("first", fails=True), worker("second", ("first",), fails=True)
    await board.create("item/1", {})
    await run(board, first, second, limits=Limits(work_item=Limit(attempts=3)))
    assert (len(first.calls), len(second.calls)) == (2, 1)


async def test_with_rerouting_off_a_person_is_asked_where_the_next_would_have_gone_on(board: Board) -> None:
    """The switch by which a scenario shows what rerouting is worth."""
    first, second = worker("first", fails=True), worker("second", ("first",))
    await board.create("item/1", {})
    assert (await run(board, first, second, reroute_off=frozenset({"work"}))).status == "awaiting"
    assert second.calls == []


async def test_a_late_agent_without_a_supervisor_is_stopped_and_the_next_goes_on(board: Board) -> None:
    """What it would contribute afterwards is refused, and the next is told that it was slow."""
    hangs = asyncio.Event()

    @knowledge_source(watches="item/{i}", contributes="out/{i}", name="first", provides="work", respond_within="50ms")
    async def first() -> str:
        await hangs.wait()
        return "too late"

    await board.create("item/1", {})
    assert (await run(board, first, worker("second", ("first",)))).status == "finished"
    assert await values(board, "out/*") == {"out/1": ["second", [["first", "slow"]]]}
    slow = (await activations(board, "first"))[0]
    assert (slow["state"], slow["failure"], slow["passed_to"]) == ("abandoned", "slow", "second")


async def test_a_new_version_of_the_record_begins_with_the_first_agent_again(board: Board) -> None:
    """What became of the old version says nothing of the new one."""
    first, second = worker("first", fails=True), worker("second", ("first",))
    await board.create("item/1", 1)
    async with leading(board, first, second) as controller:
        await quiescent(controller)
        await board.put("item/1", 2)
        await quiescent(controller)
    assert [len(one["attempts"]) for one in await activations(board, "first")] == [2, 2]
    assert len(second.calls) == 2


async def test_one_in_reserve_whose_trigger_goes_is_forgotten(board: Board) -> None:
    """Nobody goes on with what is not there any more."""
    inside, gate = asyncio.Event(), asyncio.Event()

    @knowledge_source("item/{i}", contributes="out/{i}", name="first", provides="work", retry={"attempts": 1})
    async def first() -> str:
        inside.set()
        await gate.wait()
        raise RuntimeError("no")

    second = worker("second", ("first",))
    await board.create("item/1", {})
    async with leading(board, first, second) as controller, going_on(controller) as end:
        await inside.wait()
        await board.delete("item/1")
        await controller.desk.replica.caught_up(await board.revision())
        gate.set()
        assert (await end).status == "awaiting"
    assert second.calls == []


@pytest.mark.parametrize("survives", [False, True])
async def test_whose_turn_it_is_survives_a_restart(
    redis_url: str, board_name: str, board: Board, survives: bool
) -> None:
    """The next controller finds that the first has failed for good, whether the second had been called or not."""
    gate = asyncio.Event()
    inside = asyncio.Event()

    @knowledge_source(
        "item/{i}", contributes="out/{i}", name="second", provides="work", instead_of="first", max_running=1
    )
    async def stuck() -> str:
        inside.set()
        await gate.wait()
        return "stuck"

    first = worker("first", fails=True)
    await board.create("item/1", {})
    async with leading(board, first, stuck) as controller, going_on(controller):
        if survives:
            await inside.wait()
        else:
            await eventually(lambda: len(first.calls) == 2, "the first has used its calls")
    second = worker("second", ("first",))
    async with await Board.open(redis_url, board_name) as later:
        assert (await run(later, worker("first"), second)).status == "finished"
    assert (len(first.calls), len(second.calls)) == (2, 1)
    assert await values(board, "out/*") == {"out/1": ["second", [["first", "error"], ["first", "error"]]]}


async def test_an_agent_that_joins_in_the_middle_takes_its_place_behind_the_others(board: Board) -> None:
    """The groups are formed anew, and what runs already is not started twice."""
    inside, gate = asyncio.Event(), asyncio.Event()

    @knowledge_source("item/{i}", contributes="out/{i}", name="first", provides="work", retry={"attempts": 1})
    async def first() -> str:
        inside.set()
        await gate.wait()
        raise RuntimeError("no")

    second = worker("second", ("first",))
    await board.create("item/1", {})
    async with leading(board, first) as controller, going_on(controller) as end:
        await inside.wait()
        await controller.join(declared(second)[0])
        gate.set()
        assert (await end).status == "finished"
    assert len(second.calls) == 1
    assert await values(board, "out/*") == {"out/1": ["second", [["first", "error"]]]}


async def test_one_that_comes_back_finds_that_the_other_has_done_it(
    redis_url: str, board_name: str, board: Board
) -> None:
    """It was to be tried again when its agent went away; it is not called for what is done."""
    again = {"attempts": 3, "backoff": "1h", "cap": "1h"}
    first, second = worker("first", fails=True, retry=again), worker("second", ("first",))
    await board.create("item/1", {})
    async with leading(board, first, second) as controller, going_on(controller):
        await eventually(lambda: controller.pending_count == 1, "the first is to be tried again")
    async with await Board.open(redis_url, board_name) as later:
        await run(later, second, worker("zero"))
    assert len(second.calls) == 1
    back = worker("first")
    async with await Board.open(redis_url, board_name) as later:
        assert (await run(later, back, second)).status == "finished"
    assert back.calls == []
    (overtaken,) = await activations(board, "first")
    assert (overtaken["state"], overtaken["passed_to"], overtaken["reason"]) == (
        "obviated",
        "second",
        "second has done it",
    )


async def test_agents_that_collect_stand_in_for_each_other_too(board: Board) -> None:
    """A match of members alone has no record of its own to be told by."""

    def of(name: str, before: str | tuple[str, ...], says: Any) -> Any:
        @knowledge_source(
            {"votes": Collect("vote/{i}/*", at_least=2)}, contributes="out/{i}", name=name, provides="count",
            instead_of=before,
        )  # fmt: skip
        async def count(votes: Any) -> Any:
            return None if says is None else [says, len(votes)]

        return count

    for voter in "abc":
        await board.create(f"vote/1/{voter}", {})
    assert (await run(board, of("spare", "main", "spare"), of("main", (), None))).status == "finished"
    assert await values(board, "out/*") == {"out/1": ["spare", 3]}
