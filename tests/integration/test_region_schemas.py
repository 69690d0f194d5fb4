"""A write that is not what the schema of its key asks for is refused with the field, whoever writes."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from pydantic import BaseModel, Field, field_validator

from blackboard.cli import main
from blackboard.commit import Put
from blackboard.control_records import SCHEMAS
from blackboard.errors import InvalidInput, SchemaMismatch
from controller.escalation import Answer, answer
from knowledge_sources import Context, Decide, Escalate, Overdue, knowledge_source, supervisor
from knowledge_sources.region_schemas import hold_to_schemas, schema_for
from tests.leading import only, question, run, values

if TYPE_CHECKING:
    from pathlib import Path

    from blackboard.board import Board


class Line(BaseModel):
    sku: str
    count: int = Field(ge=1)


class Order(BaseModel):
    lines: list[Line]
    cents: int

    @field_validator("cents")
    @classmethod
    def _round(cls, cents: int) -> int:
        if cents % 5:
            raise ValueError("is no multiple of 5")
        return cents


ORDER = schema_for("order/{order}", Order)
GOOD = {"lines": [{"sku": "a", "count": 1}], "cents": 500}
ONCE = {"attempts": 1}


@pytest.mark.parametrize(
    ("value", "fault"),
    [
        (
            {"lines": [{"sku": "a", "count": 0}], "cents": 5},
            "lines.0.count: Input should be greater than or equal to 1",
        ),
        ({"lines": [], "cents": "5"}, "cents: Input should be a valid integer"),
        ({"lines": [], "cents": 7}, "cents: Value error, is no multiple of 5"),
        ([], "value: Input should be an object"),
        (None, "value: Input should be an object"),
        (b"\x00", "value: Object of type bytes is not JSON serializable"),
    ],
)
async def test_an_agents_contribution_is_invalid_and_names_the_field(board: Board, value: Any, fault: str) -> None:
    @knowledge_source("ask/{o}", contributes=["order/{o}", "note/{o}"], retry=ONCE)
    async def clerk(ask: Any) -> Any:
        return {"order/{o}": value, "note/{o}": "of the same commit"}

    await board.put("ask/1", 1)
    await run(board, clerk, schemas=(ORDER,))
    failed = (await only(board))["attempts"][0]
    assert failed["failure"] == "invalid"
    assert failed["error"].startswith(f"order/1 is not the Order that its schema asks for: {fault}")
    assert await values(board, "order/*") == await values(board, "note/*") == {}


async def test_the_next_attempt_is_told_and_may_do_better(board: Board) -> None:
    @knowledge_source("ask/{o}", contributes="order/{o}", retry={"attempts": 2, "backoff": "1ms", "cap": "1ms"})
    async def clerk(ask: Any, ctx: Context) -> Any:
        return GOOD if ctx.earlier and "cents" in ctx.earlier[0]["error"] else {"lines": []}

    await board.put("ask/1", 1)
    assert (await run(board, clerk, schemas=(ORDER,))).status == "finished"
    assert await values(board, "order/*") == {"order/1": GOOD}


async def test_what_an_update_makes_of_a_record_is_held_to_its_schema(board: Board) -> None:
    @knowledge_source("ask/{o}", contributes="stock/{o}", retry=ONCE)
    async def take(ask: Any, ctx: Context) -> None:
        ctx.update("stock/{o}", lambda count: count - 5)

    await board.put("stock/1", 3)
    await board.put("ask/1", 1)
    await run(board, take, schemas=(schema_for("stock/*", {"type": "integer", "minimum": 0, "title": "Stock"}),))
    failed = (await only(board))["attempts"][0]
    assert failed["failure"] == "invalid"
    assert failed["error"].startswith(
        "stock/1 is not the Stock that its schema asks for: $: -2 is less than the minimum"
    )
    assert await values(board, "stock/*") == {"stock/1": 3}


async def test_a_supervisors_decision_is_refused_and_the_ladder_goes_on(board: Board) -> None:
    @knowledge_source("ask/{o}", contributes="order/{o}", retry=ONCE, escalate=["boss"])
    async def clerk(ask: Any) -> Any:
        raise RuntimeError("no")

    @supervisor()
    async def boss(overdue: Overdue) -> Decide:
        return Decide({"cents": 5}, reason="so be it")

    await board.put("ask/1", 1)
    assert (await run(board, clerk, boss, schemas=(ORDER,))).status == "awaiting"
    (order,) = await board.find("control/overrides/*")
    assert order.value["status"] == "refused"
    assert "order/1 is not the Order that its schema asks for: lines: Field required" in order.value["outcome"]


async def test_a_persons_answer_is_refused_from_a_process_that_was_told_nothing(
    board: Board, redis_url: str, board_name: str
) -> None:
    from blackboard.board import Board

    @knowledge_source("ask/{o}", contributes="order/{o}")
    async def clerk(ask: Any) -> Escalate:
        return Escalate("What do they want?")

    await board.put("ask/1", 1)
    shape = schema_for("order/{order}", {"type": "object", "required": ["approved"]}, "Approval")
    await run(board, clerk, schemas=(shape,))
    key, _ = await question(board)
    async with await Board.open(redis_url, board_name) as other:
        with pytest.raises(SchemaMismatch, match=r"order/1 is not the Approval .*'approved' is a required property"):
            await answer(other, key, Answer("two apples", "ada"), other.store.server_now_ms())
    assert (await question(board))[1]["status"] == "open"


async def test_post_from_another_process_is_held_to_what_the_board_keeps(
    board: Board, redis_url: str, board_name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    @knowledge_source("ask/{o}")
    async def idle(ask: Any) -> None: ...

    await run(board, idle, schemas=(ORDER,))
    (kept,) = await board.find(SCHEMAS + "*")
    assert (kept.value["pattern"], kept.value["name"]) == ("order/{order}", "Order")
    place = ["--url", redis_url, "--board", board_name]
    import asyncio

    def post(key: str, value: object) -> tuple[int, str]:
        code = main(["post", key, json.dumps(value), *place])
        return code, capsys.readouterr().err

    code, told = await asyncio.to_thread(post, "order/7", {"lines": [{"sku": "a", "count": "two"}], "cents": 5})
    assert code == 3
    assert "order/7 is not the Order that its schema asks for: $.lines[0].count: 'two' is not of type 'integer'" in told
    assert (await asyncio.to_thread(post, "order/7", GOOD))[0] == 0
    assert (await asyncio.to_thread(post, "note/7", 5))[0] == 0
    assert await values(board, "order/*") == {"order/7": GOOD}


async def test_schemas_that_are_no_longer_wanted_hold_nobody(board: Board) -> None:
    @knowledge_source("ask/{o}", contributes="order/{o}")
    async def clerk(ask: Any) -> Any:
        return "anything"

    await board.put("ask/1", 1)
    await run(board, clerk, schemas=(ORDER, schema_for("a/*", {"type": "string"})))
    assert len(await board.find(SCHEMAS + "*")) == 2
    await board.put("ask/2", 1)
    await run(board, clerk)
    assert await board.find(SCHEMAS + "*") == []
    assert await values(board, "order/*") == {"order/2": "anything"}


async def test_a_kept_schema_that_cannot_be_followed_lets_nothing_through(board: Board) -> None:
    bad = {"pattern": "order/*", "name": "Order", "schema": {"$ref": "http://example.com/order.json"}}
    await board.commit([], [Put(SCHEMAS + "0", bad)])
    with pytest.raises(InvalidInput, match=r"a schema that the board keeps cannot be followed: .*nothing is fetched"):
        await hold_to_schemas(board)
    await board.commit([], [Put(SCHEMAS + "0", {"pattern": 5})])
    await hold_to_schemas(board)  # one of another shape is passed over, and named in a warning
    await board.put("order/1", 1)


async def test_mutate_and_put_are_held_to_them_too(board: Board) -> None:
    await board.put("order/1", GOOD)
    await board.commit([], [Put(SCHEMAS + "0", {"pattern": "order/*", "name": "Order", "schema": ORDER.document})])
    await hold_to_schemas(board)
    with pytest.raises(SchemaMismatch):
        await board.mutate("order/1", lambda order: {**order, "cents": None})
    with pytest.raises(SchemaMismatch):
        await board.put("order/2", {})
    await board.delete("order/1")


@pytest.mark.parametrize(
    ("pattern", "shape", "told"),
    [
        ("order/{o} where cents > 5", Order, "without a condition"),
        ("control/agents/*", Order, "control/ is written by the runtime alone"),
        ("order/*", {"type": "nonsense"}, "is no JSON Schema"),
        ("order/*", type("Plain", (), {}), "is no model"),
    ],
)
def test_a_schema_that_cannot_hold_is_refused(pattern: str, shape: Any, told: str) -> None:
    with pytest.raises(InvalidInput, match=told):
        schema_for(pattern, shape)


SCENARIO = """
version: 1
input: orders.jsonl
case: order/{order}
records:
  - {key: order/O-1, value: {order: O-1, cents: 5}}
  - {from: more.csv, key: "extra/{name}"}
