"""Hot records: updated when a contribution commits, outside of what its agent read.

On a conflict where only they have moved, their functions run again, not the agent.
"""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING, Final

from blackboard.backoff import backoff_s
from blackboard.commit import Absent, At, Put
from blackboard.errors import Conflict
from knowledge_sources.errors import InvalidContribution

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from blackboard.commit import Committed, Guard, Update
    from blackboard.group import Packed
    from blackboard.record import Record, Stamp
    from controller.desk import Desk

ATTEMPTS: Final = 200


class HotRecords:
    """The updates of one contribution."""

    def __init__(self, desk: Desk, updates: Sequence[Update], stamp: Stamp) -> None:
        self._desk = desk
        self._updates = sorted(updates, key=lambda update: update.key)
        self._stamp = stamp

    async def commit(
        self,
        guards: Sequence[Guard],
        writes: Sequence[Packed],
        author: str,
        submit: Callable[[Sequence[Guard], Sequence[Packed], str], Awaitable[Committed]],
    ) -> Committed:
        """Commit ``writes`` with the updates applied to what is there; raises :class:`Conflict` for other guards.

        Contributions of this process to the same hot record wait for each other instead of racing.
        """
        hot = {update.key for update in self._updates}
        async with contextlib.AsyncExitStack() as held:
            for update in self._updates:
                await held.enter_async_context(self._desk.hot.setdefault(update.key, asyncio.Lock()))
            present = {key: self._desk.replica.get(key) for key in hot}
            for attempt in range(ATTEMPTS):
                try:
                    return await submit(
                        [*guards, *(_as_seen(key, record) for key, record in present.items())],
                        [*writes, *(self._applied(update, present[update.key]) for update in self._updates)],
                        author,
                    )
                except Conflict as conflict:
                    moved = {getattr(failure.guard, "key", "") for failure in conflict.failures}
                    if not moved <= hot or attempt + 1 == ATTEMPTS:
                        raise
                    for key in moved:
                        present[key] = await self._desk.board.get(key)
                await asyncio.sleep(backoff_s(attempt))
        raise AssertionError("unreachable")

    def _applied(self, update: Update, present: Record | None) -> Packed:
        try:
            value = update.fn(present.fresh().value if present is not None else None)
        except (Exception, SystemExit) as error:
            reason = f"its update of {update.key} raised {error!r}"
            raise InvalidContribution(self._stamp.author, reason, key=update.key) from error
        stamp = self._stamp if present is None else self._stamp._replace(case=present.case)
        return self._desk.board.pack(Put(update.key, value), stamp)


def _as_seen(key: str, record: Record | None) -> Guard:
    return At(key, record.commit) if record is not None else Absent(key)
