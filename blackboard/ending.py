"""The end of a task."""

from __future__ import annotations

import asyncio


async def end(task: asyncio.Task[None]) -> None:
    """Cancel ``task`` until it is over: ``wait_for`` of Python 3.11, which drivers use, can swallow a cancellation."""
    while not task.done():
        task.cancel()
        await asyncio.wait([task], timeout=0.1)
