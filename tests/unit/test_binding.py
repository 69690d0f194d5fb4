"""How the parameters of an agent are filled from records, captures and context."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any

import pytest
from pydantic import BaseModel, Field

from blackboard.record import Record
from knowledge_sources.context import Context
from knowledge_sources.decorators import knowledge_source, supervisor
from knowledge_sources.errors import DeclarationError, InvalidTrigger, failure_of
from knowledge_sources.invocation import invoke
from knowledge_sources.overdue import Overdue
from knowledge_sources.source import source_of
from knowledge_sources.thread_context import ThreadContext
from tests.still_board import StillBoard, record_of

if TYPE_CHECKING:
    from decimal import Decimal

SEEN: list[Any] = []


class Return(BaseModel):
    amount: float


@dataclass
class Label:
    carrier: str


class Client:
    """A class that says nothing about its fields."""


RETURN = {"item": record_of("return/R1", {"amount": 12, "lines": [1]}, commit="1-7")}
WATCH = {"item": "return/{rma}"}


async def given_to(fn: Any, records: dict[str, Record[Any]] | None = None) -> list[Any]:
    """What ``fn``, which appends its arguments to SEEN, is called with."""
    SEEN.clear()
    source = source_of(fn)
    assert source is not None
    captures = {"rma": "R1"}
    ctx = Context(source, StillBoard(), activation="a1", case="return/R1", captures=captures)
    await invoke(source, RETURN if records is None else records, captures, ctx)
    return list(SEEN)


async def test_a_plain_or_missing_annotation_gives_the_raw_value() -> None:
    @knowledge_source(WATCH)
    async def bare(item) -> None:  # type: ignore[no-untyped-def]  # noqa: ANN001, RUF100 - what this is about
        SEEN.append(item)

    @knowledge_source(WATCH)
    async def plain(item: dict[str, Any]) -> None:
        SEEN.append(item)

    assert await given_to(bare) == [{"amount": 12, "lines": [1]}]
    assert await given_to(plain) == [{"amount": 12, "lines": [1]}]


async def test_an_agent_that_changes_its_value_changes_nobody_elses() -> None:
    @knowledge_source(WATCH)
    async def careless(item: dict[str, Any]) -> None:
        item["lines"].append(2)
        SEEN.append(item)

    @knowledge_source(WATCH)
    async def keeper(item: Record[dict[str, Any]]) -> None:
        item.value["lines"].append(3)

    await given_to(careless)
    await given_to(keeper)
    assert RETURN["item"].value["lines"] == [1]


async def test_a_pydantic_model_gives_the_validated_value() -> None:
    @knowledge_source(WATCH)
    async def typed(item: Return) -> None:
        SEEN.append(item)

    assert await given_to(typed) == [Return(amount=12.0)]


async def test_dataclasses_and_what_is_made_of_models_are_validated_too() -> None:
    @knowledge_source({"label": "label/{rma}", "many": "many/{rma}", "size": "size/{rma}"})
    async def typed(label: Label, many: list[Return] | None, size: Annotated[int, Field(gt=0)]) -> None:
        SEEN.extend([label, many, size])

    records = {
        "label": record_of("label/R1", {"carrier": "UPS"}),
        "many": record_of("many/R1", [{"amount": 1}]),
        "size": record_of("size/R1", 4),
    }
    assert await given_to(typed, records) == [Label("UPS"), [Return(amount=1.0)], 4]


async def test_record_gives_the_record_with_its_commit_and_the_model_as_its_value() -> None:
    @knowledge_source(WATCH)
    async def typed(item: Record[Return]) -> None:
        SEEN.append((item.commit, item.key, item.value))

    @knowledge_source(WATCH)
    async def raw(item: Record[Any]) -> None:
        SEEN.append((item.commit, item.value["amount"]))

    assert await given_to(typed) == [("1-7", "return/R1", Return(amount=12.0))]
    assert await given_to(raw) == [("1-7", 12)]


async def test_a_record_that_is_not_the_model_fails_as_invalid_and_names_field_key_and_parameter() -> None:
    @knowledge_source(WATCH)
    async def typed(item: Return) -> None:
        SEEN.append(item)

    with pytest.raises(InvalidTrigger) as refused:
        await given_to(typed, {"item": record_of("return/R1", {"amount": "secret"})})
    message = str(refused.value)
    assert (
        "return/R1 is not the Return that parameter 'item' asks for: amount: Input should be a valid number" in message
    )
    assert "secret" not in message
    assert failure_of(refused.value) == "invalid"
    assert SEEN == []


async def test_captures_context_and_keyword_only_parameters_are_bound_by_name() -> None:
    @knowledge_source(WATCH)
    async def agent(rma: str, limit: int = 5, *, item: Return, c: Context) -> None:
        SEEN.extend([rma, limit, item.amount, type(c)])

    assert await given_to(agent) == ["R1", 5, 12.0, Context]


async def test_parameters_after_one_left_at_its_default_still_get_their_own() -> None:
    @knowledge_source(WATCH)
    async def agent(limit: int = 5, item: Any = None, ctx: Any = None) -> None:
        SEEN.extend([limit, item["amount"], ctx.case])

    assert await given_to(agent) == [5, 12, "return/R1"]


async def test_an_alias_comes_before_a_capture_of_the_same_name() -> None:
    @knowledge_source("rma/{rma}")
    async def agent(rma: Any) -> None:
        SEEN.append(rma)

    assert await given_to(agent, {"rma": record_of("rma/R1", {"is": "the record"})}) == [{"is": "the record"}]


async def test_a_supervisor_is_given_the_attention_record_as_a_model() -> None:
    attention = {
        "kind": "overdue", "activation": "a9", "agent": "refund_a", "capability": "refund", "case": "return/R1",
        "captures": {"rma": "R1"}, "times": 2, "step": 0, "addressed": "boss", "deadline_ms": 5, "failure": "slow",
        "reason": "30 s have passed", "waited_ms": 30_000,
    }  # fmt: skip

    @supervisor(over="refund")
    async def boss(late: Overdue, overdue: Any, activation: str) -> None:
        SEEN.extend([late.times, late.captures["rma"], overdue["agent"]])

    records = {"overdue": record_of("control/attention/overdue/a9", attention)}
    source = source_of(boss)
    assert source is not None
    ctx = Context(source, StillBoard(), activation="a1", case="", captures={"activation": "a9"})
    SEEN.clear()
    await invoke(source, records, ctx.captures, ctx)
    assert SEEN == [2, "R1", "refund_a"]


def test_models_of_an_enclosing_function_are_found() -> None:
    class Local(BaseModel):
        x: int

    @knowledge_source(WATCH)
    async def agent(item: Local, other: Record[Local] | None = None) -> Local: ...  # type: ignore[empty-body]  # never run

    source = source_of(agent)
    assert source is not None
    assert source.inputs[0].annotation is Local
    assert source.output_model is Local


def test_a_parameter_that_nothing_binds_is_refused_with_the_nearest_name() -> None:
    async def refund(itm: Any) -> None: ...

    with pytest.raises(
        DeclarationError,
        match=r"agent 'refund': parameter 'itm' is bound to nothing; did you mean 'item'\? "
        r"\(the watches are item; the captures rma; and there is ctx\)",
    ):
        knowledge_source(WATCH)(refund)


def test_a_name_known_to_type_checkers_alone_is_refused_with_the_reason() -> None:
    async def refund(item: Decimal) -> None: ...

    with pytest.raises(DeclarationError, match=r"parameter 'item', 'Decimal', cannot be read: .*TYPE_CHECKING"):
        knowledge_source(WATCH)(refund)

    async def unknown() -> Missing: ...  # type: ignore[name-defined]  # noqa: F821 - the mistake that this is about

    with pytest.raises(DeclarationError, match="the return annotation, 'Missing', cannot be read"):
        knowledge_source(WATCH)(unknown)


def test_an_annotation_that_pydantic_cannot_validate_is_refused() -> None:
    def agent(item: list[Return | Client]) -> None: ...

    with pytest.raises(DeclarationError, match="parameter 'item': no record can be validated as list"):
        knowledge_source(WATCH)(agent)


@pytest.mark.parametrize("name", ["args", "kwargs"])
def test_variable_parameters_are_refused(name: str) -> None:
    def star(*args: Any) -> None: ...
    def double_star(**kwargs: Any) -> None: ...

    with pytest.raises(DeclarationError, match=f"parameter '{name}'"):
        knowledge_source(WATCH)(star if name == "args" else double_star)


def test_a_capture_is_text_and_no_other_type() -> None:
    def agent(rma: int) -> None: ...

    with pytest.raises(DeclarationError, match="parameter 'rma': a capture is text, not int"):
        knowledge_source(WATCH)(agent)


async def test_a_plain_function_gets_the_blocking_context_in_a_thread() -> None:
    @knowledge_source(WATCH)
    def agent(c: ThreadContext, ctx: Context) -> None:
        SEEN.extend([type(c), type(ctx)])
        with pytest.raises(RuntimeError, match="no running event loop"):
            asyncio.get_running_loop()

    assert await given_to(agent) == [ThreadContext, ThreadContext]
