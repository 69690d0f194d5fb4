"""The page on the board is true: its blocks run, one after the other."""

from __future__ import annotations

import ast
import inspect
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from tests.conftest import RedisServer

PAGE = Path(__file__).parents[2] / "docs" / "board.md"


@pytest.mark.parametrize("kind", ["redis", "memory"])
async def test_every_block_of_the_page_runs_and_what_it_asserts_holds(kind: str, redis_server: RedisServer) -> None:
    scope: dict[str, Any] = {"url": redis_server.url if kind == "redis" else "memory:"}
    text = PAGE.read_text(encoding="utf-8")
    blocks = list(re.finditer(r"^```python\n(.*?)^```$", text, re.DOTALL | re.MULTILINE))
    assert len(blocks) >= 9
    try:
        for block in blocks:
            source = "\n" * text[: block.start(1)].count("\n") + block[1]
            code = compile(source, str(PAGE), "exec", flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
            ended = eval(code, scope)
            if inspect.isawaitable(ended):
                await ended
    finally:
        if "board" in scope:
            await scope["board"].close()
        redis_server.remove("bb:{returns}:*")
