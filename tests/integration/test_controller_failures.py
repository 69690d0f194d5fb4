"""Claims about calls that fail: tried again, brought before a person, and counted."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest
from pydantic import BaseModel

from controller.budgets import Limit, Limits, RunLimit
from controller.escalation import Answer, Refusal, answer
from knowledge_sources import Context, Escalate, knowledge_source
from tests.leading import activations, going_on, leading, only, question, quiescent, run, states, values
from tests.waiting import eventually

if TYPE_CHECKING:
    from blackboard.board import Board

QUICK = {"attempts": 3, "backoff": "1ms", "cap": "5ms"}


def failing(times: int, **settings: Any) -> Any:
    """An agent that raises the first ``times`` calls; ``.calls`` are their attempt numbers."""
    calls: list[int] = []

    @knowledge_source(watches={"item": "item/{i}"}, contributes="out/{i}", name="shaky", **{"retry": QUICK, **settings})
    async def shaky(item: Any, ctx: Context) -> Any:
        calls.append(ctx.attempt)
        ctx.usage("small", 1, 1, 0.1)
        if len(calls) <= times:
            raise RuntimeError(f"no luck {len(calls)}")
        return [attempt["error"].splitlines()[0] for attempt in ctx.earlier]

    shaky.calls = calls  # type: ignore[attr-defined]  # for the tests
    return shaky


async def test_a_call_that_raises_is_tried_again_and_told_what_went_wrong(board: Board) -> None:
    """Two failures, then success: the run waits for the delayed calls, and each failure is kept."""
    await board.create("item/1", {})
    shaky = failing(2, retry={"attempts": 3, "backoff": "60ms"})
    assert (await run(board, shaky)).status == "finished"
    assert shaky.calls == [1, 2, 3]
    done = await only(board)
    assert (done["state"], done["attempt"]) == ("executed", 3)
    first, second = done["attempts"]
    assert (first["failure"], first["cost"]) == ("error", 0.1)
    assert "RuntimeError: no luck 1" in first["error"]
    assert "test_controller_failures.py" in first["error"]
    assert second["started_ms"] - first["ended_ms"] >= 30
    assert await values(board, "out/*") == {"out/1": ["RuntimeError: no luck 1", "RuntimeError: no luck 2"]}
    assert done.get("failure") is None
    assert "reason" not in done


async def test_after_three_failed_calls_a_person_is_asked(board: Board) -> None:
    """With the choices that the controller can act on, and a sentence that says what happened."""
    await board.create("item/1", {})
    shaky = failing(9)
    end = await run(board, shaky)
    assert (end.status, end.reason) == ("awaiting", "1 wait for a person")
    assert shaky.calls == [1, 2, 3]
    waiting = await only(board)
    assert (waiting["state"], waiting["failure"], len(waiting["attempts"])) == ("escalated", "error", 3)
    key, asked = await question(board)
    assert waiting["escalation"] == key
    assert (asked["status"], asked["choices"], asked["failure"]) == ("open", ["retry", "abandon", "decide"], "error")
    assert asked["answer_to"] == "out/1"
    assert "tried 3 times" in asked["question"]
    assert "no luck 3" in asked["question"]


async def test_a_work_item_is_called_five_times_in_all_whoever_is_called(board: Board) -> None:
    """Two agents of one capability: the second has fewer calls left than its own limit."""

    def of(name: str) -> object:
        @knowledge_source(watches={"item": "item/{i}"}, contributes="out/{i}", provides="work", name=name, retry=QUICK)
        async def shaky(item: Any) -> Any:
            raise RuntimeError("no luck")

        return shaky

    await board.create("item/1", {})
    assert (await run(board, of("ann"), of("bob"), max_running=1)).status == "awaiting"
    assert await states(board) == ["escalated", "escalated"]
    assert sum(len(one.get("attempts", ())) for one in await activations(board)) == 5


async def test_what_an_agent_did_not_declare_is_invalid_and_nothing_of_it_is_applied(board: Board) -> None:
    """An undeclared key, and a value that is not what its annotation says."""

    class Money(BaseModel):
        amount: int

    @knowledge_source(watches="item/{i}", contributes="out/{i}", retry=QUICK)
    async def stray(ctx: Context) -> None:
        ctx.post("out/{i}", 1)
        ctx.post("elsewhere/{i}", 1)

    @knowledge_source(watches="item/{i}", contributes="money/{i}", retry=QUICK)
    async def confused() -> Money:
        return {"amount": "a lot"}  # type: ignore[return-value]  # what is tested

    await board.create("item/1", {})
    assert (await run(board, stray, confused)).status == "awaiting"
    assert await values(board, "out/*") == await values(board, "money/*") == await values(board, "elsewhere/*") == {}
    failed = {one["agent"]: one for one in await activations(board)}
    assert failed["stray"]["failure"] == failed["confused"]["failure"] == "invalid"
    assert failed["stray"]["attempts"][0]["error"].startswith("stray: may not write elsewhere/1")
    assert "Money" in failed["confused"]["attempts"][0]["error"]


async def test_a_handoff_to_an_agent_that_does_not_exist_commits_nothing_and_names_the_nearest(board: Board) -> None:
    """The invented name is a failure of its own class."""

    @knowledge_source(watches="item/{i}", contributes="task/{i}", retry={"attempts": 1})
    async def hands(ctx: Context) -> None:
        ctx.handoff("task/{i}", {}, to="refunder")

    @knowledge_source(watches="task/{i}")
    async def refund() -> None: ...

    await board.create("item/1", {})
    await run(board, hands, refund)
    failed = await only(board, "hands")
    assert failed["failure"] == "ungrounded"
    assert "no agent is named 'refunder'; nearest: refund" in failed["attempts"][0]["error"]
    assert await values(board, "task/*") == {}


@pytest.mark.parametrize("leaves", [False, True])
async def test_a_handoff_stands_only_while_its_target_is_registered(board: Board, leaves: bool) -> None:
    """Checked when it is committed, not only when it is said."""
    inside, gate = asyncio.Event(), asyncio.Event()

    @knowledge_source(watches="item/{i}", contributes="task/{i}", retry={"attempts": 1})
    async def hands(ctx: Context) -> None:
        ctx.handoff("task/{i}", {}, to="refund")
        inside.set()
        await gate.wait()

    @knowledge_source(watches="task/{i}")
    async def refund() -> None: ...

    await board.create("item/1", {})
    async with leading(board, hands, refund) as controller, going_on(controller) as end:
        await inside.wait()
        if leaves:
            await board.delete("control/agents/refund")
        gate.set()
        assert (await end).status == ("awaiting" if leaves else "finished")
    assert len(await values(board, "task/*")) == (not leaves)
    assert (await only(board, "hands")).get("failure") == ("ungrounded" if leaves else None)


# -- questions ------------------------------------------------------------------------------


@knowledge_source(watches={"item": "item/{i}"}, unless="out/{i}", contributes="out/{i}")
async def asks(item: Any, ctx: Context) -> Any:
    return Escalate(f"Refund {item['amount']}?", choices=["approve", "reject"])


async def give(board: Board, choice: str, value: Any = None, by: str = "eve") -> Any:
    key, _ = await question(board)
    return await answer(board, key, Answer(choice, by, "because", value), board.store.server_now_ms())


async def test_an_agents_question_waits_and_its_answer_is_the_contribution(board: Board) -> None:
    """Written where the agent contributes; others fire on it as on any record."""
    seen: list[Any] = []

    @knowledge_source(watches={"out": "out/{i}"})
    async def after(out: Any) -> None:
        seen.append(out)

    await board.create("item/1", {"amount": 900})
    async with leading(board, asks, after) as controller:
        assert (await quiescent(controller)).status == "awaiting"
        _, asked = await question(board)
        assert (asked["question"], asked["choices"]) == ("Refund 900?", ["approve", "reject"])
        assert (asked["answer_to"], asked["failure"]) == ("out/1", None)
        await give(board, "approve")
        assert (await quiescent(controller)).status == "finished"
    expected = {"answer": "approve", "answered_by": "eve", "reason": "because"}
    assert seen == [expected]
    done = await only(board, "asks")
    assert (done["state"], done["decided_by"], done["wrote"]) == ("executed", "eve", ["out/1"])
    assert (await question(board))[1]["status"] == "answered"


async def test_a_second_answer_is_refused(board: Board) -> None:
    """With what was answered and by whom."""
    await board.create("item/1", {"amount": 900})
    await run(board, asks)
    await give(board, "approve")
    with pytest.raises(Refusal, match="answered already: 'approve' by eve"):
        await give(board, "reject", by="bob")
    assert (await values(board, "out/*"))["out/1"]["answer"] == "approve"


async def test_an_answer_that_is_no_choice_is_refused(board: Board) -> None:
    """And leaves the question open."""
    await board.create("item/1", {"amount": 900})
    await run(board, asks)
    with pytest.raises(Refusal, match="none of the choices: approve, reject"):
        await give(board, "maybe")
    assert (await question(board))[1]["status"] == "open"


async def test_an_answer_is_stale_once_what_it_was_about_has_changed(board: Board) -> None:
    """It says so, and changes nothing but the question."""
    await board.create("item/1", {"amount": 900})
    await run(board, asks)
    await board.put("item/1", {"amount": 9000})
    with pytest.raises(Refusal, match="item/1 has changed"):
        await give(board, "approve")
    assert await values(board, "out/*") == {}
    assert (await question(board))[1]["status"] == "stale"


@pytest.mark.parametrize("unless", ["out/{i}", 'out/{i} where by == "another"', "out/*"])
async def test_an_answer_is_stale_once_somebody_else_has_done_the_work(board: Board, unless: str) -> None:
    """What the agent's ``unless`` names holds for the answer too: else a refund would be paid twice."""

    @knowledge_source(watches={"item": "item/{i}"}, unless=unless, contributes="out/{i}")
    async def unsure(item: Any) -> Any:
        return Escalate(f"Refund {item['amount']}?", choices=["approve", "reject"])

    await board.create("item/1", {"amount": 900})
    await run(board, unsure)
    await board.create("out/1", {"by": "another"})
    with pytest.raises(Refusal, match="stale"):
        await give(board, "approve")
    assert await values(board, "out/*") == {"out/1": {"by": "another"}}


