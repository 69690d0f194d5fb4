"""Faults of a scenario befall the calls that it says, and leave the agent's own code alone."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from pydantic import BaseModel, TypeAdapter

from blackboard.commit import Put
from knowledge_sources.context import Context
from knowledge_sources.decorators import knowledge_source, supervisor
from knowledge_sources.errors import InvalidContribution, failure_of
from knowledge_sources.invocation import invoke
from knowledge_sources.outcome import Contribution, Outcome
from knowledge_sources.source import KnowledgeSource, source_of
from scenarios.fault_models import Faults
from scenarios.faults import InjectedFault, beset
from tests.still_board import StillBoard, record_of

WATCH = {"item": "return/{rma}"}


class Refund(BaseModel):
    amount: int


class Calls:
    """Two agents that do the same, one on the loop and one in a thread, and how often they ran."""

    def __init__(self) -> None:
        self.ran = 0

        @knowledge_source(WATCH, contributes="refund/{rma}", name="clerk")
        async def on_the_loop(item: Any) -> Any:
            self.ran += 1
            return item

        @knowledge_source(WATCH, contributes="refund/{rma}", name="clerk")
        def in_a_thread(item: Any) -> Any:
            self.ran += 1
            return item

        self.agents = {"on the loop": declared(on_the_loop), "in a thread": declared(in_a_thread)}


def declared(fn: Any) -> KnowledgeSource:
    source = source_of(fn)
    assert source is not None
    return source


def faulty(source: KnowledgeSource, *faults: dict[str, Any]) -> KnowledgeSource:
    return beset(source, TypeAdapter(Faults).validate_python([{"agent": "clerk", **fault} for fault in faults]))


async def call(source: KnowledgeSource, attempt: int = 1, amount: int = 12) -> Outcome:
    """Call number ``attempt`` of an activation for a return of that amount."""
    if source.kind == "supervisor":
        records, captures = {"overdue": record_of("control/attention/overdue/a9", {})}, {"activation": "a9"}
    else:
        records, captures = {"item": record_of("return/R1", {"amount": amount})}, {"rma": "R1"}
    ctx = Context(source, StillBoard(), activation="a1", case="return/R1", captures=captures, attempt=attempt)
    return await invoke(source, records, captures, ctx)


REFUNDED = Contribution((Put("refund/R1", {"amount": 12}),))

both = pytest.mark.parametrize("where", ["on the loop", "in a thread"])


@both
async def test_the_first_calls_fail_with_the_text_and_the_agent_does_not_run_in_them(where: str) -> None:
    calls = Calls()
    source = faulty(calls.agents[where], {"fail": "the gateway is down", "times": 2})
    for attempt in (1, 2):
        with pytest.raises(InjectedFault, match="the gateway is down") as raised:
            await call(source, attempt)
        assert failure_of(raised.value) == "error"
    assert calls.ran == 0
    assert await call(source, 3) == REFUNDED


@both
async def test_one_call_is_befallen_where_nothing_is_said_however_often_the_agent_was_called(where: str) -> None:
    source = faulty(Calls().agents[where], {"fail": "down"})
    assert await call(source, 2) == REFUNDED
    with pytest.raises(InjectedFault):
        await call(source, 1)


@both
async def test_a_slow_call_waits_and_then_does_what_the_agent_does(where: str) -> None:
    source = faulty(Calls().agents[where], {"slow": "50ms"})
    loop = asyncio.get_running_loop()
    started = loop.time()
    assert await call(source) == REFUNDED
    assert loop.time() - started >= 0.05


@both
async def test_a_slow_call_that_is_given_up_never_runs_the_agent(where: str) -> None:
    calls = Calls()
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.05):
            await call(faulty(calls.agents[where], {"slow": "1h"}))
    assert calls.ran == 0


@both
async def test_a_call_waits_first_and_then_the_first_other_fault_of_the_file_decides(where: str) -> None:
    calls = Calls()
    source = faulty(calls.agents[where], {"fail": "first"}, {"fail": "second"}, {"invalid": True}, {"slow": "50ms"})
    loop = asyncio.get_running_loop()
    started = loop.time()
    with pytest.raises(InjectedFault, match="first"):
        await call(source)
    assert loop.time() - started >= 0.05
    assert calls.ran == 0


def returning(contributes: list[str] | str) -> KnowledgeSource:
    @knowledge_source(WATCH, contributes=contributes, name="clerk")
    async def agent(item: Any) -> Any:
        return None

    return declared(agent)


def modelled() -> KnowledgeSource:
    @knowledge_source(WATCH, contributes="refund/{rma}", name="clerk")
    async def agent(item: Any) -> Refund:
        return Refund(amount=1)

    return declared(agent)


def of_a_class() -> KnowledgeSource:
    @knowledge_source(WATCH, contributes="refund/{rma}", name="clerk")
    class Agent:
        def run(self, item: Any) -> Any:
            return item

    return declared(Agent)


def supervising() -> KnowledgeSource:
    @supervisor(over="refund", name="clerk")
    def agent() -> Any:
        return None

    return declared(agent)


@pytest.mark.parametrize(
    "source",
    [returning([]), returning("refund/{rma}"), returning(["a/{rma}", "b/*"]), modelled(), of_a_class(), supervising()],
    ids=["nothing declared", "one key", "several keys", "a model", "a class", "a supervisor"],
)
async def test_what_an_invalid_call_returns_is_refused_whatever_the_agent_declares(source: KnowledgeSource) -> None:
    with pytest.raises(InvalidContribution) as refused:
        await call(faulty(source, {"invalid": True}))
    assert failure_of(refused.value) == "invalid"


async def test_a_fault_leaves_alone_what_its_condition_does_not_match() -> None:
    source = faulty(Calls().agents["on the loop"], {"fail": "too much", "when": "return/* where amount > 100"})
    assert await call(source, amount=12) == REFUNDED
    with pytest.raises(InjectedFault):
        await call(source, amount=101)


async def test_the_agent_as_declared_and_agents_of_other_names_stay_as_they_are() -> None:
    original = Calls().agents["on the loop"]
    assert faulty(original, {"agent": "other", "fail": "down"}) is original
    source = faulty(original, {"fail": "down"})
    assert await call(original) == REFUNDED
    assert (source.fn, source.inputs, source.name) == (original.fn, original.inputs, original.name)


async def test_the_faults_stay_with_an_agent_that_is_configured_again() -> None:
    for source in (of_a_class(), Calls().agents["in a thread"]):
        with pytest.raises(InjectedFault):
            await call(faulty(source, {"fail": "down"}).configured(level="high"))
