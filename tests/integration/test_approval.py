"""What waits for a person is committed as it was made, once, or not at all."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest

from blackboard.control_records import ACTIVATIONS
from blackboard.pattern import Pattern
from controller.approval import Review
from controller.escalation import Answer, Refusal, answer
from knowledge_sources import Context, Decide, Overdue, Sure, knowledge_source, supervisor
from tests.leading import going_on, leading, only, question, run, states, values
from tests.waiting import eventually

if TYPE_CHECKING:
    from blackboard.board import Board


@knowledge_source({"ticket": "ticket/{t}"}, contributes="team/{t}", threshold=0.8)
async def route(ticket: Any, ctx: Context) -> Any:
    sent_back = ctx.earlier[-1]["error"] if ctx.earlier else ""
    return Sure({"team": ticket["guess"], "told": sent_back}, ticket["sure"], reason="two teams fit")


@knowledge_source(
    {"item": "return/{r}"}, unless="refund/{r}", contributes=["refund/{r}", "note/*", "gone/{r}"], approval="always"
)
async def refund(item: Any, ctx: Context) -> Any:
    policy = await ctx.get("policy/refunds")
    ctx.delete("gone/{r}")
    ctx.post("note/{new}", "refunded", ttl="1h")
    ctx.usage("model", 10, 2, 0.25)
    return {"refund/{r}": {"amount": item["amount"], "policy": policy.value if policy else None}}


async def say(board: Board, choice: str, value: Any = None, *, by: str = "ann", reason: str = "") -> Any:
    key, _ = await question(board)
    return await answer(board, key, Answer(choice, by, reason, value), board.store.server_now_ms())


async def test_a_sure_contribution_is_made_and_its_confidence_kept(board: Board) -> None:
    await board.put("ticket/1", {"guess": "billing", "sure": 0.93})
    assert (await run(board, route)).status == "finished"
    assert (await values(board, "team/*"))["team/1"]["team"] == "billing"
    routed = await only(board)
    assert (routed["confidence"], routed["because"]) == (0.93, "two teams fit")
    assert "let_through" not in routed


async def test_an_unsure_one_ends_as_unsure_and_asks_with_what_it_would_have_said(board: Board) -> None:
    await board.put("ticket/1", {"guess": "billing", "sure": 0.62})
    assert (await run(board, route)).status == "awaiting"
    assert await values(board, "team/*") == {}
    _, asked = await question(board)
    assert asked["failure"] == "unsure"
    assert asked["choices"] == ["approve", "reject", "retry", "decide"]
    assert asked["proposal"]["writes"] == [{"key": "team/1", "value": {"team": "billing", "told": ""}}]
    assert "only sure to 0.62: two teams fit (it needs 0.8)" in asked["question"]
    failed = await only(board)
    assert (failed["state"], failed["failure"], len(failed["attempts"])) == ("escalated", "unsure", 1)
    assert "proposal" not in failed


async def test_approved_it_is_written_by_the_agent_from_what_it_saw_and_names_the_person(board: Board) -> None:
    ticket = await board.put("ticket/1", {"guess": "billing", "sure": 0.62})
    await run(board, route)
    await say(board, "approve", reason="looks right")
    written = await board.get("team/1")
    assert written is not None
    assert written.value == {"team": "billing", "told": ""}
    assert (written.author, written.causes, written.depth) == ("route", (ticket.reference,), 1)
    done = await only(board)
    assert (done["state"], done["reviewed_by"], done["wrote"]) == ("executed", "ann", ["team/1"])
    assert "decided_by" not in done
    assert (await run(board, route)).status == "finished"


async def test_a_person_decides_otherwise_rejects_or_sends_back_with_the_reason(board: Board) -> None:
    for number in (1, 2, 3):
        await board.put(f"ticket/{number}", {"guess": "billing", "sure": 0.1})
    await run(board, route)
    for number, (choice, value) in enumerate([("decide", {"team": "legal"}), ("reject", None), ("retry", None)], 1):
        (asked,) = await board.find(f'control/escalations/* where case == "ticket/{number}"')
        await answer(board, asked.key, Answer(choice, "ann", "read it again", value), board.store.server_now_ms())
    assert (await run(board, route)).status == "awaiting"
    assert await values(board, "team/*") == {"team/1": {"team": "legal"}}
    assert await states(board) == ["abandoned", "escalated", "executed"]
    (again,) = await board.find('control/escalations/* where status == "open"')
    assert "sent back by ann: read it again" in again.value["proposal"]["writes"][0]["value"]["told"]


async def test_the_threshold_of_the_settings_holds_for_who_has_none(board: Board) -> None:
    @knowledge_source("ticket/{t}", contributes="team/{t}")
    def bare(ticket: Any) -> Any:
        return Sure(ticket, 0.5)

    await board.put("ticket/1", 1)
    assert (await run(board, bare, review=Review(threshold=0.6))).status == "awaiting"
    await board.put("ticket/2", 2)
    await run(board, bare, review=Review(threshold=0.5))
    assert await values(board, "team/*") == {"team/2": 2}


async def test_never_lets_it_through_and_says_so(board: Board) -> None:
    await board.put("ticket/1", {"guess": "billing", "sure": 0.62})
    source = route.__knowledge_source__.configured(approval="never")  # type: ignore[attr-defined]
    assert (await run(board, source)).status == "finished"
    assert (await only(board))["let_through"] is True


async def test_a_supervisor_is_asked_first_and_the_person_still_sees_the_proposal(board: Board) -> None:
    @supervisor(over="route")
    def boss(overdue: Overdue) -> Decide | None:
        return None

    await board.put("ticket/1", {"guess": "billing", "sure": 0.62})
    source = route.__knowledge_source__.configured(escalate=["boss", "human"])  # type: ignore[attr-defined]
    assert (await run(board, source, boss)).status == "awaiting"
    await say(board, "approve")
    assert (await values(board, "team/*"))["team/1"]["team"] == "billing"


async def test_always_waits_with_every_write_and_commits_them_in_one_piece(board: Board) -> None:
    await board.put("policy/refunds", "mild")
    await board.put("gone/7", "old")
    await board.put("return/7", {"amount": 30})
    assert (await run(board, refund)).status == "awaiting"
    assert await values(board, "refund/*") == {}
    waiting = await only(board)
    assert (waiting["state"], waiting.get("attempts")) == ("escalated", None)
    assert waiting["usage"][0]["cost"] == 0.25
    _, asked = await question(board)
    assert asked["failure"] is None
    assert asked["choices"] == ["approve", "reject", "retry"]
    await say(board, "approve")
    assert await values(board, "refund/*") == {"refund/7": {"amount": 30, "policy": "mild"}}
    assert await values(board, "gone/*") == {}
    (note,) = await board.find("note/*")
    assert note.expires_ms > 0
    (refunded,) = await board.find("refund/*")
    assert refunded.commit == note.commit
    done = await only(board)
    assert sorted(done["wrote"]) == sorted(["gone/7", note.key, "refund/7"])
    assert (await run(board, refund)).status == "finished"


async def test_where_what_it_read_has_changed_approval_is_refused_and_the_agent_looks_again(board: Board) -> None:
    await board.put("policy/refunds", "mild")
    await board.put("return/7", {"amount": 30})
    await run(board, refund)
    await board.put("policy/refunds", "strict")
    with pytest.raises(Refusal, match=r"policy/refunds has changed since it was asked; refund looks again"):
        await say(board, "approve")
    assert await values(board, "refund/*") == {}
    assert (await run(board, refund)).status == "awaiting"
    waiting = await only(board)
    assert waiting["attempts"][0]["cost"] == 0.25
    await say(board, "approve")
    assert (await values(board, "refund/*"))["refund/7"]["policy"] == "strict"


@pytest.mark.parametrize("moves", ["changed", "removed", "excluded"])
async def test_where_its_cause_is_gone_approval_is_refused_and_the_work_is_moot(board: Board, moves: str) -> None:
    await board.put("return/7", {"amount": 30})
    await run(board, refund)
    if moves == "changed":
        await board.put("return/7", {"amount": 40})
    elif moves == "removed":
        await board.delete("return/7")
    else:
        await board.put("refund/7", "by hand")
    with pytest.raises(Refusal, match=r"the answer is stale: .*; the work is moot"):
        await say(board, "approve")
    assert await states(board) == ["obviated"]
    _, asked = await question(board)
    assert asked["status"] == "stale"


async def test_a_rejected_one_may_be_rejected_though_everything_has_moved(board: Board) -> None:
    await board.put("return/7", {"amount": 30})
    await run(board, refund)
    await board.delete("return/7")
    await say(board, "reject", reason="no such return")
    assert await states(board) == ["abandoned"]


async def test_of_two_people_one_is_told_that_the_other_was_first(board: Board) -> None:
    await board.put("return/7", {"amount": 30})
    await run(board, refund)
    both = await asyncio.gather(
        say(board, "approve", by="ann"), say(board, "approve", by="ben"), return_exceptions=True
    )
    (refused,) = [str(one) for one in both if isinstance(one, Refusal)]
    assert refused in ("answered already: 'approve' by ann", "answered already: 'approve' by ben")
    (refunded,) = await board.find("refund/*")
    assert refunded.version == 1
    with pytest.raises(Refusal, match="answered already"):
        await say(board, "reject", by="eve")


async def test_an_update_cannot_wait_and_says_what_to_do(board: Board) -> None:
    @knowledge_source("return/{r}", contributes="stock/all", approval="always", retry={"attempts": 1})
    def count(ctx: Any) -> None:
        ctx.update("stock/all", lambda n: (n or 0) + 1)

    await board.put("return/7", {})
    await run(board, count)
    failed = await only(board)
    assert failed["failure"] == "invalid"
    assert "updates stock/all by a function, which no record can hold" in failed["attempts"][0]["error"]


async def test_what_is_too_large_to_be_kept_can_be_decided_but_not_approved(board: Board) -> None:
    @knowledge_source("return/{r}", contributes="refund/{r}", approval="always")
    def huge(ctx: Any) -> Any:
        return {"text": "x" * ((1 << 20) - 100)}

    await board.put("return/7", {})
    await run(board, huge)
    _, asked = await question(board)
    assert asked["choices"] == ["reject", "retry", "decide"]
    assert "cannot be kept" in asked["proposal"]["omitted"]
    with pytest.raises(Refusal, match="none of the choices"):
        await say(board, "approve")
    await say(board, "decide", {"text": "short"})
    assert await values(board, "refund/*") == {"refund/7": {"text": "short"}}


async def test_an_agent_with_nothing_to_say_asks_nobody(board: Board) -> None:
    @knowledge_source("return/{r}", contributes="refund/{r}", approval="always")
    def silent() -> None:
        return None

    await board.put("return/7", {})
    assert (await run(board, silent)).status == "finished"


async def test_critical_decisions_are_marked_and_a_persons_part_in_them_too(board: Board) -> None:
    critical = Review(critical=(Pattern.parse("refund/* where amount > 50"),))

    @knowledge_source({"item": "return/{r}"}, contributes="refund/{r}")
    def pay(item: Any) -> Any:
        return item

    for number, amount in enumerate((40, 60, 70)):
        await board.put(f"return/{number}", {"amount": amount})
    await run(board, pay, review=critical)
    marked = [one.value.get("critical") for one in await board.find(ACTIVATIONS + "*")]
    assert sorted(filter(None, marked)) == [["refund/1"], ["refund/2"]]
    assert marked.count(None) == 1


async def test_a_decided_and_an_approved_critical_decision_are_reviewed(board: Board) -> None:
    critical = Review(critical=(Pattern.parse("refund/* where amount > 50"),))
    await board.put("return/1", {"amount": 60})
    await run(board, refund, review=critical)
    await say(board, "approve")
    done = await only(board)
    assert (done["critical"], done["reviewed_by"]) == (["refund/1"], "ann")


async def test_an_answer_while_a_controller_leads_takes_effect_at_once(board: Board) -> None:
    @knowledge_source("refund/{r}", contributes="mail/{r}")
    def mail(r: str) -> Any:
        return r

    await board.put("return/7", {"amount": 30})
    async with leading(board, refund, mail) as controller:
        with controller.expecting():
            async with going_on(controller):
                replica = await board.replica()
                await eventually(lambda: _asked(replica), "it asks")
                await say(board, "approve")
                await eventually(lambda: replica.get("mail/7") is not None, "what was approved sets others off")


def _asked(replica: Any) -> bool:
    return any(key.startswith("control/escalations/") for key in replica.region("control"))


@pytest.mark.parametrize(("author", "reviewed"), [("boss", None), ("human/ana", "human/ana")])
async def test_a_decision_in_the_agents_place_is_critical_and_reviewed_only_if_a_person_took_it(
    board: Board, author: str, reviewed: str | None
) -> None:
    @knowledge_source({"item": "return/{r}"}, contributes="refund/{r}", respond_within="50ms", escalate=["boss"])
    async def slow(item: Any) -> Any:
        await asyncio.Event().wait()

    @supervisor(over="slow", respond_within="10s")
    async def boss(overdue: Overdue) -> Any:
        if author == "boss":
            return Decide({"amount": 60}, reason="late")
        await asyncio.Event().wait()
        return None

    await board.put("return/1", {"amount": 60})
    critical = Review(critical=(Pattern.parse("refund/*"),))
    async with leading(board, slow, boss, review=critical) as controller, going_on(controller) as going:
        replica = await board.replica()
        if author != "boss":
            await eventually(
                lambda: any(k.startswith("control/attention/") for k in replica.region("control")), "asked"
            )
            running = await only(board, "slow")
            order = {"verb": "decide", "activation": running["id"], "author": author, "reason": "late",
                     "status": "open", "value": {"amount": 60}}  # fmt: skip
            await board.put("control/overrides/by-hand", order)
        assert (await going).status == "finished"
    decided = await only(board, "slow")
    assert decided["critical"] == ["refund/1"]
    assert decided.get("reviewed_by") == reviewed


async def test_a_record_that_joined_a_region_it_looked_through_makes_it_look_again(board: Board) -> None:
    @knowledge_source({"item": "return/{r}"}, contributes="refund/{r}", approval="always")
    async def totals(item: Any, ctx: Context) -> Any:
        others = await ctx.find("paid/*", stable=True)
        return {"others": len(others)}

    await board.put("return/7", {})
    await run(board, totals)
    await board.put("paid/1", 10)
    with pytest.raises(Refusal, match="totals looks again"):
        await say(board, "approve")
    assert await values(board, "refund/*") == {}
    await run(board, totals)
    await say(board, "approve")
    assert await values(board, "refund/*") == {"refund/7": {"others": 1}}


async def test_a_hundred_writes_wait_and_are_one_commit(board: Board) -> None:
    @knowledge_source({"item": "return/{r}"}, contributes="part/*", approval="always")
    async def split(item: Any) -> Any:
        return {f"part/{n}": {"text": "ü" * n, "nothing": None} for n in range(100)}

    await board.put("return/7", {})
    await run(board, split)
    await say(board, "approve")
    parts = await board.find("part/*")
    assert {part.key: len(part.value["text"]) for part in parts} == {f"part/{n}": n for n in range(100)}
    assert len({part.commit for part in parts}) == 1


async def test_a_handoff_waits_too_and_is_refused_where_its_agent_is_gone(board: Board) -> None:
    @knowledge_source({"work": "work/{r}"}, contributes="done/{r}", name="picker")
    async def pick(work: Any) -> Any:
        return work

    @knowledge_source({"item": "return/{r}"}, contributes="work/{r}", approval="always")
    async def send(item: Any, ctx: Context) -> None:
        ctx.handoff("work/{r}", {}, to="picker")

    await board.put("return/7", {})
    await run(board, send, pick)
    await board.delete("control/agents/picker")
    with pytest.raises(Refusal, match=r"control/agents/picker is gone; send looks again"):
        await say(board, "approve")
    assert await values(board, "work/*") == {}
