"""What the tests of the board share: a board on a real server, and the same in this process."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest_asyncio

from blackboard.board import Board
from blackboard.connect import connect

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    import pytest

    from blackboard.backend import Backend


@pytest_asyncio.fixture(params=["redis", "memory"])
async def backend(request: pytest.FixtureRequest, redis_url: str) -> AsyncIterator[Backend]:
    """A connected server: the session's, then one in this process."""
    async with await connect(redis_url if request.param == "redis" else "memory:") as connected:
        yield connected


@pytest_asyncio.fixture
async def either(backend: Backend, board_name: str) -> AsyncIterator[Board]:
    """An open board on either kind of server."""
    async with await Board.open(backend, board_name, author="ada") as opened:
        yield opened
