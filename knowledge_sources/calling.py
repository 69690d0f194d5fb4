"""A function of the user's inside a ready-made agent: called with what it asks for, never on the loop if it blocks."""

from __future__ import annotations

import asyncio
import contextvars
import inspect
import threading
from typing import TYPE_CHECKING, Any, TypeVar

from blackboard.errors import InvalidInput
from knowledge_sources.nearest import did_you_mean
from knowledge_sources.thread_context import ThreadContext

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from knowledge_sources.context import Context

T = TypeVar("T")


class Code:
    """A function and the names of what it is called with; ``ctx`` among them if it asks for the context."""

    __slots__ = ("fn", "wanted")

    def __init__(self, fn: Callable[..., Any], wanted: tuple[str, ...]) -> None:
        self.fn = fn
        self.wanted = wanted

    @classmethod
    def of(cls, fn: Callable[..., Any], offered: Sequence[str]) -> Code:
        """``fn`` if every parameter of it is among ``offered`` or has a default; raises :class:`InvalidInput`."""
        wanted = []
        for name, parameter in inspect.signature(fn).parameters.items():
            if parameter.kind in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD, parameter.POSITIONAL_ONLY):
                raise InvalidInput(f"{fn.__name__}: parameter {name!r} must be one that can be given by name")
            if name in offered:
                wanted.append(name)
            elif parameter.default is parameter.empty:
                raise InvalidInput(
                    f"{fn.__name__}: parameter {name!r} is bound to nothing{did_you_mean(name, offered)} "
                    f"(there is {', '.join(offered)})"
                )
        return cls(fn, tuple(wanted))

    async def call(self, ctx: Context, **given: Any) -> Any:
        """What the function gives.  A coroutine function is awaited; a plain one runs in a thread of its own.

        The thread is a daemon: one that hangs keeps neither the run nor the process from ending.
        """
        if inspect.iscoroutinefunction(self.fn):
            return await self.fn(**self._arguments(given, ctx))
        loop = asyncio.get_running_loop()
        arguments = self._arguments(given, ThreadContext(ctx, loop))
        return await off_the_loop(lambda: self.fn(**arguments))

    def call_now(self, **given: Any) -> Any:
        """What the function gives, called where the caller is: for a function without a context."""
        return self.fn(**{name: given[name] for name in self.wanted})

    def _arguments(self, given: dict[str, Any], ctx: object) -> dict[str, Any]:
        return {name: ctx if name == "ctx" else given[name] for name in self.wanted}


async def off_the_loop(call: Callable[[], T]) -> T:
    """What ``call`` gives or raises, run in a daemon thread of its own."""
    loop = asyncio.get_running_loop()
    future: asyncio.Future[T] = loop.create_future()
    variables = contextvars.copy_context()  # so that what it prints is kept with the activation

    def settle(result: Any, error: BaseException | None) -> None:
        if future.done():  # cancelled
            return
        if error is None:
            future.set_result(result)
        else:
            future.set_exception(error)

    def run() -> None:
        result: Any = None
        failed: BaseException | None = None
        try:
            result = variables.run(call)
        except BaseException as error:  # noqa: BLE001 - whatever it raises is the agent's failure
            ends = isinstance(error, StopIteration | GeneratorExit | asyncio.CancelledError)
            failed = RuntimeError(f"the function raised {type(error).__name__}") if ends else error
        if not loop.is_closed():
            loop.call_soon_threadsafe(settle, result, failed)

    threading.Thread(target=run, name="agent-code", daemon=True).start()
    return await future