async def test_a_question_may_be_about_other_records_than_the_triggers(board: Board) -> None:
    """``context`` names them; a change of one makes the answer stale, one of the trigger does not."""

    @knowledge_source(watches="item/{i}", contributes=["answers/{i}"])
    async def curious(ctx: Context) -> Any:
        rate = await ctx.get("rate/today")
        assert rate is not None
        return Escalate("Is this rate right?", answer_to="answers/{i}", context=[rate, "rate/tomorrow"])

    rate = await board.create("rate/today", 3)
    await board.create("item/1", {})
    await run(board, curious)
    _, asked = await question(board)
    assert asked["context"] == [["rate/today", rate.commit], ["rate/tomorrow", ""]]
    await board.create("rate/tomorrow", 4)
    with pytest.raises(Refusal, match="rate/tomorrow has changed"):
        await give(board, "", value="yes")


async def test_a_question_of_an_agent_that_writes_fresh_keys_has_a_fresh_key_for_its_answer(board: Board) -> None:
    """``{new}`` in the contributed key is filled for the answer as for a contribution."""

    @knowledge_source(watches="item/{i}", contributes="note/{i}/{new}")
    async def notes() -> Any:
        return Escalate("What?", choices=["this", "that"])

    await board.create("item/1", {})
    assert (await run(board, notes)).status == "awaiting"
    await give(board, "that")
    ((key, value),) = (await values(board, "note/1/*")).items()
    assert "{" not in key
    assert value["answer"] == "that"


