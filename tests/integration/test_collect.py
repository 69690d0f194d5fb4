"""Claims about agents that collect several records: when they fire, on what, and what becomes of who comes late."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel

from knowledge_sources import Collect, Context, Decide, Members, Overdue, Record, knowledge_source, supervisor
from tests.leading import going_on, leading, only, question, quiescent, run, states, values
from tests.waiting import eventually

if TYPE_CHECKING:
    from blackboard.board import Board


class Vote(BaseModel):
    fraud: bool


@knowledge_source({"votes": Collect("vote/{tx}/*", at_least=2)}, contributes="decision/{tx}")
async def two_votes(votes: list[Vote]) -> Any:
    return [vote.fraud for vote in votes]


async def test_an_agent_that_collects_fires_once_for_each_set_of_captures_as_soon_as_enough_is_there(
    board: Board,
) -> None:
    for key in ("vote/1/a", "vote/2/a", "vote/2/b", "vote/3/a"):
        await board.put(key, {"fraud": key.endswith("b")})
    await run(board, two_votes)
    assert await values(board, "decision/*") == {"decision/2": [False, True]}


async def test_members_are_given_in_the_order_of_their_commits_and_stand_in_the_record(board: Board) -> None:
    seen: list[Any] = []

    @knowledge_source({"tx": "tx/{t}", "votes": Collect("vote/{t}/*", at_least=3)}, contributes="d/{t}")
    async def decide(tx: Any, votes: Members[Record[Vote]]) -> Any:
        seen.extend((vote.key, vote.value.fraud) for vote in votes)
        return len(votes)

    await board.put("tx/1", {})
    for name in ("c", "a", "b"):
        await board.put(f"vote/1/{name}", {"fraud": name == "a"})
    await run(board, decide)
    assert seen == [("vote/1/c", False), ("vote/1/a", True), ("vote/1/b", False)]
    record = await only(board)
    assert [trigger[:2] for trigger in record["triggers"]] == [
        ["tx", "tx/1"], ["votes", "vote/1/c"], ["votes", "vote/1/a"], ["votes", "vote/1/b"],
    ]  # fmt: skip
    assert record["collected"] == {"votes": {"taken": 3, "at_least": 3, "of": None}}
    decision = await board.get("d/1")
    assert decision is not None
    assert [cause.partition("@")[0] for cause in decision.causes] == ["tx/1", "vote/1/c", "vote/1/a", "vote/1/b"]


async def test_one_that_comes_after_the_dispatch_is_no_part_of_it_and_fires_nothing(board: Board) -> None:
    inside, let_go = asyncio.Event(), asyncio.Event()

    @knowledge_source({"votes": Collect("vote/{tx}/*", at_least=2)}, contributes="decision/{tx}")
    async def slowly(votes: list[Any]) -> Any:
        inside.set()
        await let_go.wait()
        return len(votes)

    await board.put("vote/1/a", {})
    await board.put("vote/1/b", {})
    async with leading(board, slowly) as controller, going_on(controller) as end:
        await inside.wait()
        await board.put("vote/1/late", {})
        let_go.set()
        await end
    assert await values(board, "decision/*") == {"decision/1": 2}
    assert [trigger[1] for trigger in (await only(board))["triggers"]] == ["vote/1/a", "vote/1/b"]


async def test_a_member_that_changes_while_it_runs_makes_it_run_again_on_what_is_there(board: Board) -> None:
    runs: list[list[int]] = []

    @knowledge_source({"votes": Collect("vote/{tx}/*", at_least=2)}, contributes="decision/{tx}")
    async def total(votes: list[int], ctx: Context) -> Any:
        runs.append(list(votes))
        if len(runs) == 1:
            await board.put("vote/1/a", 10)
            await board.put("vote/1/late", 100)
        return sum(votes)

    await board.put("vote/1/a", 1)
    await board.put("vote/1/b", 2)
    await run(board, total)
    assert runs == [[1, 2], [10, 2]]
    assert await values(board, "decision/*") == {"decision/1": 12}
    record = await only(board)
    present = await board.get("vote/1/a")
    assert present is not None
    assert ["votes", "vote/1/a", present.commit] in record["triggers"]
    assert record["conflicts"] == 1


async def test_one_whose_members_are_withdrawn_while_it_runs_waits_for_others(board: Board) -> None:
    runs: list[int] = []

    @knowledge_source({"votes": Collect("vote/{tx}/*", at_least=2)}, contributes="decision/{tx}")
    async def total(votes: list[int]) -> Any:
        runs.append(len(votes))
        if len(runs) == 1:
            await board.delete("vote/1/a")
        return sum(votes)

    await board.put("vote/1/a", 1)
    await board.put("vote/1/b", 2)
    async with leading(board, total) as controller:
        assert (await quiescent(controller)).status == "finished"
        assert (await only(board))["state"] == "pending"
        assert await values(board, "decision/*") == {}
        await board.put("vote/1/c", 5)
        assert (await quiescent(controller)).status == "finished"
    assert await values(board, "decision/*") == {"decision/1": 7}
    assert (await only(board))["attempt"] == 1


async def test_one_that_waits_for_members_again_is_taken_up_by_the_next_controller(board: Board) -> None:
    calls: list[int] = []

    @knowledge_source({"votes": Collect("vote/{tx}/*", at_least=2)}, contributes="decision/{tx}")
    async def total(votes: list[int]) -> Any:
        calls.append(len(votes))
        if len(calls) == 1:
            await board.delete("vote/1/a")
        return sum(votes)

    await board.put("vote/1/a", 1)
    await board.put("vote/1/b", 2)
    await run(board, total)
    await board.put("vote/1/c", 5)
    await run(board, total)
    assert await values(board, "decision/*") == {"decision/1": 7}


async def test_a_member_that_goes_before_the_dispatch_obviates_one_that_has_too_few_left(board: Board) -> None:
    await board.put("vote/1/a", {"fraud": True})
    await board.put("vote/1/b", {"fraud": True})
    async with leading(board, two_votes) as controller:
        assert controller.pending_count == 1
        await board.delete("vote/1/b")
        await eventually(lambda: controller.pending_count == 0, "nothing is pending")
        await board.put("vote/1/c", {"fraud": False})
        await quiescent(controller)
    assert await values(board, "decision/*") == {"decision/1": [True, False]}


async def test_with_a_time_to_wait_it_fires_at_once_when_all_are_there(board: Board) -> None:
    @knowledge_source(
        {"tx": "tx/{t}", "votes": Collect("vote/{t}/*", at_least=2, of=3, within="1h")}, contributes="d/{t}"
    )
    async def decide(votes: Members[Any]) -> Any:
        return [len(votes), votes.complete, votes.missing]

    await board.put("tx/1", {})
    for name in "ab":
        await board.put(f"vote/1/{name}", {})
    async with leading(board, decide) as controller, going_on(controller) as end:
        await eventually(lambda: controller.pending_count == 1, "it waits for the third")
        await board.put("vote/1/c", {})
        await end
    assert await values(board, "d/*") == {"d/1": [3, True, 0]}


async def test_at_the_deadline_it_takes_what_is_there_if_that_is_enough(board: Board) -> None:
    @knowledge_source(
        {"tx": "tx/{t}", "votes": Collect("vote/{t}/*", at_least=2, of=3, within="300ms")}, contributes="d/{t}"
    )
    async def decide(votes: Members[Any]) -> Any:
        return [len(votes), votes.complete, votes.missing]

    await board.put("tx/1", {})
    for name in "ab":
        await board.put(f"vote/1/{name}", {})
    await run(board, decide)
    assert await values(board, "d/*") == {"d/1": [2, False, 1]}
    record, question_ = await only(board), await board.get("tx/1")
    assert question_ is not None
    assert record["dispatched_ms"] >= question_.time_ms + 300
    assert record["eligible_ms"] == question_.time_ms + 300


async def test_with_fewer_at_the_deadline_a_person_is_asked_who_may_have_it_wait_on(board: Board) -> None:
    @knowledge_source(
        {"tx": "tx/{t}", "votes": Collect("vote/{t}/*", at_least=2, of=3, within="100ms")}, contributes="d/{t}"
    )
    async def decide(votes: list[Any]) -> Any:
        return len(votes)

    await board.put("tx/1", {})
    await board.put("vote/1/a", {})
    end = await run(board, decide)
    assert end.status == "awaiting"
    _, asked = await question(board)
    assert asked["question"].startswith("decide has 1 of at least 2 votes within 100 ms, and it has no supervisor")
    assert await states(board) == ["escalated"]


async def test_with_fewer_at_the_deadline_its_supervisor_decides_in_its_place(board: Board) -> None:
    @knowledge_source(
        {"tx": "tx/{t}", "votes": Collect("vote/{t}/*", at_least=2, within="100ms")},
        contributes="d/{t}",
        escalate=["boss"],
    )
    async def decide(votes: list[Any]) -> Any:
        return len(votes)

    @supervisor(over="decide")
    def boss(overdue: Overdue) -> Decide:
        return Decide({"why": overdue.reason}, reason="nobody voted")

    await board.put("tx/1", {})
    await run(board, decide, boss)
    assert await values(board, "d/*") == {
        "d/1": {"why": "decide has 0 of at least 2 votes within 100 ms; boss decides"}
    }


async def test_one_that_is_content_with_none_is_told_how_many_are_missing(board: Board) -> None:
    @knowledge_source(
        {"tx": "tx/{t}", "votes": Collect("vote/{t}/*", at_least=0, of=3, within="100ms")}, contributes="d/{t}"
    )
    async def decide(votes: Members[Any]) -> Any:
        return [list(votes), votes.missing]

    await board.put("tx/1", {})
    await run(board, decide)
    assert await values(board, "d/*") == {"d/1": [[], 3]}


async def test_the_deadline_counts_on_through_a_restart(board: Board) -> None:
    @knowledge_source(
        {"tx": "tx/{t}", "votes": Collect("vote/{t}/*", at_least=1, of=3, within="400ms")}, contributes="d/{t}"
    )
    async def decide(votes: list[Any]) -> Any:
        return len(votes)

    await board.put("tx/1", {})
    await board.put("vote/1/a", {})
    async with leading(board, decide) as first, going_on(first):
        await eventually(lambda: first.pending_count == 1, "it waits")
    assert await values(board, "d/*") == {}
    async with leading(board, decide) as second:
        (entry,) = second.agenda(5)
        tx = await board.get("tx/1")
        assert tx is not None
        assert entry.not_before_ms == tx.time_ms + 400
        await quiescent(second)
    assert await values(board, "d/*") == {"d/1": 1}


async def test_a_predicate_makes_a_quorum_of_equal_votes(board: Board) -> None:
    @knowledge_source(
        {"tx": "tx/{t}", "fraud": Collect('vote/{t}/* where verdict == "fraud"', at_least=2)},
        unless="d/{t}",
        contributes="d/{t}",
    )
    async def block(fraud: list[Any]) -> Any:
        return "blocked"

    for tx, verdicts in {"1": ("fraud", "clean", "fraud"), "2": ("fraud", "clean", "clean")}.items():
        await board.put(f"tx/{tx}", {})
        for number, verdict in enumerate(verdicts):
            await board.put(f"vote/{tx}/{number}", {"verdict": verdict})
    await run(board, block)
    assert await values(board, "d/*") == {"d/1": "blocked"}


async def test_refire_each_makes_an_activation_of_each_set(board: Board) -> None:
    @knowledge_source({"found": Collect("finding/{case}/*", refire="each")}, contributes="digest/{case}")
    async def digest(found: list[Any]) -> Any:
        return sorted(found)

    async with leading(board, digest) as controller:
        for number in range(3):
            await board.put(f"finding/x/{number}", number)
            await quiescent(controller)
        await board.put("finding/x/1", 10)
        await quiescent(controller)
    assert await values(board, "digest/*") == {"digest/x": [0, 2, 10]}
    assert await states(board) == ["executed"] * 4


async def test_a_failed_call_is_tried_again_on_what_is_there_by_then(board: Board) -> None:
    @knowledge_source(
        {"votes": Collect("vote/{tx}/*", at_least=1)},
        contributes="d/{tx}",
        retry={"attempts": 2, "backoff": "10ms"},
    )
    async def decide(votes: list[Any], ctx: Context) -> Any:
        if ctx.attempt == 1:
            await board.put("vote/1/b", 2)
            raise RuntimeError("not yet")
        return list(votes)

    await board.put("vote/1/a", 1)
    await run(board, decide)
    assert await values(board, "d/*") == {"d/1": [1, 2]}
    record = await only(board)
    assert (record["attempt"], record["collected"]["votes"]["taken"]) == (2, 2)


async def test_a_member_whose_time_is_over_does_not_count(board: Board) -> None:
    @knowledge_source({"votes": Collect("vote/{tx}/*", at_least=2)}, contributes="d/{tx}")
    async def decide(votes: list[Any]) -> Any:
        return list(votes)

    async with leading(board, decide) as controller:
        await board.put("vote/1/a", 1, ttl_ms=60)
        await eventually(lambda: board_is_empty(controller), "the vote has expired")
        await board.put("vote/1/b", 2)
        await quiescent(controller)
        assert await values(board, "d/*") == {}
        await board.put("vote/1/c", 3)
        await quiescent(controller)
    assert await values(board, "d/*") == {"d/1": [2, 3]}


def board_is_empty(controller: Any) -> bool:
    return not [key for key in ("vote/1/a",) if controller.desk.replica.get(key) is not None]


async def test_what_it_takes_is_at_most_of_and_a_thousand(board: Board) -> None:
    @knowledge_source({"votes": Collect("vote/{tx}/*", at_least=1, of=2)}, contributes="d/{tx}")
    async def two(votes: list[Any]) -> Any:
        return list(votes)

    @knowledge_source({"votes": Collect("vote/{tx}/*")}, contributes="all/{tx}")
    async def many(votes: list[Any]) -> Any:
        return len(votes)

    await asyncio.gather(*(board.put(f"vote/1/{number}", number) for number in range(1_200)))
    await run(board, two, many)
    assert len((await values(board, "d/*"))["d/1"]) == 2
    assert await values(board, "all/*") == {"all/1": 1000}


async def test_nobody_can_read_a_member_that_is_no_model_of_the_agent(board: Board) -> None:
    await board.put("vote/1/a", {"fraud": True})
    await board.put("vote/1/b", {"fraud": "perhaps"})
    await run(board, two_votes)
    _, asked = await question(board)
    assert "vote/1/b" in asked["question"]
    assert {attempt["failure"] for attempt in (await only(board))["attempts"]} == {"invalid"}


async def test_what_stands_only_while_its_members_do_goes_with_one_and_comes_back_with_another(board: Board) -> None:
    @knowledge_source({"votes": Collect("vote/{tx}/*", at_least=2)}, contributes="d/{tx}", logical=True)
    async def decide(votes: list[int]) -> Any:
        return sorted(votes)

    await board.put("vote/1/a", 1)
    await board.put("vote/1/b", 2)
    async with leading(board, decide) as controller:
        await quiescent(controller)
        assert await values(board, "d/*") == {"d/1": [1, 2]}
        await board.delete("vote/1/a")
        await quiescent(controller)
        assert await values(board, "d/*") == {}
        await board.put("vote/1/c", 5)
        await quiescent(controller)
    assert await values(board, "d/*") == {"d/1": [2, 5]}


async def test_an_agent_in_reserve_collects_for_the_one_that_has_failed(board: Board) -> None:
    votes_of = {"tx": "tx/{t}", "votes": Collect("vote/{t}/*", at_least=2, of=3, within="100ms")}

    @knowledge_source(votes_of, contributes="d/{t}", provides="decide", retry={"attempts": 1})
    async def careful(votes: list[int]) -> Any:
        raise RuntimeError("not today")

    @knowledge_source(votes_of, contributes="d/{t}", provides="decide", instead_of="careful")
    async def plain(votes: list[int]) -> Any:
        return len(votes)

    await board.put("tx/1", {})
    await board.put("vote/1/a", 1)
    await board.put("vote/1/b", 2)
    await run(board, careful, plain)
    assert await values(board, "d/*") == {"d/1": 2}


async def test_agents_in_reserve_that_only_collect_have_a_turn_each(board: Board) -> None:
    @knowledge_source(
        {"votes": Collect("vote/{t}/*", at_least=2)}, contributes="d/{t}", provides="decide", retry={"attempts": 1}
    )
    async def careful(votes: list[int]) -> Any:
        raise RuntimeError("not today")

    @knowledge_source(
        {"votes": Collect("vote/{t}/*", at_least=2)}, contributes="d/{t}", provides="decide", instead_of="careful"
    )
    async def plain(votes: list[int]) -> Any:
        return len(votes)

    for tx in "12":
        await board.put(f"vote/{tx}/a", 1)
        await board.put(f"vote/{tx}/b", 2)
    await run(board, careful, plain)
    assert await values(board, "d/*") == {"d/1": 2, "d/2": 2}
