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

    from blackboard.calling import Told

GRACE_S: Final = 0.5
"""how long tasks and threads that are left have for coming to their end"""


def complete(work: Coroutine[Any, Any, int | None], *, last_words: Told | None) -> int | None:
    """What ``work`` returns or raises, as of ``asyncio.run``.

    With ``last_words`` the process exits where something does not end, with what ``work`` returned or what
    ``last_words`` makes of its error.  Without, that is waited for: who calls the command from a program of its
    own has more to do afterwards.
    """
    before = frozenset(threading.enumerate())
    runner = asyncio.Runner()
    pool = ThreadPoolExecutor(thread_name_prefix="blackboard")
    runner.get_loop().set_default_executor(pool)

    def outlived() -> bool:
        pool.shutdown(wait=False, cancel_futures=True)
        return bool(asyncio.all_tasks(runner.get_loop())) or _threads_since(before)

    try:
        code = runner.run(_and_the_rest(work))
        if last_words is not None and outlived():
            _exit(code or 0)
    except BaseException as error:
        if last_words is not None and outlived():
            _exit(last_words(error))
        raise
    finally:
        runner.close()
    return code


async def _and_the_rest(work: Coroutine[Any, Any, int | None]) -> int | None:
    """``work``, then what it left on the loop, cancelled."""
    try:
        return await work
    finally:
        rest = asyncio.all_tasks() - {asyncio.current_task()}
        for task in rest:
            task.cancel()
        if rest:
            await asyncio.wait(rest, timeout=GRACE_S)


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
