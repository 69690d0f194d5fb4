"""``blackboard agents`` shows the breakers of a board."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any

from blackboard.cli import main
from blackboard.control_records import BREAKERS
from controller.budgets import Limits, RunLimit
from knowledge_sources import knowledge_source
from tests.leading import run

if TYPE_CHECKING:
    import pytest

    from blackboard.board import Board


@knowledge_source(
    "item/{i}", provides="work", retry={"attempts": 1}, breaker={"errors": "50%", "of": 2, "cooldown": "1h"},
    max_running=1,
)  # fmt: skip
async def shaky() -> None:
    raise RuntimeError("no \x1b]52;c;aGk=\x07luck")


@knowledge_source("item/{i}", provides="work", instead_of="shaky", max_running=1)
async def spare() -> None: ...


async def test_a_list_shows_whose_breaker_is_open_and_info_says_why_and_until_when(
    board: Board, redis_url: str, capsys: pytest.CaptureFixture[str]
) -> None:
    for n in range(3):
        await board.create(f"item/{n}", {})
    await run(board, shaky, spare, limits=Limits(run=RunLimit(time_ms=5_000)))
    here = ["--url", redis_url, "--board", board.name]

    def said(*words: str) -> str:
        assert main([*words, *here]) == 0
        return capsys.readouterr().out

    listed, told = await asyncio.to_thread(said, "agents"), await asyncio.to_thread(said, "agents", "info", "shaky")
    assert "ready, breaker open" in listed
    assert "2 of its last 2 calls failed" in told
    assert "\x1b]52" not in told
    spares: dict[str, Any] = json.loads(await asyncio.to_thread(said, "agents", "info", "spare", "-o", "json"))
    assert (spares["instead_of"], spares["breaker"]) == (["shaky"], None)
    await board.put(BREAKERS + "shaky", {"state": "ajar"})  # not what the runtime writes: passed over
    assert "breaker" not in await asyncio.to_thread(said, "agents")
