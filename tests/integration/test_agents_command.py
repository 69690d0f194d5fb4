"""``blackboard agents`` on a board as a run leaves it."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from blackboard.board import Board
from blackboard.cli import main
from blackboard.control_records import ACTIVATIONS, AGENTS
from knowledge_sources.decorators import knowledge_source
from knowledge_sources.registry import agent_record, broken_agent_record
from knowledge_sources.source import source_of
from tests.control_values import completed


@knowledge_source(
    {"item": "return/{rma}"}, unless="refund/{rma}", contributes="refund/{rma}", respond_within="30s", escalate="human"
)
async def refund(item: Any) -> None:
    """Pay the money back."""


ENDED = {"started_ms": 1, "ended_ms": 2, "failure": "error", "error": "boom", "cost": 0.5}
USAGE = {"model": "m", "input_tokens": 10, "output_tokens": 4, "cost": 0.25}
ACTIVATED: list[dict[str, Any]] = [
    {"agent": "refund", "state": "executed", "run_us": 2_000, "usage": [USAGE], "attempts": [ENDED]},
    {"agent": "refund", "state": "executed", "run_us": 4_000},
    {"agent": "refund", "state": "executed", "decided_by": "boss", "run_us": 9_000},
    {"agent": "refund", "state": "running"},
    {"agent": "refund", "state": "escalated"},
    {"agent": "other", "state": "executed"},
]


@pytest.fixture
def filled(redis_url: str, board_name: str) -> list[str]:
    """The options that name a board with two agents and their activations."""

    async def fill() -> None:
        source = source_of(refund)
        assert source is not None
        async with await Board.open(redis_url, board_name) as board:
            await board.put(f"{AGENTS}refund", agent_record(source))
            await board.put(f"{AGENTS}draft", broken_agent_record("draft", "agents/draft.py", "Traceback\x1b[2J\nboom"))
            for number, value in enumerate(ACTIVATED):
                key = f"{ACTIVATIONS}a{number}"
                await board.put(key, completed(key, value))

    asyncio.run(fill())
    return ["--url", redis_url, "--board", board_name]


def test_the_list_has_status_load_success_and_cost(filled: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["agents", *filled]) == 0
    header, draft, line = capsys.readouterr().out.splitlines()
    assert header.split()[:3] == ["agent", "kind", "status"]
    assert draft.split()[:3] == ["draft", "agent", "broken"]
    assert line.split() == [
        "refund", "agent", "ready", "normal", "refund", "1", "1", "2", "1", "67%", "3.0", "ms", "0.7500",
    ]  # fmt: skip


def test_the_same_is_there_as_json(filled: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["agents", "list", *filled, "-o", "json"]) == 0
    _, entry = json.loads(capsys.readouterr().out)
    assert entry["watches"] == {"item": "return/{rma}"}
    assert entry["performance"] == {
        "activations": 5, "running": 1, "waiting": 1, "executed": 2, "failed_calls": 1, "overruled": 1,
        "success": 2 / 3, "median_ms": 3.0, "input_tokens": 10, "output_tokens": 4, "cost": 0.75,
    }  # fmt: skip


def test_info_shows_one_agent_and_no_escape_sequence(filled: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["agents", "info", "refund", *filled]) == 0
    shown = capsys.readouterr().out
    for text in ("Pay the money back.", "item: return/{rma}", "30s", "human", "1 running, 1 waiting", "67%"):
        assert text in shown
    assert main(["agents", "info", "draft", *filled]) == 0
    shown = capsys.readouterr().out
    assert "boom" in shown
    assert "\x1b" not in shown


def test_an_agent_that_is_not_there_ends_with_5_and_the_nearest_name(
    filled: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["agents", "info", "refnd", *filled]) == 5
    assert "did you mean 'refund'?" in capsys.readouterr().err
