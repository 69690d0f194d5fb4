"""Waiting for a condition instead of sleeping for a time."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

POLL_SECONDS = 0.01


def wait_until(
    predicate: Callable[[], object], description: str, seconds: float = 10.0, *, every_s: float = POLL_SECONDS
) -> None:
    """Return as soon as ``predicate`` holds; fail with ``description`` when it does not within ``seconds``.

    ``every_s`` is the pause between two looks, for those that cost something.
    """
    deadline = time.monotonic() + seconds
    while not predicate():
        assert time.monotonic() < deadline, f"after {seconds:g} s it still did not hold that {description}"
        time.sleep(every_s)


async def eventually(predicate: Callable[[], object], description: str, seconds: float = 10.0) -> None:
    """``wait_until`` for a test on the event loop, which goes on meanwhile."""
    deadline = time.monotonic() + seconds
    while not predicate():
        assert time.monotonic() < deadline, f"after {seconds:g} s it still did not hold that {description}"
        await asyncio.sleep(POLL_SECONDS)
