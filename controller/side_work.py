"""What goes on beside the cycle: small commits that nobody waits for."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine


class SideWork:
    """Tasks beside the cycle.  Each end is told by ``look``, after ``fail`` was told what a task raised."""

    def __init__(self, fail: Callable[[BaseException], None], look: Callable[[], None]) -> None:
        self._fail = fail
        self._look = look
        self._loop = asyncio.get_running_loop()
        self._tasks: set[asyncio.Task[None]] = set()

    def __len__(self) -> int:
        return len(self._tasks)

    def do(self, work: Coroutine[Any, Any, None]) -> None:
        """Start ``work`` soon."""
        task = self._loop.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._done)

    async def finish(self) -> None:
        """Return once nothing goes on any more."""
        while self._tasks:
            await asyncio.wait(self._tasks)

    def _done(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        error = None if task.cancelled() else task.exception()
        if error is not None:
            self._fail(error)
        self._look()
