"""Running a command's coroutine to its end, and the process to its end after it.

An agent may swallow its cancellation, and a thread cannot be cancelled at all: ``asyncio.run`` and the end of
the interpreter both wait for those, for ever.  By then the command is done and its outcome is on the board, so
what is left behind ends with the process.
"""

from __future__ import annotations

import asyncio
import os
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Coroutine

GRACE_S: Final = 0.5
"""how long tasks and threads that are left have for coming to their end"""


def complete(work: Coroutine[Any, Any, int | None], *, ends_process: bool) -> int | None:
    """What ``work`` returns, as ``asyncio.run`` would.

    With ``ends_process`` the process exits with that where something does not end.  Without, that is waited for:
    who calls the command from a program of its own has more to do afterwards.
    """
    before = frozenset(threading.enumerate())
    runner = asyncio.Runner()
    pool = ThreadPoolExecutor(thread_name_prefix="blackboard")
    runner.get_loop().set_default_executor(pool)
    try:
        code = runner.run(_and_the_rest(work))
        pool.shutdown(wait=False, cancel_futures=True)
        if ends_process and (asyncio.all_tasks(runner.get_loop()) or _threads_since(before)):
            _exit(code or 0)
    finally:
        runner.close()
    return code


async def _and_the_rest(work: Coroutine[Any, Any, int | None]) -> int | None:
    """``work``, then what it left on the loop, cancelled."""
    code = await work
    rest = asyncio.all_tasks() - {asyncio.current_task()}
    for task in rest:
        task.cancel()
    if rest:
        await asyncio.wait(rest, timeout=GRACE_S)
    return code


def _threads_since(before: frozenset[threading.Thread]) -> bool:
    """Whether a thread that was not there ``before`` still works; one that waits for work would have ended."""
    since = [thread for thread in threading.enumerate() if thread not in before and not thread.daemon]
    for thread in since:
        thread.join(GRACE_S / len(since))
    return any(thread.is_alive() for thread in since)


def _exit(code: int) -> None:
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)
