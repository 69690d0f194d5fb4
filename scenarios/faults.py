"""Faults put into an agent, to see what a run makes of them.

Which calls go wrong follows from the number of the call in its activation's record and from the records that
set it off, so that it is the same in every run and after every restart.
"""

from __future__ import annotations

import asyncio
import dataclasses
import inspect
from typing import TYPE_CHECKING, Any

from blackboard.errors import BlackboardError
from knowledge_sources.binding import Binding
from scenarios.fault_models import FailFault, HangFault, InvalidFault, SlowFault, UngroundedFault

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Generator, Sequence

    from knowledge_sources.binding import Captures, Records
    from knowledge_sources.source import KnowledgeSource
    from scenarios.fault_models import Fault


class InjectedFault(BlackboardError):
    """What a scenario's ``fail`` makes a call raise; ``retry_after`` is in seconds, as clients have it."""

    def __init__(self, text: str, retry_after_ms: int | None = None) -> None:
        super().__init__(text)
        self.retry_after = None if retry_after_ms is None else retry_after_ms / 1000


class Undeclared:
    """What ``invalid`` makes a call return: nothing that a record can hold or that any agent declares."""


def beset(source: KnowledgeSource, faults: Sequence[Fault]) -> KnowledgeSource:
    """``source`` with those of ``faults`` that name it in the way of its calls; itself where none does."""
    own = tuple(fault for fault in faults if fault.agent == source.name)
    if not own:
        return source
    callee = source.callee
    return dataclasses.replace(source, callee=callee.called_by(BesetBinding(callee.binding, own)))


class BesetBinding(Binding):
    """The call of a function with faults in its way."""

    __slots__ = ("_faults",)

    def __init__(self, binding: Binding, faults: tuple[Fault, ...]) -> None:
        super().__init__(binding.inputs, binding.positional, binding.keywords)
        self._faults = faults

    def call(
        self, fn: Callable[..., Any], first: tuple[Any, ...], records: Records, captures: Captures, ctx: Any
    ) -> Any:
        """As without faults where none befalls this call; else what comes of it, to be awaited on the loop."""
        faults = [fault for fault in self._faults if fault.befalls(ctx.attempt, records.values())]
        plainly = super().call
        if not faults:
            return plainly(fn, first, records, captures, ctx)

        async def hand_over(to: str) -> None:
            if inspect.iscoroutinefunction(fn):
                ctx.handoff("", None, to=to)
            else:  # the context of a thread waits for the loop
                await asyncio.to_thread(ctx.handoff, "", None, to=to)

        async def run() -> Any:
            if inspect.iscoroutinefunction(fn):
                return await plainly(fn, first, records, captures, ctx)
            return await asyncio.to_thread(plainly, fn, first, records, captures, ctx)

        return _Beset(faults, run, hand_over)


class _Beset:
    """A call that faults befall: nothing begins before it is awaited, and it may be dropped instead."""

    __slots__ = ("_faults", "_hand_over", "_run")

    def __init__(
        self, faults: Sequence[Fault], run: Callable[[], Awaitable[Any]], hand_over: Callable[[str], Awaitable[None]]
    ) -> None:
        self._faults = faults
        self._run = run
        self._hand_over = hand_over

    def __await__(self) -> Generator[Any, None, Any]:
        return self._come_about().__await__()

    async def _come_about(self) -> Any:
        """Wait first; then the first fault that is no delay takes the agent's place, else the agent runs."""
        for fault in self._faults:
            if isinstance(fault, SlowFault):
                await asyncio.sleep(fault.slow / 1000)
        for fault in self._faults:
            match fault:
                case FailFault():
                    raise InjectedFault(fault.fail, fault.retry_after_ms)
                case HangFault():
                    await asyncio.get_running_loop().create_future()
                case UngroundedFault():
                    await self._hand_over(fault.ungrounded)
                    return Undeclared()  # there is somebody of that name, whom nothing is handed over to
                case InvalidFault():
                    return Undeclared()
        result = await self._run()
        return await result if inspect.isawaitable(result) else result