async def test_retry_calls_the_agent_again_though_its_calls_are_used_up(board: Board) -> None:
    """A person has said so; the call number goes on counting."""
    shaky = failing(5, retry={"attempts": 5, "backoff": "1ms"})
    await board.create("item/1", {})
    async with leading(board, shaky) as controller:
        await quiescent(controller)
        assert shaky.calls == [1, 2, 3, 4, 5]
        await give(board, "retry")
        assert (await quiescent(controller)).status == "finished"
    assert shaky.calls[-1] == 6
    assert (await only(board))["state"] == "executed"


async def test_abandon_ends_it_and_decide_contributes_in_its_place(board: Board) -> None:
    """The value stands where the agent's would, with the person as its author."""
    for i, choice, state in (("1", "abandon", "abandoned"), ("2", "decide", "executed")):
        await board.create(f"item/{i}", {})
        await run(board, failing(9))
        value = {"amount": 3} if choice == "decide" else None
        await give(board, choice, value)
        (ended,) = (one for one in await activations(board) if one["captures"] == {"i": i})
        assert (ended["state"], ended["decided_by"]) == (state, "eve")
        await board.delete(f"control/escalations/{ended['id']}")
        assert (await run(board, failing(9))).status == "finished"
    out = await board.get("out/2")
    assert out is not None
    assert (out.value, out.author) == ({"amount": 3}, "eve")


