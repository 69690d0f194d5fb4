"""A contribution that cites a record which is not there, is not so, or is not its to cite, is refused as ungrounded."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest

from blackboard.record import Stamp
from knowledge_sources import Cited, Context, Record, knowledge_source
from tests.leading import going_on, leading, only, run, values

if TYPE_CHECKING:
    from blackboard.board import Board

ONCE = {"attempts": 1}


async def failed(board: Board, answers: Any, *, cites: bool = True) -> str:
    """What the call of an agent that returns ``answers`` is refused for; ``""`` where it is not."""

    @knowledge_source("ask/{i}", contributes="reply/{i}", cites=cites, retry=ONCE)
    async def reply(ask: Any) -> Any:
        return answers

    await board.put("ask/1", "?", stamp=Stamp("ada", case="ask/1"))
    await run(board, reply)
    attempts = (await only(board))["attempts"] if await values(board, "reply/*") == {} else []
    assert [one["failure"] for one in attempts] in ([], ["ungrounded"])
    return attempts[0]["error"] if attempts else ""


async def test_what_is_cited_rightly_is_a_cause_and_is_written_down(board: Board) -> None:
    refund = await board.put("refund/42", {"cents": 5}, stamp=Stamp("bank"))
    assert await failed(board, {"text": f"paid, see {refund.reference}."}) == ""
    record = await board.get("reply/1")
    assert record is not None
    assert refund.reference in record.causes
    activation = await only(board)
    assert activation["cites"] == [["refund/42", refund.commit]]
    assert activation["read"] == [["refund/42", refund.commit]]


async def test_a_record_that_is_not_there_cannot_be_cited_and_the_nearest_is_named(board: Board) -> None:
    other = await board.put("refund/43", 1)
    told = f"reply: cites refund/42@1-17, and there is no refund/42; there is {other.reference}"
    assert await failed(board, "paid: refund/42@1-17") == told


async def test_where_nothing_is_like_it_that_is_said(board: Board) -> None:
    told = "reply: cites refund/42@1-17, and there is no refund/42; the board has nothing under refund/"
    assert await failed(board, ["deep", {"down": ["refund/42@1-17"]}]) == told


async def test_an_earlier_version_cannot_be_cited_and_what_is_there_is_named(board: Board) -> None:
    first = await board.put("refund/42", 1)
    now = await board.put("refund/42", 2, stamp=Stamp("bank"))
    told = f"reply: cites {first.reference}, and refund/42 is at {now.commit} by bank"
    assert await failed(board, Cited("paid", cites=[first.reference])) == told


async def test_a_version_that_never_was_cannot_be_cited(board: Board) -> None:
    now = await board.put("refund/42", 1)
    assert f"refund/42 is at {now.commit}" in await failed(board, "refund/42@7-999999")


async def test_a_record_of_another_case_can_be_cited_only_by_who_read_it(board: Board) -> None:
    other = await board.put("refund/42", 1, stamp=Stamp("bank", case="return/R-2"))
    told = f"reply: cites {other.reference}, which belongs to return/R-2 and which it was not given"
    assert await failed(board, other.reference) == told

    @knowledge_source("ask/{i}", contributes="reply/{i}", cites=True, name="reader")
    async def reader(ask: Any, ctx: Context) -> Any:
        return Cited("paid", cites=[await ctx.get("refund/42") or ""])

    await run(board, reader)
    assert await values(board, "reply/*") == {"reply/1": "paid"}


async def test_at_least_one_citation_is_demanded(board: Board) -> None:
    assert await failed(board, "trust me") == "reply: cites no record: say what this rests on, as key@commit"


async def test_an_agent_that_need_not_cite_may_write_what_looks_like_a_reference(board: Board) -> None:
    assert await failed(board, "mail bob@1-2", cites=False) == ""


async def test_a_citation_that_is_made_is_checked_even_where_none_is_demanded(board: Board) -> None:
    assert "there is no refund/42" in await failed(board, Cited("paid", cites=["refund/42"]), cites=False)


@pytest.mark.parametrize("cites", [["no key"], [7], ["refund/*"]])
async def test_what_is_no_reference_fails_the_call(board: Board, cites: Any) -> None:
    @knowledge_source("ask/{i}", contributes="reply/{i}", retry=ONCE)
    async def reply(ask: Any) -> Any:
        return Cited("paid", cites=cites)

    await board.put("ask/1", "?")
    await run(board, reply)
    assert await values(board, "reply/*") == {}
    assert (await only(board))["attempts"][0]["failure"] == "ungrounded"


async def test_the_trigger_and_what_is_under_a_capture_can_be_cited_from_a_thread_too(board: Board) -> None:
    @knowledge_source("ask/{i}", contributes=["reply/{i}", "note/{i}"], cites=True)
    def reply(ask: Record[Any], ctx: Any) -> dict[str, Any]:
        assert ctx.cite("refund/{i}") == ctx.get("refund/1").reference
        return {"reply/{i}": Cited("paid", cites=[ask]), "note/{i}": ctx.cite(ask)}

    refund = await board.put("refund/1", 1, stamp=Stamp("bank", case="ask/1"))
    ask = await board.put("ask/1", "?")
    await run(board, reply)
    assert await values(board, "note/*") == {"note/1": ask.reference}
    record = await board.get("reply/1")
    assert record is not None
    assert record.causes == (ask.reference, refund.reference)


async def test_what_is_cited_guards_the_contribution(board: Board) -> None:
    """It was there when the agent looked, and is revoked before the agent is done."""
    looked, free = asyncio.Event(), asyncio.Event()

    @knowledge_source("ask/{i}", contributes="reply/{i}")
    async def reply(ask: Any, ctx: Context) -> str:
        refund = await ctx.get("refund/{i}", guard=False)
        looked.set()
        await free.wait()
        return ctx.cite(refund) if refund is not None else "nothing yet"

    await board.put("refund/1", 1, stamp=Stamp("bank", case="ask/1"))
    await board.put("ask/1", "?")
    async with leading(board, reply) as controller, going_on(controller) as going:
        await looked.wait()
        await board.delete("refund/1")
        await controller.desk.replica.caught_up(await board.revision())
        free.set()
        await going
    assert (await only(board))["attempts"][0]["failure"] == "ungrounded"
    assert await values(board, "reply/*") == {"reply/1": "nothing yet"}
