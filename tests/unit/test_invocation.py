"""Running an agent: what its return value becomes, what is refused, where it prints."""

from __future__ import annotations

import asyncio
import contextvars
import logging
import math
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest
from pydantic import BaseModel

from blackboard.commit import Put
from blackboard.errors import InvalidInput
from knowledge_sources.capture import MAX_LINE_LENGTH, MAX_LINES, Lines, intercepted
from knowledge_sources.context import Context
from knowledge_sources.decorators import knowledge_source, supervisor
from knowledge_sources.errors import ActivationEnded, InvalidContribution, failure_of
from knowledge_sources.invocation import invoke
from knowledge_sources.orders import Boost, Cancel, Decide, Extend, Force, Hold, Reassign, Veto
from knowledge_sources.outcome import NOTHING, Contribution, Escalate, Outcome
from knowledge_sources.source import KnowledgeSource, source_of
from tests.still_board import StillBoard, record_of

if TYPE_CHECKING:
    from collections.abc import Callable

WATCH = {"item": "return/{rma}"}
RECORDS = {"item": record_of("return/R1", {"amount": 12})}
ATTENTION = {"overdue": record_of("control/attention/overdue/a9", {"agent": "refund"})}


class Refund(BaseModel):
    amount: float
    note: str | None = None


class Receipt(BaseModel):
    number: int


@dataclass
class Label:
    carrier: str


def context_for(source: KnowledgeSource) -> Context:
    captures = {"rma": "R1"} if source.kind == "agent" else {"activation": "a9"}
    return Context(source, StillBoard(), activation="a1", case="return/R1", captures=captures)


async def run(fn: Any, ctx: Context | None = None) -> Outcome:
    source = source_of(fn)
    assert source is not None
    ctx = ctx or context_for(source)
    return await invoke(source, RECORDS if source.kind == "agent" else ATTENTION, ctx.captures, ctx)


def returning(value: Any, contributes: list[str] | str = "refund/{rma}") -> Any:
    @knowledge_source(WATCH, contributes=contributes, name="refund")
    async def agent() -> Any:
        return value

    return agent


@pytest.mark.parametrize(
    ("value", "written"),
    [
        ({"amount": 1}, {"amount": 1}),
        (7, 7),
        (False, False),
        ([1, 2], [1, 2]),
        (Refund(amount=2), {"amount": 2.0, "note": None}),
        (Label("UPS"), {"carrier": "UPS"}),
    ],
)
async def test_a_returned_value_goes_to_the_one_key_with_its_captures_filled(value: Any, written: Any) -> None:
    assert await run(returning(value)) == Contribution((Put("refund/R1", written),))


async def test_returning_none_and_posting_nothing_is_nothing() -> None:
    assert await run(returning(None)) is NOTHING


async def test_returned_values_and_posts_are_one_contribution() -> None:
    @knowledge_source(WATCH, contributes=["refund/{rma}", "note/{new}", "count/all"])
    async def agent(ctx: Context) -> Any:
        ctx.post("note/{new}", "seen")
        ctx.update("count/all", lambda n: (n or 0) + 1)
        return {"refund/{rma}": Refund(amount=1)}

    outcome = await run(agent)
    assert isinstance(outcome, Contribution)
    assert outcome.writes == (Put("note/a1-1", "seen"), Put("refund/R1", {"amount": 1.0, "note": None}))
    assert [update.key for update in outcome.updates] == ["count/all"]


async def test_with_several_keys_a_dict_says_what_goes_where() -> None:
    several = returning({"refund/R1": {"amount": 1}, "label/x": None}, ["refund/{rma}", "label/*"])
    assert await run(several) == Contribution((Put("refund/R1", {"amount": 1}), Put("label/x", None)))


async def test_a_single_key_with_a_new_name_is_filled() -> None:
    assert await run(returning(5, "note/{rma}/{new}")) == Contribution((Put("note/R1/a1-1", 5),))


