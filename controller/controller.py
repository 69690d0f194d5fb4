"""The controller: it leads a board with its agents, from taking the lead to handing it back."""

from __future__ import annotations

import asyncio
import contextlib
import sys
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Self

from blackboard.control_records import ACTIVATIONS
from blackboard.control_shapes import checked
from blackboard.ending import end
from blackboard.errors import BlackboardError, HistoryLost
from blackboard.keys import CONTROL_REGION
from controller.agenda_view import AgendaView
from controller.collection import collected_rarely
from controller.cycle import Cycle
from controller.desk import Desk
from controller.leadership import Leadership, new_member
from controller.registration import Registration
from controller.reserve import Reserve
from controller.run_end import RunEnd
from controller.settings import Settings
from controller.stalling import Stalls
from controller.strategy import DEFAULT_LEVELS
from controller.takeover import hand_back, take_over
from knowledge_sources.capture import intercepted

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from blackboard.board import Board
    from controller.entry import Entry
    from knowledge_sources.source import KnowledgeSource

__all__ = ["DEFAULT_LEVELS", "Controller", "RunEnd"]


class Controller:
    """Leads one board with the agents that it is given, which run in this process."""

    def __init__(self, desk: Desk) -> None:
        self.desk = desk
        self._registration = Registration(desk)
        self._cycle = Cycle(desk, self._registration)
        self._view = AgendaView(desk, self._cycle)

    @classmethod
    async def start(cls, board: Board, sources: Iterable[KnowledgeSource], settings: Settings | None = None) -> Self:
        """Lead ``board``: wait until nobody else does, register the agents, take up what was left undone.

        Nothing fires before :meth:`run_until_quiescent`.
        """
        settings = settings or Settings()
        replica = await board.replica()
        leadership = Leadership(board, new_member())
        try:
            await leadership.acquire()
            await replica.caught_up(await board.revision())
        except BaseException:
            with contextlib.suppress(BlackboardError):
                await leadership.release()
            raise
        executor = ThreadPoolExecutor(max_workers=settings.max_running + 8, thread_name_prefix="agent")
        desk = Desk(
            board, replica, leadership, settings, executor, Stalls(settings.stall),
            reserve=Reserve(settings.reroute_off),
        )  # fmt: skip
        controller = cls(desk)
        try:
            cycle = controller._cycle
            await controller._registration.keep_schemas(settings.schemas)
            for source in sources:
                await controller.register(source)
                cycle.matcher.enter(source)
            desk.reserve.arrange(desk.sources.values())
            for name in desk.reserve.groups:  # who could go on must be known before what has died is buried
                cycle.matcher.look(desk.sources[name])
            cycle.lineup.recall(
                checked(record).value["decision"]
                for record in replica.region(CONTROL_REGION).values()
                if record.key.startswith(ACTIVATIONS)
            )
            for waiting in await take_over(desk, cycle.overseer):
                cycle.intake.take_up(*waiting)
            for source in desk.sources.values():
                cycle.matcher.look(source)
                cycle.timers.enter(source)
            await cycle.overseer.take_up()
            cycle.confirming.take_up()
            cycle.take_over_flow()
            cycle.patience.take_over()
        except BaseException:
            await controller.close()
            raise
        return controller

    async def register(self, source: KnowledgeSource) -> None:
        """Put an agent into the registry; it fires once it has also joined."""
        await self._registration.enter(source)

    async def join(self, source: KnowledgeSource) -> None:
        """Take an agent in while others run."""
        await self._registration.enter(source)
        self._cycle.join(source)

    async def report_broken(self, name: str, source: str, traceback: str) -> None:
        """Register an agent that could not be loaded, so that people see why it is missing."""
        await self._registration.report_broken(name, source, traceback)

    async def run_until_quiescent(self) -> RunEnd:
        """Fire agents until nothing is pending or running and the log is drained, or a limit of the run is reached.

        Raises what made it impossible to go on: :class:`LostLeadership`, :class:`Unknown`, :class:`HistoryLost`,
        :class:`Corrupt`.
        """
        cycle = self._cycle
        cycle.start()
        following = asyncio.create_task(self._follow())
        try:
            return await self._until_quiescent(cycle)
        finally:
            await end(following)

    async def _follow(self) -> None:
        """End the run where the replica can show no more: it would wait for ever for changes that nobody sees."""
        replica = self.desk.replica
        while True:
            try:
                await replica.caught_up(sys.maxsize)
            except HistoryLost:
                try:
                    replica.check_following()  # else it goes on, with what is there now
                except BlackboardError as error:
                    return self._cycle.fail(error)
            except BlackboardError as error:
                return self._cycle.fail(error)

    async def _until_quiescent(self, cycle: Cycle) -> RunEnd:
        with intercepted(), collected_rarely():
            while True:
                cycle.stirred.clear()
                if cycle.failure is not None:
                    raise cycle.failure
                if cycle.end is not None:
                    return cycle.end
                if cycle.idle and await self._drained() and cycle.idle:
                    return cycle.quiescent
                await cycle.stirred.wait()

    @contextlib.contextmanager
    def expecting(self) -> Iterator[None]:
        """While inside, the run does not end: more is about to come."""
        self._cycle.expecting += 1
        try:
            yield
        finally:
            self._cycle.expecting -= 1
            self._cycle.look()

    async def close(self) -> None:
        """Stop: hand back what runs, so that the next controller need not wait for it, and give up the lead."""
        firings = await self._cycle.stop()
        with contextlib.suppress(BlackboardError):  # the server is away: the next controller sees them as dead
            await self._view.close()
            await hand_back(self.desk, firings)
            await self.desk.leadership.release()
        self.desk.executor.shutdown(wait=False, cancel_futures=True)

    async def _drained(self) -> bool:
        """Whether the replica shows everything that is on the board."""
        turns = self._cycle.turns
        await self.desk.replica.caught_up(await self.desk.board.revision())
        return self._cycle.turns == turns

    def agenda(self, limit: int) -> list[Entry]:
        """The first ``limit`` pending entries in the order in which they would fire."""
        return self._cycle.lineup.first(limit, self.desk.now_ms())

    @property
    def pending_count(self) -> int:
        return self._cycle.lineup.pending

    @property
    def running_count(self) -> int:
        return len(self._cycle.crew.firings)
