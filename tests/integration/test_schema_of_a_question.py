"""A question with a JSON Schema: an answer fits it or is refused, and a schema that is none is never asked with."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any

import pytest

from blackboard.board import Board
from blackboard.cli import main
from blackboard.connect import connect
from blackboard.control_records import ACTIVATIONS, ESCALATIONS
from scenarios.runner import Options, run_scenario
from tests.integration.test_run_joining import Onlooker

if TYPE_CHECKING:
    from pathlib import Path

    from blackboard.record import Record

SCENARIO = """
version: 1
input: orders.jsonl
case: order/{order}
agents:
  asks: {use: "./agents.py:asks", retry: {attempts: 1}}
"""
AGENTS = """
from typing import Any
from knowledge_sources import Escalate, knowledge_source

@knowledge_source(watches={"order": "order/{order}"}, contributes="price/{order}")
def asks(order: Any) -> Any:
    return Escalate("How much?", schema=order["schema"])
"""
PRICE = {"type": "object", "properties": {"amount": {"type": "number", "minimum": 0}}, "required": ["amount"]}


async def asked(url: str, board: str, folder: Path, schema: Any) -> None:
    """A run whose one agent asks for a price that ``schema`` describes."""
    (folder / "scenario.yaml").write_text(SCENARIO)
    (folder / "agents.py").write_text(AGENTS)
    (folder / "orders.jsonl").write_text(json.dumps({"order": "O-1", "schema": schema}))
    async with await connect(url) as backend:
        assert (await run_scenario(backend, str(folder), Options(board=board), Onlooker())).status == "awaiting"


async def found(url: str, board: str, pattern: str) -> list[Record[Any]]:
    async with await Board.open(url, board) as opened:
        return await opened.find(pattern)


def test_a_free_answer_fits_the_schema_of_the_question_or_is_refused_naming_the_path(
    redis_url: str, board_name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    asyncio.run(asked(redis_url, board_name, tmp_path, PRICE))
    command = ["escalations", "answer", "order/O-1", "--url", redis_url, "--board", board_name]
    assert main([*command, "--value", '{"amount": -1}']) == 3
    assert "does not fit the question's schema: $.amount: -1 is less than the minimum of 0" in _said(capsys)
    assert main([*command, "20"]) == 3
    assert "anything but a text is given as --value JSON" in _said(capsys)
    assert asyncio.run(found(redis_url, board_name, "price/*")) == []
    (question,) = asyncio.run(found(redis_url, board_name, ESCALATIONS + "*"))
    assert question.value["status"] == "open"
    assert main([*command, "--value", '{"amount": 20}']) == 0
    (price,) = asyncio.run(found(redis_url, board_name, "price/*"))
    assert price.value["answer"] == {"amount": 20}


@pytest.mark.parametrize(
    "schema", [{"type": "nmber"}, {"$ref": "https://example.invalid/price.json"}, {"pattern": "("}]
)
async def test_a_question_whose_schema_is_none_is_an_invalid_contribution(
    redis_url: str, board_name: str, tmp_path: Path, schema: Any
) -> None:
    """And so comes to a person as a failed agent, not as a question that nobody can answer."""
    await asked(redis_url, board_name, tmp_path, schema)
    (question,) = await found(redis_url, board_name, ESCALATIONS + "*")
    assert (question.value["failure"], question.value["schema"]) == ("invalid", None)
    (activation,) = await found(redis_url, board_name, ACTIVATIONS + "*")
    assert "asked with a schema that is no JSON Schema" in json.dumps(activation.value)


def _said(capsys: pytest.CaptureFixture[str]) -> str:
    return " ".join(capsys.readouterr().err.split())