@pytest.mark.parametrize(
    ("value", "contributes", "message"),
    [
        (1, [], "returned a value, but declares no contributes"),
        (1, ["a/{rma}", "b/{rma}"], "returned int; it contributes a/{rma}, b/{rma} needs a dict of key: value"),
        ({"b/OTHER": 1}, ["a/{rma}", "b/{rma}"], "may not write b/OTHER"),
        ({"x": 1}, "label/*", "may not write x: it contributes label/*"),
        ({"when": object()}, "refund/{rma}", "cannot write refund/R1: value.when"),
        (float("nan"), "refund/{rma}", "cannot write refund/R1"),
        ((Extend("1s", "x"), 1), "refund/{rma}", "cannot write refund/R1"),
    ],
)
async def test_what_was_not_declared_or_cannot_be_stored_is_refused(value: Any, contributes: Any, message: str) -> None:
    with pytest.raises(InvalidContribution) as refused:
        await run(returning(value, contributes))
    assert message in str(refused.value)
    assert failure_of(refused.value) == "invalid"


async def test_the_model_in_the_return_annotation_is_enforced() -> None:
    given: list[Any] = []

    @knowledge_source(WATCH, contributes="refund/{rma}")
    async def agent() -> Refund | None:
        return given[0]  # type: ignore[no-any-return]  # what an agent's author may get wrong

    given[:] = [{"amount": "5"}]
    assert await run(agent) == Contribution((Put("refund/R1", {"amount": 5.0, "note": None}),))
    for wrong in ({"sum": 5}, 5, Receipt(number=1)):
        given[:] = [wrong]
        with pytest.raises(InvalidContribution, match="is not the Refund of its annotation: ") as refused:
            await run(agent)
        assert refused.value.key == "refund/R1"


async def test_an_agents_own_exception_goes_through_unchanged() -> None:
    @knowledge_source(WATCH)
    async def agent() -> None:
        raise KeyError("gateway")

    with pytest.raises(KeyError, match="gateway") as raised:
        await run(agent)
    assert failure_of(raised.value) == "error"


async def test_a_question_names_the_key_of_its_answer() -> None:
    question = await run(returning(Escalate("Refund this much?", choices=["approve", "reject"], schema=Refund)))
    assert isinstance(question, Escalate)
    assert (question.answer_to, question.choices) == ("refund/R1", ("approve", "reject"))
    assert isinstance(question.schema, dict)
    assert question.schema["required"] == ["amount"]
    elsewhere = await run(returning(Escalate("?", answer_to="b/{rma}"), ["a/{rma}", "b/{rma}"]))
    assert isinstance(elsewhere, Escalate)
    assert elsewhere.answer_to == "b/R1"
    nowhere = await run(returning(Escalate("?"), []))
    assert isinstance(nowhere, Escalate)
    assert nowhere.answer_to == ""
    with pytest.raises(InvalidContribution, match="may not write x/1"):
        await run(returning(Escalate("?", answer_to="x/1")))


@pytest.mark.parametrize(
    "wrong",
    [{"question": " "}, {"question": "?", "choices": "yes"}, {"question": "?", "choices": [""]},
     {"question": "?", "schema": int}, {"question": "?", "schema": {"type": object()}},
     {"question": "?", "schema": {"maximum": 10**30}}, {"question": "?", "context": [object()]},
     {"question": "?", "context": "item/1"}, {"question": "?" * 200_000},
     {"question": "?", "choices": ["yes"] * 100_000}],
)  # fmt: skip
def test_a_question_that_nobody_could_answer_is_refused(wrong: dict[str, Any]) -> None:
    """Where it is made, as the agent's own error; once it could not be written, it ended the run."""
    with pytest.raises(ValueError, match="Escalate"):
        Escalate(**wrong)


async def test_an_agent_that_asks_cannot_write_as_well() -> None:
    @knowledge_source(WATCH, contributes="refund/{rma}")
    async def agent(ctx: Context) -> Escalate:
        ctx.post("refund/{rma}", 1)
        return Escalate("?")

    with pytest.raises(InvalidContribution, match="returned a question and also wrote refund/R1"):
        await run(agent)


ORDERS = [Extend("30s", "slow"), Decide({"amount": 0}, "credit"), Cancel("no"), Veto("no")]


@pytest.mark.parametrize("order", ORDERS)
async def test_a_supervisor_returns_an_order_that_it_has_the_authority_for(order: Any) -> None:
    @supervisor(over="refund")
    async def boss() -> Any:
        return order

    @supervisor(over="refund", authority=[])
    async def clerk() -> Any:
        return order

    assert await run(boss) == (order,)
    with pytest.raises(InvalidContribution, match=f"clerk: has no authority to {order.verb}; it has: none"):
        await run(clerk)
    with pytest.raises(InvalidContribution, match="but is no supervisor"):
        await run(returning(order))