async def test_a_decision_is_stale_once_the_trigger_has_changed(board: Board) -> None:
    """Nothing may be contributed on a version that is gone, by nobody; abandoning it is still possible."""
    await board.create("item/1", 1)
    await run(board, failing(9))
    await board.put("item/1", 2)
    with pytest.raises(Refusal, match="item/1 has changed"):
        await give(board, "decide", {"amount": 3})
    assert await values(board, "out/*") == {}
    await give(board, "abandon")


async def test_retry_after_the_trigger_has_changed_obviates(board: Board) -> None:
    """The new version has an activation of its own."""
    await board.create("item/1", 1)
    async with leading(board, failing(3)) as controller:
        await quiescent(controller)
        await give(board, "retry")
        await board.put("item/1", 2)
        assert (await quiescent(controller)).status == "finished"
    assert await states(board) == ["executed", "obviated"]


# -- limits ---------------------------------------------------------------------------------


async def test_the_attempts_of_a_work_item_can_be_fewer(board: Board) -> None:
    """Two, and a person is asked."""
    shaky = failing(9)
    await board.create("item/1", {})
    end = await run(board, shaky, limits=Limits(work_item=Limit(attempts=2)))
    assert (end.status, shaky.calls) == ("awaiting", [1, 2])


async def test_a_run_out_of_time_ends_while_its_agents_run(board: Board) -> None:
    """What ran is handed back when the controller closes, and was no failed call."""

    @knowledge_source(watches="item/{i}")
    async def slow() -> None:
        await asyncio.Event().wait()

    await board.create("item/1", {})
    end = await run(board, slow, limits=Limits(run=RunLimit(time_ms=80)))
    assert end.status == "timed_out"
    assert "80 ms" in end.reason
    handed = await only(board)
    assert (handed["state"], handed["attempt"]) == ("pending", 0)
    assert "attempts" not in handed


async def test_a_run_out_of_firings_stops_with_the_rest_pending(board: Board) -> None:
    """Seven eligible, five calls: the run says why it stopped."""

    @knowledge_source(watches={"item": "item/{i}"}, contributes="out/{i}")
    async def copy(item: Any) -> Any:
        return item

    for n in range(7):
        await board.create(f"item/{n}", n)
    async with leading(board, copy, limits=Limits(run=RunLimit(firings=5)), max_running=2) as controller:
        end = await quiescent(controller)
        await eventually(lambda: controller.running_count == 0, "what ran has ended")
        assert (end.status, controller.pending_count) == ("stalled", 2)
    assert "5 of 5 firings" in end.reason
    assert len(await values(board, "out/*")) == 5


