"""A board followed live: the model that its changes give, the agenda that its leader publishes, and whether it answers.

The display may be paused: then changes wait, and are taken in together when it goes on.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
from collections import deque
from typing import TYPE_CHECKING, Any, Final

from blackboard.boards import read_meta
from blackboard.errors import BlackboardError, HistoryLost, NoBackend, ServerRefused
from blackboard.history import kept
from blackboard.log import entries_between
from controller.agenda_view import parse_agenda
from controller.leadership import gone_from_this_host
from controller.viewer.model import MOST_CHANGES, Model
from controller.viewer.sight import Sight

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Coroutine

    from blackboard.board import Board
    from blackboard.log import Change
    from blackboard.replica import Replica

LOOK_EVERY_S: Final = 0.25
LOOKS_TO_A_CHECK: Final = 8
"""looks at the agenda to one whether there still is such a board"""
SILENT_S: Final = 1.5
"""without an answer for so long the server counts as away"""
RECALLED: Final = 1_000
"""revisions before the present one whose changes the log pane begins with"""
MOST_HIDDEN: Final = 50_000
"""changes that wait while the display is paused; with more it goes on from the records instead"""


class Watch:
    """One board as a viewer follows it, made by :meth:`begin`."""

    def __init__(self, board: Board, replica: Replica) -> None:
        self.board = board
        self.replica = replica
        self.model = self._present()
        self.ended: Exception | None = None
        """why nothing more can come, where that is so; also what went wrong in taking in what came"""
        self.heard: Callable[[Change | None], None] = lambda _: None
        """called with each change that the model has taken in, and with ``None`` for a new agenda"""
        self._agenda_read: bytes | None = None
        self._published: dict[str, Any] | None = None
        self._hidden: deque[Change] | None = None
        self._hidden_count = 0
        self._loop = asyncio.get_running_loop()
        self._heard = self._loop.time()
        self._tasks: list[asyncio.Task[None]] = []
        self._unsubscribe = replica.subscribe(self._changed)
        self._start(self._keep_looking())
        self._recalled = self._start_recall()

    @classmethod
    @contextlib.asynccontextmanager
    async def begin(cls, board: Board) -> AsyncIterator[Watch]:
        """Follow ``board`` from now on; raises what building a replica raises."""
        watch = cls(board, await board.replica())
        try:
            yield watch
        finally:
            watch._unsubscribe()
            for task in watch._tasks:
                task.cancel()
            await asyncio.gather(*watch._tasks, return_exceptions=True)

    @property
    def sight(self) -> Sight:
        """The board as it is now, for details."""
        return Sight(self.board, self.replica, self.model, None)

    @property
    def now_ms(self) -> int:
        """The server's time, as far as it is known."""
        return self.board.store.server_now_ms()

    @property
    def silent_s(self) -> float:
        """How long the server has not answered; 0 where it does."""
        silent = self._loop.time() - self._heard
        return silent if silent > SILENT_S else 0.0

    async def settled(self) -> None:
        """Return once the log has begun and the agenda was read for the first time."""
        await self._recalled
        await self.look()
        self.check()

    def check(self) -> None:
        """Raise why the board is followed no more, where that is so."""
        if self.ended is not None:
            raise self.ended
        self.replica.check_following()

    @property
    def paused(self) -> bool:
        return self._hidden is not None

    @property
    def hidden(self) -> int:
        """How many changes wait while the display is paused."""
        return self._hidden_count

    def pause(self) -> None:
        """Let the model stand as it is."""
        if self._hidden is None:
            self._hidden, self._hidden_count = deque(), 0

    def go_on(self) -> None:
        """Take in what has come meanwhile."""
        hidden, self._hidden = self._hidden, None
        if hidden is None:
            return
        if self._hidden_count > len(hidden):
            self._replace()
        else:
            for change in hidden:
                self._take(change)
        self._hidden_count = 0

    def _present(self) -> Model:
        replica = self.replica
        now_ms = self.board.store.server_now_ms()
        return Model(self.board.name, replica.records(), replica.revision, now_ms, at_once=False)

    def _replace(self) -> None:
        former, self.model = self.model, self._present()
        self.model.agenda, self.model.dead_leader = former.agenda, former.dead_leader
        self._recalled = self._start_recall()
        self.heard(None)

    def _take(self, change: Change) -> None:
        self.model.apply(change)
        self.heard(change)

    def _changed(self, change: Change) -> None:
        if self._hidden is None:
            try:
                self._take(change)
            except Exception as error:  # noqa: BLE001  the replica would only log it, and what is shown be wrong
                self._end(error)
            return
        self._hidden_count += 1
        if self._hidden_count <= MOST_HIDDEN:
            self._hidden.append(change)
        elif self._hidden:
            self._hidden.clear()

    def _end(self, error: Exception) -> None:
        """Nothing more can come because of ``error``, or of an earlier one."""
        if self.ended is None:
            self.ended = error

    def _start(self, work: Coroutine[None, None, None]) -> asyncio.Task[None]:
        task = asyncio.create_task(work)
        self._tasks.append(task)
        return task

    def _start_recall(self) -> asyncio.Task[None]:
        return self._start(self._recall(self.model, self.model.revision))

    async def _recall(self, model: Model, last: int) -> None:
        """Give the log of ``model`` what happened until ``last``, as far as it is kept; what came later it has."""
        changes: deque[Change] = deque(maxlen=MOST_CHANGES)
        try:
            async with kept(self.board.store):
                first = max(await self.board.horizon(), last - RECALLED)
                async for entry in entries_between(self.board.store, first, last):
                    changes.extend(entry.changes)
            model.recall(changes)
        except BlackboardError:
            pass  # then the log begins with the present
        except Exception as error:  # noqa: BLE001  nobody awaits the task
            self._end(error)

    async def look(self) -> None:
        """Read the agenda, which is not in the log; raises what a read raises."""
        raw = await self.board.store.read("GET", self.board.store.keys.agenda)
        self._heard = self._loop.time()
        if raw != self._agenda_read:
            self._agenda_read, self._published = raw, parse_agenda(raw) if raw else None
        if self._hidden is None:
            self._show_agenda()

    def _show_agenda(self) -> None:
        published, model = self._published, self.model
        leader = model.recorded_leader
        model.dead_leader = leader if gone_from_this_host(leader) else ""
        # What somebody published who leads no more is no agenda.
        agenda = published if published is not None and published["member"] == model.leader else None
        if agenda is None and model.agenda is not None and "told_from" in model.agenda:
            return  # the records tell it, until somebody publishes one again
        if agenda is not model.agenda:
            model.agenda = agenda
            self.heard(None)

    async def _keep_looking(self) -> None:
        for count in itertools.count(1):
            try:
                self.replica.check_following()
            except Exception as error:  # noqa: BLE001  nobody awaits the task
                self._end(error)
                return
            try:
                await self.look()
                if count % LOOKS_TO_A_CHECK == 0:
                    await self._check_kept()
            except HistoryLost:
                await self._check_there()
            except (NoBackend, ServerRefused):
                pass  # which is shown; the next look tries again
            except Exception as error:  # noqa: BLE001  nobody awaits the task
                self._end(error)
            if self.ended is not None:
                return
            await asyncio.sleep(LOOK_EVERY_S)

    async def _check_kept(self) -> None:
        """A board that was removed is silent: nobody who only reads it is told."""
        if await read_meta(self.board.backend, self.board.name) is None and self.replica.revision:
            self._end(HistoryLost(self.replica.commit, "none, the board is gone"))

    async def _check_there(self) -> None:
        """History was lost: either the board goes on without it, or it is gone itself."""
        try:
            await self.board.revision()
        except (NoBackend, ServerRefused, HistoryLost):
            return
        except Exception as error:  # noqa: BLE001  nobody awaits the task
            self._end(error)