async def test_a_supervisor_may_return_several_orders_and_needs_the_authority_for_each() -> None:
    @supervisor(authority=["cancel", "hold"])
    async def boss() -> Any:
        return [Cancel("no"), Hold("not now", case="return/R-2", lasts="10m")]

    @supervisor(authority=["cancel"])
    async def clerk() -> Any:
        return [Cancel("no"), Hold("not now")]

    @supervisor()
    async def muddled() -> Any:
        return [Cancel("no"), 1]

    orders = await run(boss)
    assert isinstance(orders, tuple)
    hold = orders[1]
    assert isinstance(hold, Hold)
    assert (hold.scope, hold.lasts_ms) == ({"case": "return/R-2"}, 600_000)
    with pytest.raises(InvalidContribution, match="clerk: has no authority to hold; it has: cancel"):
        await run(clerk)
    with pytest.raises(InvalidContribution, match="muddled: returned a value"):
        await run(muddled)


@pytest.mark.parametrize(
    ("make", "wanted"),
    [
        (lambda: Boost("dear"), "by how many points, or to which level"),
        (lambda: Boost("dear", points=math.nan), "a finite number"),
        (lambda: Hold("not now", lasts="0s"), "longer than nothing"),
        (lambda: Hold("not now", lasts="soon"), "duration"),
        (lambda: Force(""), "force needs a reason"),
        (lambda: Force("x" * 10_001), "a reason has at most 10,000 characters"),
        (lambda: Extend("0s", "more"), "longer than nothing"),
        (lambda: Force("now", pattern="item/{i} where"), "after where comes a predicate"),
        (lambda: Reassign("", "another"), "to which agent"),
        (lambda: Veto("never", agent=7), "agent=7 is not a text"),  # type: ignore[arg-type]  # on purpose
    ],
)
def test_an_order_that_means_nothing_is_refused_where_it_is_made(make: Callable[[], Any], wanted: str) -> None:
    with pytest.raises((ValueError, InvalidInput), match=wanted):
        make()


async def test_a_decision_is_a_value_that_a_record_holds() -> None:
    @supervisor()
    async def boss() -> Decide:
        return Decide(Refund(amount=0), reason="credit")

    orders = await run(boss)
    assert isinstance(orders, tuple)
    decided = orders[0]
    assert isinstance(decided, Decide)
    assert decided.value == {"amount": 0.0, "note": None}


def test_an_order_has_a_reason_and_an_extension_a_duration() -> None:
    assert Extend("2m", reason="slow").by_ms == 120_000
    with pytest.raises(ValueError, match="extend needs a reason"):
        Extend("2m", reason="")
    with pytest.raises(ValueError, match="veto needs a reason"):
        Veto(reason=" ")


async def test_a_plain_function_runs_in_the_executor_and_the_loop_goes_on() -> None:
    went_on = threading.Event()

    @knowledge_source(WATCH, contributes="refund/{rma}")
    def agent(item: Any) -> Any:
        assert went_on.wait(10)
        return {"in": threading.current_thread().name, "amount": item["amount"]}

    source = source_of(agent)
    assert source is not None
    ctx = context_for(source)
    with ThreadPoolExecutor(1, thread_name_prefix="agents") as executor:
        running = asyncio.create_task(invoke(source, RECORDS, ctx.captures, ctx, executor=executor))
        asyncio.get_running_loop().call_soon(went_on.set)
        outcome = await running
    assert outcome == Contribution((Put("refund/R1", {"in": "agents_0", "amount": 12}),))


async def test_a_plain_function_that_wraps_a_coroutine_function_is_awaited() -> None:
    async def inner() -> int:
        return 5

    @knowledge_source(WATCH, contributes="refund/{rma}")
    def agent() -> Any:
        return inner()

    assert await run(agent) == Contribution((Put("refund/R1", 5),))


async def test_a_class_has_one_instance_per_agent_and_keeps_its_state() -> None:
    @knowledge_source(WATCH, contributes="count/{rma}", config={"start": 10})
    class Counter:
        def __init__(self, config: Any) -> None:
            self.count = config["start"]

        async def run(self, item: Any, rma: str) -> int:
            assert (item["amount"], rma) == (12, "R1")
            self.count += 1
            return int(self.count)

    source = source_of(Counter)
    assert source is not None
    other = source.configured(name="other", config={"start": 0})
    for expected in (11, 12):
        assert await run(source) == Contribution((Put("count/R1", expected),))
    assert await run(other) == Contribution((Put("count/R1", 1),))


