"""The page on agents is true: its Python runs, and its agents do what the page says."""

from __future__ import annotations

import re
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from blackboard.commit import Present, Put
from knowledge_sources.context import Context
from knowledge_sources.decorators import Options, knowledge_source, supervisor
from knowledge_sources.invocation import invoke
from knowledge_sources.orders import Cancel, Extend
from knowledge_sources.outcome import Contribution, Escalate
from knowledge_sources.registry import agent_record
from knowledge_sources.source import source_of
from tests.still_board import StillBoard, record_of

PAGE = Path(__file__).parents[2] / "docs" / "agents.md"


@pytest.fixture(scope="module")
def page() -> ModuleType:
    """A module with every block of the page executed in it."""
    module = ModuleType("agents_page")
    text = PAGE.read_text(encoding="utf-8")
    for found in re.finditer(r"^```python\n(.*?)^```$", text, re.DOTALL | re.MULTILINE):
        line = text[: found.start(1)].count("\n")
        exec(compile("\n" * line + found[1], str(PAGE), "exec"), module.__dict__)
    return module


async def run(agent: object, *, captures: dict[str, str], board: StillBoard | None = None, **values: Any) -> Any:
    """What ``agent`` comes to on ``values``, and the guards of it."""
    source = source_of(agent)
    assert source is not None
    ctx = Context(source, board or StillBoard(), activation="a1", case="c", captures=captures)
    records = {alias: record_of(f"{alias}/x", value) for alias, value in values.items()}
    return await invoke(source, records, captures, ctx), ctx.guards()


async def test_the_first_agent_refunds_or_asks(page: ModuleType) -> None:
    label = {"carrier": "post"}
    paid, _ = await run(page.refund, captures={"rma": "R1"}, item={"rma": "R1", "amount": 5}, label=label)
    assert paid == Contribution((Put("refund/R1", {"amount": 5.0, "carrier": "post", "key": "a1"}),))
    asked, _ = await run(page.refund, captures={"rma": "R1"}, item={"rma": "R1", "amount": 500}, label=label)
    assert isinstance(asked, Escalate)
    assert asked.answer_to == "refund/R1"


async def test_every_kind_of_parameter_is_bound(page: ModuleType) -> None:
    item = {"rma": "R1", "amount": 5}
    outcome, _ = await run(page.note, captures={"rma": "R1"}, item=item, label={}, order=item)
    assert outcome == Contribution()


async def test_several_keys_are_written(page: ModuleType) -> None:
    outcome, _ = await run(page.pack, captures={"order": "7"}, order={})
    assert outcome.writes == (Put("parcel/7", {"carrier": "post", "weight": 1.0}), Put("log/a1-1", "packed 7"))


async def test_the_context_reads_updates_and_hands_off(page: ModuleType) -> None:
    picker = source_of(knowledge_source("work/{order}", name="picker", provides="pick")(lambda: None))
    assert picker is not None
    board = StillBoard(
        record_of("customer/c", {"blocked": False}), record_of("control/agents/picker", agent_record(picker))
    )
    order = {"customer": "c", "sku": "s"}
    outcome, guards = await run(page.reserve, captures={"order": "7"}, board=board, order=order)
    assert outcome.writes == (Put("work/7", {"sku": "s"}),)
    assert [(update.key, update.fn(3)) for update in outcome.updates] == [("stock/s", 2)]
    assert Present("control/agents/picker") in guards


async def test_a_plain_function_and_a_class_run(page: ModuleType) -> None:
    board = StillBoard(record_of("digest/a", {"times": 2}))
    outcome, _ = await run(page.digest, captures={"name": "a"}, board=board, file={"text": "abc"})
    assert outcome.writes == (Put("digest/a", {"length": 3, "times": 3}),)
    for expected in (1, 2):
        outcome, _ = await run(page.Counter, captures={"order": "7"}, order={})
        assert outcome.writes == (Put("count/7", expected),)


async def test_the_supervisor_gives_its_orders(page: ModuleType) -> None:
    attention = {
        "kind": "overdue", "activation": "a9", "agent": "refund_a", "capability": "refund", "case": "c", "captures": {},
        "times": 1, "step": 0, "addressed": "boss", "deadline_ms": 5, "failure": "slow", "reason": "late", "waited_ms": 9,
    }  # fmt: skip
    (order,), _ = await run(page.boss, captures={"activation": "a9"}, overdue=attention)
    assert isinstance(order, Extend)
    (order,), _ = await run(page.boss, captures={"activation": "a9"}, overdue={**attention, "kind": "failed"})
    assert isinstance(order, Cancel)


def test_the_table_of_parameters_names_all_of_them() -> None:
    text = PAGE.read_text(encoding="utf-8")
    table = set(re.findall(r"^\| `(\w+)` \|", text, re.MULTILINE))
    declared = {"watches", *Options.__annotations__}
    assert declared <= table
    assert {"over", "authority"} == set(supervisor.__annotations__) - {"return", "options"} - table
