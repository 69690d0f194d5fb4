"""Claims about ``why-not`` where an agent collects or waits for time: told from the records alone."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from blackboard.control_records import AGENTS
from blackboard.control_shapes import checked
from controller.why_not import why_not
from knowledge_sources import Collect, knowledge_source
from tests.leading import going_on, leading, run
from tests.waiting import eventually

if TYPE_CHECKING:
    from blackboard.board import Board
    from controller.why_not import WhyNot


async def asked(board: Board, agent: str, **captures: str) -> WhyNot:
    replica = await board.replica()
    await replica.caught_up(await board.revision())
    entry = replica.get(AGENTS + agent)
    assert entry is not None
    return why_not(replica, checked(entry).value, captures)


@knowledge_source(
    {"tx": "tx/{t}", "votes": Collect("vote/{t}/* where ok", at_least=2, of=3, within="1h")}, contributes="d/{t}"
)
async def decide(votes: list[Any]) -> Any:
    return len(votes)


@knowledge_source({"votes": Collect("vote/{t}/*", at_least=2)}, contributes="d/{t}")
async def pair(votes: list[Any]) -> Any:
    return len(votes)


@knowledge_source("tx/{t}", unless="d/{t}", contributes="r/{t}", after="1h")
async def remind() -> Any:
    return "late"


async def test_it_counts_the_members_and_says_until_when_they_are_waited_for(board: Board) -> None:
    tx = await board.put("tx/1", {})
    await board.put("vote/1/a", {"ok": True})
    await board.put("vote/1/b", {"ok": False})
    async with leading(board, decide) as controller, going_on(controller):
        await eventually(lambda: controller.pending_count == 1, "it waits")
        (match,) = (await asked(board, "decide", t="1")).matches
    (votes,) = match.gathered
    assert (votes.present, votes.at_least, votes.of, votes.lacks) == (1, 2, 3, 1)
    assert [record.key for record in votes.members] == ["vote/1/a"]
    assert votes.deadline_ms == tx.time_ms + 3_600_000


async def test_each_group_of_one_that_only_collects_is_told_with_what_became_of_it(board: Board) -> None:
    for key in ("vote/1/a", "vote/1/b", "vote/2/a"):
        await board.put(key, {})
    await run(board, pair)
    told = {match.captures["t"]: match for match in (await asked(board, "pair")).matches}
    assert told["1"].record is not None
    assert told["1"].record["state"] == "executed"
    assert told["2"].record is None
    assert told["2"].gathered[0].lacks == 1
    (nobody,) = (await asked(board, "pair", t="9")).matches
    assert (nobody.gathered[0].present, nobody.gathered[0].lacks) == (0, 2)


async def test_one_that_waits_for_time_to_pass_is_told_until_when(board: Board) -> None:
    tx = await board.put("tx/1", {})
    async with leading(board, remind) as controller, going_on(controller):
        await eventually(lambda: controller.pending_count == 1, "it waits")
        (match,) = (await asked(board, "remind")).matches
    assert match.after_ms == tx.time_ms + 3_600_000