async def test_a_class_may_be_called_in_a_thread_too() -> None:
    @knowledge_source(WATCH, contributes="count/{rma}")
    class Agent:
        def __call__(self, ctx: Any) -> str:
            return str(ctx.case)

    assert await run(Agent) == Contribution((Put("count/R1", "return/R1"),))


async def test_a_task_that_outlives_its_activation_cannot_write() -> None:
    ended = asyncio.Event()
    stray: list[asyncio.Task[None]] = []

    @knowledge_source(WATCH, contributes="refund/{rma}")
    async def agent(ctx: Context) -> None:
        async def later() -> None:
            await ended.wait()
            ctx.post("refund/{rma}", 1)

        stray.append(asyncio.create_task(later()))

    assert await run(agent) is NOTHING
    ended.set()
    with pytest.raises(ActivationEnded):
        await stray[0]


async def test_a_cancelled_thread_goes_on_but_what_it_writes_is_refused() -> None:
    started, cancelled = threading.Event(), threading.Event()
    refused: list[BaseException] = []

    @knowledge_source(WATCH, contributes="refund/{rma}")
    def agent(ctx: Any) -> None:
        started.set()
        cancelled.wait(10)
        try:
            ctx.post("refund/{rma}", 1)
        except ActivationEnded as error:
            refused.append(error)

    source = source_of(agent)
    assert source is not None
    ctx = context_for(source)
    with ThreadPoolExecutor(1) as executor:
        running = asyncio.create_task(invoke(source, RECORDS, ctx.captures, ctx, executor=executor))
        await asyncio.to_thread(started.wait, 10)
        running.cancel()
        with pytest.raises(asyncio.CancelledError):
            await running
        cancelled.set()
    assert len(refused) == 1


async def test_prints_and_logging_of_agents_are_told_apart_and_stay_off_the_terminal(
    capsys: pytest.CaptureFixture[str],
) -> None:
    both = asyncio.Barrier(2)

    @knowledge_source(WATCH)
    async def first(ctx: Context) -> None:
        print("first", "begins")  # noqa: T201 - what this is about
        await both.wait()
        sys.stderr.write("first ends")

    @knowledge_source(WATCH)
    async def second(ctx: Context) -> None:
        await both.wait()
        logging.getLogger("gateway").warning("second %s", "warns")

    @knowledge_source(WATCH)
    def third() -> None:
        print("in a thread")  # noqa: T201 - what this is about

        def inner() -> None:
            print("in its own thread")  # noqa: T201 - what this is about

        thread = threading.Thread(target=contextvars.copy_context().run, args=(inner,))
        thread.start()
        thread.join()

    sources = [source for fn in (first, second, third) if (source := source_of(fn)) is not None]
    contexts = [context_for(source) for source in sources]
    with intercepted():
        await asyncio.gather(*(run(source, ctx) for source, ctx in zip(sources, contexts, strict=True)))
        print("not an agent")  # noqa: T201 - what this is about
    assert [ctx.lines for ctx in contexts] == [
        ["first begins", "first ends"],
        ["WARNING gateway: second warns"],
        ["in a thread", "in its own thread"],
    ]
    printed = capsys.readouterr()
    assert (printed.out, printed.err) == ("not an agent\n", "")


async def test_handlers_that_hold_the_terminal_are_silent_for_agents(capsys: pytest.CaptureFixture[str]) -> None:
    @knowledge_source(WATCH)
    async def agent() -> None:
        logging.getLogger("gateway").error("agent")

    handler = logging.StreamHandler(sys.stderr)
    logging.getLogger().addHandler(handler)
    try:
        with intercepted():
            await run(agent)
            logging.getLogger("runtime").error("runtime")
        logging.getLogger("runtime").error("after")
    finally:
        logging.getLogger().removeHandler(handler)
    assert capsys.readouterr().err == "runtime\nafter\n"


def test_what_is_captured_is_bounded_in_lines_and_length() -> None:
    lines = Lines()
    lines.write("x" * 10_000_000)
    lines.write("\n")
    for number in range(MAX_LINES + 50):
        lines.write(f"{number}\n")
    kept = lines.all()
    assert kept[0] == "x" * (MAX_LINE_LENGTH - 1) + "…"
    assert kept[-1] == "… 51 more lines"
    assert len(kept) == MAX_LINES + 1
