"""The context of an agent that is a plain ``def``: the same, with reading and progress that block its thread."""

from __future__ import annotations

import asyncio
import concurrent.futures
from typing import TYPE_CHECKING, Any, Final, TypeVar

from knowledge_sources.errors import ActivationEnded

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Mapping, Sequence

    from blackboard.control_records import Attempt
    from blackboard.pattern import Pattern
    from blackboard.record import Record
    from knowledge_sources.context import Context

T = TypeVar("T")

CHECK_LOOP_SECONDS: Final = 1.0


class ThreadContext:
    """A :class:`Context` for a thread.  Reads happen on the loop, so that each sees the board between two changes."""

    __slots__ = ("_context", "_loop")

    def __init__(self, context: Context, loop: asyncio.AbstractEventLoop) -> None:
        self._context = context
        self._loop = loop

    @property
    def captures(self) -> Mapping[str, str]:
        return self._context.captures

    @property
    def config(self) -> Mapping[str, Any]:
        return self._context.config

    @property
    def case(self) -> str:
        return self._context.case

    @property
    def agent(self) -> str:
        return self._context.agent

    @property
    def activation(self) -> str:
        return self._context.activation

    @property
    def idempotency_key(self) -> str:
        return self._context.idempotency_key

    @property
    def attempt(self) -> int:
        return self._context.attempt

    @property
    def earlier(self) -> Sequence[Attempt]:
        return self._context.earlier

    def get(self, key: str, *, guard: bool = True) -> Record[Any] | None:
        """See :meth:`Context.get`."""
        return self._on_loop(lambda: self._context.get(key, guard=guard))

    def find(self, pattern: str | Pattern, *, stable: bool = False, guard: bool = True) -> list[Record[Any]]:
        """See :meth:`Context.find`."""
        return self._on_loop(lambda: self._context.find(pattern, stable=stable, guard=guard))

    def fetch(self, pointer: str) -> Record[Any]:
        """See :meth:`Context.fetch`."""
        return self._on_loop(lambda: self._context.fetch(pointer))

    def progress(self, text: str) -> None:
        """See :meth:`Context.progress`."""
        self._on_loop(lambda: self._context.progress(text))

    def _on_loop(self, start: Callable[[], Coroutine[Any, Any, T]]) -> T:
        """The result of a coroutine on the loop; a loop that is gone must not leave the thread waiting."""
        self._context.check_open()
        future = asyncio.run_coroutine_threadsafe(start(), self._loop)
        while not concurrent.futures.wait([future], timeout=CHECK_LOOP_SECONDS).done:
            if self._loop.is_closed():
                raise ActivationEnded(self.agent, self.activation)
        return future.result()

    def post(self, key: str, value: Any, *, ttl: str | None = None, logical: bool = False) -> str:
        """See :meth:`Context.post`."""
        return self._context.post(key, value, ttl=ttl, logical=logical)

    def delete(self, key: str) -> None:
        """See :meth:`Context.delete`."""
        self._context.delete(key)

    def update(self, key: str, fn: Callable[[Any], Any]) -> None:
        """See :meth:`Context.update`."""
        self._context.update(key, fn)

    def handoff(self, key: str, value: Any, *, to: str = "", capability: str = "", ttl: str | None = None) -> str:
        """See :meth:`Context.handoff`."""

        async def hand_off() -> str:
            return self._context.handoff(key, value, to=to, capability=capability, ttl=ttl)

        return self._on_loop(hand_off)

    def cite(self, what: Record[Any] | str, commit: str = "") -> str:
        """See :meth:`Context.cite`."""

        async def cite() -> str:
            return self._context.cite(what, commit)

        return self._on_loop(cite)

    def usage(self, model: str, input_tokens: int = 0, output_tokens: int = 0, cost: float = 0.0) -> None:
        """See :meth:`Context.usage`."""
        self._context.usage(model, input_tokens, output_tokens, cost)

    def log(self, text: str) -> None:
        """See :meth:`Context.log`."""
        self._context.log(text)