events:
  - {at: 10ms, post: {key: order/O-9, value: {order: O-9, cents: 9}}}
schemas: {"order/{order}": ./agents.py:Order, "extra/*": ./agents.py:EXTRA}
agents: {clerk: {use: ./agents.py:clerk}}
expect:
  - {count: "order/*", equals: 3}
"""
AGENTS = """
from pydantic import BaseModel
from knowledge_sources import knowledge_source

EXTRA = {"type": "object", "properties": {"rank": {"type": "integer"}}}

class Order(BaseModel):
    order: str
    cents: int

@knowledge_source("order/{order}")
async def clerk(order): ...
"""


def test_lines_of_an_input_are_rejected_with_their_number_and_records_of_the_file_before_anything_runs(
    tmp_path: Path, redis_url: str, board_name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "scenario.yaml"
    file.write_text(SCENARIO)
    (tmp_path / "agents.py").write_text(AGENTS)
    (tmp_path / "orders.jsonl").write_text('{"order": "O-2", "cents": 7}\n{"order": "O-3", "cents": "7"}\n')
    (tmp_path / "more.csv").write_text("name,rank\na,1\nb,second\n")
    words = ["run", str(file), "--url", redis_url, "--board", board_name, "--set"]
    assert main([*words, "max_running=4"]) == 0
    shown = capsys.readouterr().out
    assert (
        "line 2: order/O-3 is not the Order that its schema asks for: cents: Input should be a valid integer" in shown
    )
    assert "line 3: extra/b is not the EXTRA that its schema asks for" in shown
    assert main(["check", str(file), "--set", "records.0.value.cents=none", "--set", "events.0.post.value={}"]) == 3
    told = capsys.readouterr().out
    assert "records[0].value: order/O-1 is not the Order that its schema asks for: cents: Input should be" in told
    assert "events[0].post.value: order/O-9 is not the Order" in told


@pytest.mark.parametrize(
    ("setting", "told"),
    [
        ('schemas={"order/*": ./agents.py:Ordr}', "there is no 'Ordr'; did you mean 'Order'?"),
        ('schemas={"order/*": ./agents.py:clerk}', "name a pydantic model, or a dict that is a JSON Schema"),
        ('schemas={"order/* where cents > 1": ./agents.py:Order}', "without a condition"),
        ('schemas={"{x}/y": ./agents.py:Order}', "the first segment is the region"),
        ('schemas={"order/*": "./missing.py:Order"}', "there is no file"),
        ("validate=[control/x]", "control/ is written by the runtime alone"),
    ],
)
def test_a_schema_that_cannot_be_loaded_is_a_problem_at_its_place(
    setting: str, told: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "scenario.yaml").write_text(SCENARIO)
    (tmp_path / "agents.py").write_text(AGENTS)
    (tmp_path / "orders.jsonl").write_text("")
    (tmp_path / "more.csv").write_text("name,rank\n")
    assert main(["check", str(tmp_path), "--set", setting]) == 3
    assert told in capsys.readouterr().out
