"""The agenda of a model as its records tell it, kept up beside the screen: in a thread, one at a time, with rests."""

from __future__ import annotations

import asyncio
from time import perf_counter
from typing import TYPE_CHECKING, Final

from blackboard.state import State
from controller.viewer.past_agenda import agenda_from

if TYPE_CHECKING:
    from controller.viewer.model import Model

REST: Final = 10
"""so many times what it took, before it is told anew"""
LEAST_REST_S: Final = 0.2
GOOD_FOR_MS: Final = 10_000
"""Time alone makes some eligible: so old an agenda of a board that stands still is told anew."""


class ToldAgenda:
    """Gives models their agenda.  An older one stays until the next is told."""

    def __init__(self) -> None:
        self._telling: asyncio.Task[None] | None = None
        self._done: tuple[Model, int] | None = None
        """of which model the last one is that was told, and at which revision"""
        self._told_ms = 0
        self._not_before_s = 0.0

    def is_of(self, model: Model) -> bool:
        """Whether the last one that was told is of ``model`` as it is now."""
        return self._done is not None and self._done[0] is model and self._done[1] == model.revision

    def keep(self, model: Model, now_ms: int) -> None:
        """See that ``model`` has the agenda of its revision, soon; to be called again and again while it is looked at.

        Raises what went wrong in telling the one before.
        """
        if self._telling is not None:
            if not self._telling.done():
                return
            told, self._telling = self._telling, None
            told.result()
        if perf_counter() < self._not_before_s:
            return
        if self.is_of(model) and model.agenda is not None and now_ms - self._told_ms < GOOD_FOR_MS:
            return
        state = State({region: dict(records) for region, records in model.regions.items()}, model.revision, now_ms)
        self._telling = asyncio.create_task(self._tell(model, state), name="blackboard-told-agenda")

    async def _tell(self, model: Model, state: State) -> None:
        started = perf_counter()
        told = await asyncio.to_thread(agenda_from, state, state.time_ms)
        if model.agenda is None or "told_from" in model.agenda:  # else a leader has published one meanwhile
            model.agenda = told
        self._done, self._told_ms = (model, state.revision), state.time_ms
        self._not_before_s = perf_counter() + max(LEAST_REST_S, REST * (perf_counter() - started))

    async def close(self) -> None:
        """Give up what is being told."""
        if self._telling is not None:
            self._telling.cancel()
            await asyncio.gather(self._telling, return_exceptions=True)
