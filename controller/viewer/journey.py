"""A journey through a board's past: how it stood after one revision, and from there forward and back, commit by commit."""

from __future__ import annotations

import asyncio
import re
from typing import TYPE_CHECKING, Final, Self

from blackboard.errors import BeforeHorizon, UsageError
from blackboard.history import state_at
from blackboard.state import State
from controller.viewer.log_pages import PAGE, LogPages, Told
from controller.viewer.model import Model

if TYPE_CHECKING:
    from blackboard.board import Board
    from blackboard.holds import Hold
    from blackboard.log import Change
    from blackboard.replica import Replica

RECALLED: Final = 1_000
"""commits before the moment that the model's log reaches back to"""
LEAST_RECALLED: Final = 100
"""of which so many are left when earlier ones are fetched"""
AT_ONCE: Final = 5_000
"""records that a model takes in before others have a turn"""
FORTH_US: Final = 60
"""about what a commit takes: applied to the model"""
BACK_US: Final = 170
"""undone on the model"""
REPLAY_US: Final = 15
"""replayed without a model, as a record of the base does"""
REWIND_US: Final = 150
"""rewound without a model"""
_RELATIVE: Final = re.compile(r"[+-][0-9]{1,18}")


class Journey:
    """The board of :attr:`model` after :attr:`revision`.  Nothing of the log is trimmed until :meth:`close`.

    A step moves the model that there is; :meth:`go` makes another one where that is sooner done, so ask for it anew.
    Moves wait for each other.  Where one raises, such as :class:`NoBackend` while the server is away, the journey
    stands at a revision all the same, and can go on from there; after :class:`HistoryLost` it cannot.
    """

    def __init__(self, board: Board, replica: Replica, pages: LogPages, hold: Hold) -> None:
        self._board = board
        self._replica = replica
        self._pages = pages
        self._hold = hold
        self._moving = asyncio.Lock()
        self.model = Model(board.name, (), replica.revision)
        self.state = State(self.model.regions, replica.revision)
        """the records of the model, to be asked as those of a replica are"""
        self.changes: tuple[Change, ...] = ()
        """what the commit changed that the journey stands on, each with what it replaced; none at :attr:`oldest`"""

    @classmethod
    async def begin(cls, board: Board, moment: str = "now") -> Self:
        """Set out at ``moment``, which is what :meth:`go` takes; raises as that."""
        store = board.store
        losses = store.losses
        hold = await store.holds.take(lambda: 0)
        try:
            replica = await board.replica()
            await replica.caught_up(await board.revision())  # also: it is of the history that the log tells
            journey = cls(board, replica, LogPages(store, losses), hold)
            await journey._go(await journey._revision_of(moment.strip()), anew=True)
        except BaseException:
            hold.release()
            raise
        return journey

    @property
    def revision(self) -> int:
        """The journey stands at the board as this revision left it."""
        return self.model.revision

    @property
    def time_ms(self) -> int:
        """When that commit was made, in milliseconds since 1970; 0 at revision 0."""
        return self.model.time_ms

    @property
    def head(self) -> int:
        """The newest revision that is known."""
        return max(self._replica.revision, self.revision)

    @property
    def oldest(self) -> int:
        """The earliest revision that the log reaches."""
        return self._pages.oldest

    async def go(self, moment: str) -> None:
        """Go to ``moment``, as a person types it.

        A revision, a commit such as ``2-120``, a snapshot's name, ``oldest``, ``now``, a time such as ``10:47``, or
        ``-10`` and ``+5``: so many revisions from here.  Raises :class:`BeforeHorizon` where the log no longer reaches
        it, :class:`UsageError` where the board has not, :class:`NothingSelected` where nothing is called so.
        """
        async with self._moving:
            with self._board.store.telling():
                await self._go(await self._revision_of(moment.strip()))

    async def step(self, count: int = 1) -> int:
        """Go ``count`` commits on, or back where it is below 0, as far as the log goes; how many it went."""
        async with self._moving:
            with self._board.store.telling():
                began = self.revision
                await self._move(max(self.oldest, began + count))
                return abs(self.revision - began)

    async def next_ms(self) -> int | None:
        """When the next commit was made; ``None`` at the end of the log."""
        async with self._moving:
            entry = await self._pages.entry(self.revision + 1)
            return None if entry is None else entry.time_ms

    async def close(self) -> None:
        """Let go of the log."""
        self._hold.release()

    async def _revision_of(self, moment: str) -> int:
        if _RELATIVE.fullmatch(moment):
            revision = self.revision + int(moment)
            if revision < 0:
                raise UsageError(f"{moment}: there are only {self.revision} revisions before this one")
            return revision
        return await self._board.revision_at(moment)

    async def _go(self, revision: int, *, anew: bool = False) -> None:
        await self._pages.look()
        if revision < self.oldest:
            raise BeforeHorizon(revision, self.oldest)
        head = await self._board.revision()
        if revision > head:
            raise UsageError(f"revision {revision}: the board is at {head}")
        apart = revision - self.revision
        present, base = self._costs(revision)
        on_foot = BACK_US * -apart if apart < 0 else FORTH_US * apart
        if anew or self.revision < self.oldest or on_foot > min(present, base):
            await self._set_down(await (self._from_present(revision) if present <= base else self._from_base(revision)))
        await self._move(revision)

    def _costs(self, revision: int) -> tuple[float, float]:
        """About how many microseconds it takes to set out at ``revision`` anew, from the present and from the base."""
        count = self._replica.count
        back = max(0, self._replica.revision - revision)
        return REWIND_US * back + count, REPLAY_US * (revision - self.oldest + count)

    async def _from_present(self, revision: int) -> State:
        state = self._replica.state()
        if revision < state.revision:
            await self._pages.rewind(state, revision)
        return state

    async def _from_base(self, revision: int) -> State:
        return await state_at(self._board.store, revision)

    async def _set_down(self, state: State) -> None:
        """Stand on ``state``, with a model of its own."""
        model = Model(self._board.name, (), state.revision)
        records = [record for records in state.regions.values() for record in records.values()]
        for at in range(0, len(records), AT_ONCE):
            model.take_in(records[at : at + AT_ONCE])
            await asyncio.sleep(0)
        (told,) = await self._pages.told([state.revision])
        model.recall(told.changes)
        self.model, self.state = model, State(model.regions, state.revision)
        self._stand(told)
        await self._recall()

    async def _move(self, revision: int) -> None:
        """Go commit by commit to ``revision``, or to the end of the log."""
        while self.revision > revision:
            await self._back(max(revision, self.revision - PAGE))
        while self.revision < revision and await self._forward():
            pass

    async def _forward(self) -> bool:
        entry = await self._pages.entry(self.revision + 1)
        if entry is None:
            return False
        changes = []
        for change in entry.changes:
            changes.append(change._replace(previous=self.model.get(change.key)))
            self.model.apply(changes[-1])
        self._stand(Told(entry.revision, tuple(changes), entry.time_ms))
        return True

    async def _back(self, revision: int) -> None:
        """Undo what came after ``revision``, which is at most a page."""
        await self._recall()
        told = await self._pages.told(range(revision, self.revision))
        while told:
            before = told.pop()
            for change in reversed(self.changes):
                self.model.undo(change, before.time_ms)
            self._stand(before)

    async def _recall(self) -> None:
        """See that the log of the model reaches back."""
        changes = self.model.changes
        first = changes[0].revision if changes else self.revision + 1
        if self.revision - first < LEAST_RECALLED:
            earlier = await self._pages.before(first, RECALLED)
            self.model.recall(change for entry in earlier for change in entry.changes)

    def _stand(self, told: Told) -> None:
        self.model.revision, self.changes, self.model.time_ms = told
        self.state.revision, self.state.time_ms = told.revision, told.time_ms
