"""Claims about agents that wait for each other: the run ends with who waits for which record."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from knowledge_sources import Escalate, knowledge_source
from tests.leading import run

if TYPE_CHECKING:
    from blackboard.board import Board


def waiting(name: str, needs: str, writes: str, unless: str = "") -> Any:
    @knowledge_source(
        watches={"order": "order/{o}", "other": needs}, contributes=writes, unless=[unless] if unless else [], name=name
    )
    async def agent() -> int:
        return 1

    return agent


A = waiting("a", "c/{o}", "a/{o}")
B = waiting("b", "a/{o}", "b/{o}")
C = waiting("c", "b/{o}", "c/{o}")


async def test_a_run_in_which_some_wait_for_each_other_ends_with_who_waits_for_what(board: Board) -> None:
    await board.create("order/1", 1)
    await board.create("order/2", 2)
    end = await run(board, A, B, C)
    assert end.status == "stalled"
    assert end.reason == (
        "a deadlock: a(o=1) waits for c/1 from c(o=1), c(o=1) waits for b/1 from b(o=1), b(o=1) waits for a/1 from "
        "a(o=1), and 1 more like it"
    )
    assert end.waits is not None
    assert [wait.name for wait in end.waits.waits] == [f"{agent}(o={o})" for agent in "abc" for o in "12"]
    assert end.waits.waits[0].has[0].startswith("order/1@")
    json.dumps(end.waits.as_record())


async def test_one_record_from_outside_ends_it(board: Board) -> None:
    """It goes round once, for every one has fired on it then."""
    await board.create("order/1", 1)
    await board.create("b/1", 1)
    assert (await run(board, A, B, C)).status == "finished"


async def test_one_behind_a_deadlock_is_told_too(board: Board) -> None:
    await board.create("order/1", 1)
    end = await run(board, A, B, C, waiting("behind", "b/{o}", "end/{o}"))
    assert end.waits is not None
    assert "behind(o=1)" in [wait.name for wait in end.waits.waits]


async def test_what_waits_for_what_simply_never_comes_is_no_deadlock(board: Board) -> None:
    """A review that could come back to the writer is none where it has been given."""

    @knowledge_source(watches={"order": "order/{o}", "bad": 'review/{o} where value == "bad"'}, contributes="text/{o}")
    async def rewrite() -> str:
        return "better"

    @knowledge_source(watches={"order": "order/{o}", "text": "text/{o}"}, contributes="review/{o}")
    async def review() -> str:
        return "good"

    await board.create("order/1", 1)
    await board.create("text/1", "draft")
    assert (await run(board, rewrite, review)).status == "finished"


async def test_an_agent_that_is_not_to_fire_waits_for_nobody(board: Board) -> None:
    await board.create("order/1", 1)
    await board.create("done/1", 1)
    end = await run(board, waiting("a", "c/{o}", "a/{o}", "done/{o}"), B, C)
    assert end.status == "finished"


async def test_who_waits_for_a_person_may_still_go_on(board: Board) -> None:
    @knowledge_source(watches="order/{o}", contributes="c/{o}")
    async def clerk() -> Escalate:
        return Escalate("How?", choices=["so"])

    await board.create("order/1", 1)
    assert (await run(board, A, B, C, clerk)).status == "awaiting"


async def test_agents_that_wait_for_each_other_beside_work_that_was_done_let_the_run_finish_and_are_told(
    board: Board,
) -> None:
    """What nobody needed of a case that has come to its end is no failure of the run."""

    @knowledge_source(watches="order/{o}", contributes="out/{o}")
    async def clerk() -> int:
        return 1

    await board.create("order/1", 1)
    end = await run(board, A, B, C, clerk)
    assert end.status == "finished"
    assert end.reason.startswith("nothing is left to do, but there is a deadlock: a(o=1) waits for c/1 from c(o=1)")


async def test_who_has_had_a_turn_waits_for_nobody(board: Board) -> None:
    """Agents that carry a plan on wait for its next state, also when it has come to its end."""

    @knowledge_source(watches={"order": "order/{o}", "plan": "plan/{o} where value < 3"}, contributes="done/{o}")
    async def work(plan: int) -> int:
        return plan

    @knowledge_source(watches={"order": "order/{o}", "done": "done/{o} where value < 2"}, contributes="plan/{o}")
    async def advance(done: int) -> int:
        return done + 1

    await board.create("order/1", 1)
    await board.create("plan/1", 0)
    end = await run(board, work, advance)
    assert (end.status, end.reason) == ("finished", "")


async def test_another_writer_that_does_not_wait_is_a_way_out(board: Board) -> None:
    """It may have decided to write nothing, and that is no deadlock."""

    @knowledge_source(watches="order/{o}", contributes="c/{o}")
    async def other() -> None:
        """Has nothing to say."""

    await board.create("order/1", 1)
    end = await run(board, A, B, C, other)
    assert (end.status, end.reason) == ("finished", "")
