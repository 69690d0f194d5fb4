"""Running an agent once: its parameters bound, its code called, what it returns turned into an outcome."""

from __future__ import annotations

import asyncio
import contextvars
import inspect
from typing import TYPE_CHECKING, Any

from knowledge_sources.capture import RUNNING
from knowledge_sources.contribution import settle
from knowledge_sources.thread_context import ThreadContext

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from concurrent.futures import Executor

    from knowledge_sources.binding import Records
    from knowledge_sources.context import Context
    from knowledge_sources.outcome import Outcome
    from knowledge_sources.source import KnowledgeSource


async def invoke(
    source: KnowledgeSource,
    records: Records,
    captures: Mapping[str, str],
    ctx: Context,
    *,
    executor: Executor | None = None,
) -> Outcome:
    """Run ``source`` on ``records``, one per alias and of a collect all, and return its contribution, question or order.

    A coroutine function is awaited here; a plain function runs in ``executor`` (default: the loop's).  A
    cancelled run ends at once for us, but a thread cannot be stopped: what it writes later is refused.
    Raises :class:`InvalidTrigger`, :class:`InvalidContribution`, :class:`UnknownAgent`, or what the agent
    raised.  When it returns or raises, ``ctx`` has ended.
    """
    callee = source.callee
    ctx.given = records
    token = RUNNING.set(ctx)
    try:
        if callee.asynchronous:
            first = callee.first(source.config)
            result = await callee.binding.call(callee.function, first, records, captures, ctx)
        else:
            result = await _in_thread(source, records, captures, ctx, executor)
    finally:
        ctx.end()
        RUNNING.reset(token)
    return settle(source, ctx, result)


def _answer(call: Callable[..., Any], *arguments: Any) -> Any:
    """What ``call`` gives.  An exception by which coroutines end would never reach the one that waits for a thread."""
    try:
        return call(*arguments)
    except (StopIteration, GeneratorExit) as error:
        raise RuntimeError(f"the agent raised {type(error).__name__}") from error


async def _in_thread(
    source: KnowledgeSource,
    records: Records,
    captures: Mapping[str, str],
    ctx: Context,
    executor: Executor | None,
) -> object:
    callee = source.callee
    loop = asyncio.get_running_loop()
    blocking = ThreadContext(ctx, loop)

    # Copied so that the thread, and threads that copy it in turn, print to this activation.
    variables = contextvars.copy_context()
    first = callee.first(source.config)
    result = await loop.run_in_executor(
        executor, variables.run, _answer, callee.binding.call, callee.function, first, records, captures, blocking
    )
    # A plain function that wraps a coroutine function gives a coroutine, which belongs on the loop.
    return await result if inspect.isawaitable(result) else result
