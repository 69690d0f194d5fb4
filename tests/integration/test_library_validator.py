"""The validator of the library, led on a real server."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from pydantic import BaseModel

from knowledge_sources import Context, DeclarationError, Pass, Reject, knowledge_source
from knowledge_sources.library import validator
from tests.leading import only, run, values

if TYPE_CHECKING:
    from blackboard.board import Board


class Draft(BaseModel):
    words: int


@knowledge_source("topic/{t}", contributes="draft/{t}", proposed=True, retry={"backoff": "1ms", "cap": "1ms"})
async def writer(topic: Any, ctx: Context) -> Any:
    return {"words": topic[ctx.attempt - 1]}


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"schema": {"type": "object", "properties": {"words": {"type": "integer", "minimum": 5}}}}, "schema: $.words"),
        ({"schema": Draft.model_json_schema(), "check": lambda value: value["words"] > 3}, "its check says no"),
        ({"check": lambda value: value["words"], "at_least": 4}, "(score 2): its score is under 4"),
        ({"check": lambda value: Pass(value["words"] / 10, "thin"), "at_least": 0.4}, "(score 0.2): thin"),
        ({"check": lambda value: "too few" if value["words"] < 5 else True}, "too few"),
        ({"check": lambda value: Reject("no") if value["words"] < 5 else None}, "no"),
    ],
)  # fmt: skip
async def test_what_does_not_fit_is_rejected_and_its_author_told_why(
    board: Board, given: dict[str, Any], told: str
) -> None:
    await board.put("topic/1", [2, 9])
    end = await run(board, writer, validator(validates="draft/{t}", **given))
    assert end.status == "finished"
    assert await values(board, "draft/*") == {"draft/1": {"words": 9}}
    author = await only(board, "writer")
    assert [one["failure"] for one in author["attempts"]] == ["invalid"]
    assert told in author["attempts"][0]["error"]


async def test_a_check_looks_at_other_records_and_at_the_key(board: Board) -> None:
    def fits(value: Any, key: str, others: dict[str, Any]) -> bool:
        return key == "draft/1" and bool(value["words"] <= others["limit"])

    await board.put("topic/1", [9, 2])
    await board.put("limit/1", 5)
    await run(board, writer, validator(validates="draft/{t}", watches={"limit": "limit/{t}"}, check=fits))
    assert await values(board, "draft/*") == {"draft/1": {"words": 2}}


async def test_a_check_that_gives_no_verdict_passes_nothing(board: Board) -> None:
    await board.put("topic/1", [2])
    judge = validator(validates="draft/{t}", check=lambda value: [value], retry={"attempts": 1})
    await run(board, writer, judge)
    failed = await only(board, "validator")
    assert failed["failure"] == "invalid"
    assert "its check gave list" in failed["reason"]
    assert await values(board, "draft/*") == {}


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({}, "neither a schema nor a check"),
        ({"schema": {"type": "objct"}}, "schema: no JSON Schema"),
        ({"schema": 3}, "schema: no JSON Schema"),
        ({"schema": {}, "at_least": 1}, "at_least: needs a check"),
        ({"check": lambda value, draft: True}, "parameter 'draft' is bound to nothing"),
    ],
)
def test_a_validator_that_could_not_judge_is_refused(given: dict[str, Any], told: str) -> None:
    with pytest.raises(DeclarationError, match=told):
        validator(validates="draft/{t}", **given)