class Unforeseen(BaseException):
    """No ``Exception``: what agents raise is not for us to choose."""


async def cancels_itself() -> None:
    task = asyncio.current_task()
    assert task is not None
    task.cancel()
    await asyncio.sleep(0)


async def is_cancelled_inside() -> None:
    inner = asyncio.get_running_loop().create_future()
    inner.cancel()
    await inner


async def exits() -> None:
    raise SystemExit(3)


async def raises_the_unforeseen() -> None:
    raise Unforeseen("unforeseen")


@pytest.mark.parametrize("act", [cancels_itself, is_cancelled_inside, exits, raises_the_unforeseen])
async def test_an_agent_can_raise_anything_and_only_its_own_call_has_failed(board: Board, act: Any) -> None:
    """``sys.exit()`` ended the run with the agent's code, and a CancelledError left the activation running for ever."""

    @knowledge_source(watches={"item": "item/{i}"}, contributes="out/{i}", retry=QUICK)
    async def rude(item: Any, ctx: Context) -> Any:
        if ctx.attempt == 1:
            await act()
        return ctx.attempt

    await board.create("item/1", {})
    await board.create("item/2", {})
    assert (await run(board, rude)).status == "finished"
    assert await states(board) == ["executed", "executed"]
    assert await values(board, "out/*") == {"out/1": 2, "out/2": 2}
    assert [len(one["attempts"]) for one in await activations(board)] == [1, 1]


@pytest.mark.parametrize("error", [StopIteration(3), GeneratorExit(), SystemExit(3), asyncio.CancelledError()])
async def test_a_plain_agent_can_raise_what_coroutines_end_by(board: Board, error: BaseException) -> None:
    """A StopIteration never came out of its thread, so that the run waited until its time was over."""

    @knowledge_source(watches={"item": "item/{i}"}, contributes="out/{i}", retry=QUICK)
    def rude(item: Any, ctx: Any) -> Any:
        if ctx.attempt == 1:
            raise error
        return ctx.attempt

    await board.create("item/1", {})
    assert (await run(board, rude)).status == "finished"
    assert await values(board, "out/*") == {"out/1": 2}


async def test_an_error_and_a_question_may_quote_a_lone_surrogate(board: Board) -> None:
    """It has no UTF-8, and ended the run as an internal error; it is kept as its escape."""

    @knowledge_source(watches={"item": "item/{i}"}, contributes="out/{i}", retry=QUICK)
    async def quoting(item: Any, ctx: Context) -> Any:
        await ctx.progress("reading \ud800")
        ctx.log("read \ud800")
        if ctx.attempt == 1:
            raise ValueError("unreadable: \ud800")
        return Escalate("What is \ud800?", choices=["a name", "\udfff"])

    await board.create("item/1", {})
    assert (await run(board, quoting)).status == "awaiting"
    (failed,) = (await only(board))["attempts"]
    assert r"unreadable: \ud800" in failed["error"]
    _, asked = await question(board)
    assert (asked["question"], asked["choices"]) == (r"What is \ud800?", ["a name", r"\udfff"])


def leaves(item: Any) -> Any:
    raise SystemExit(2)


@pytest.mark.parametrize(("judged", "executed"), [("rating", 2), ("precondition", 0)])
async def test_a_judgement_that_exits_ends_neither_the_run_nor_the_cycle(
    board: Board, judged: str, executed: int
) -> None:
    """An unrated match fires all the same, one whose precondition cannot be told does not; the run stood still."""
    judgement: dict[str, Any] = {judged: leaves}

    @knowledge_source(watches={"item": "item/{i}"}, contributes="out/{i}", **judgement)
    async def clerk(item: Any) -> int:
        return 1

    await board.create("item/1", {})
    await board.create("item/2", {})
    assert (await run(board, clerk)).status == "finished"
    assert len(await board.find("out/*")) == executed
