"""One board, three clients and the model beside them; what is checked after every step and at the end."""

from __future__ import annotations

import asyncio
import json
import os
import tempfile
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Self

import fakeredis

from blackboard.board import Board
from blackboard.clock import SystemClock
from blackboard.commit import Committed, Previous
from blackboard.connect import connect
from blackboard.keys import BoardKeys
from tests.model.choices import AUTHORS
from tests.model.explaining import explained
from tests.model.model import Mismatch, Model, Violation
from tests.model.reading import check_keys, check_shown, check_whole, entries_after

if TYPE_CHECKING:
    from collections.abc import Coroutine, Sequence
    from types import TracebackType
    from typing import TypeVar

    import redis

    from blackboard.backend import Backend
    from tests.model.explaining import Call, Judged, Rise
    from tests.model.model import Entry
    from tests.own_server import OwnServer

    T = TypeVar("T")

WHOLE_EVERY: Final = 50
"""steps between two comparisons of everything"""
FOLLOWERS: Final = (0, 1)
"""the clients with a replica; the other one reads the server"""
BOARD: Final = "model"


class Hand(SystemClock):
    """A clock that only a step moves; the commits carry its time."""

    def __init__(self) -> None:
        self.ms = 1_000_000

    def now_ms(self) -> int:
        return self.ms

    def server_time_ms(self) -> int:
        return self.ms


class World:
    """A server and an event loop for one scene after the other, and what was counted in all of them."""

    def __init__(self, server: OwnServer | None) -> None:
        self.server = server
        """``None``: the server is in this process"""
        self.loop = asyncio.new_event_loop()
        self.failures: list[dict[str, Any]] = []
        self.loop.set_exception_handler(lambda _, context: self.failures.append(context))
        self.backend: Backend = self.run(connect(server.url if server is not None else "memory:"))
        self.raw: redis.Redis = server.client() if server is not None else _beside(self.backend)
        self.steps: Counter[str] = Counter()
        self.seen: Counter[str] = Counter()
        """what happened, by class"""
        self.saved: Path | None = None

    def run(self, what: Coroutine[Any, Any, T]) -> T:
        """Run the loop until ``what`` is done."""
        return self.loop.run_until_complete(what)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.raw.close()
        self.run(self.backend.aclose())
        self.loop.close()


async def _turns() -> None:
    for _ in range(3):
        await asyncio.sleep(0)


def _beside(backend: Backend) -> redis.Redis:
    server = backend.client.connection_pool.connection_kwargs["server"]
    return fakeredis.FakeRedis(server=server, protocol=2)


class Scene:
    """A new board in ``world``.  Each step is one method of a subclass; :meth:`step` calls it by name."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.raw = world.raw
        self.keys = BoardKeys(BOARD)
        self.clock = Hand()
        self.model = Model()
        self.model.now_ms = self.clock.ms
        self.trace: list[tuple[str, dict[str, Any]]] = []
        self.raw.flushall()
        self.boards = [world.run(self._opened(number)) for number in range(len(AUTHORS))]

    async def _opened(self, number: int) -> Board:
        board = await Board.open(self.world.backend, BOARD, author=AUTHORS[number], clock=self.clock)
        if number in FOLLOWERS:
            await board.replica()
        return board

    # -- steps ------------------------------------------------------------------------------

    def step(self, name: str, **what: Any) -> None:
        """Take one step and check what it changed; a scene that fails is saved, and the error says where."""
        self.trace.append((name, what))
        self.world.steps[name] += 1
        try:
            self._take(name, what)
        except Exception as error:
            error.add_note(self._save(error))
            raise

    def _take(self, name: str, what: dict[str, Any]) -> None:
        try:
            getattr(self, name)(**what)
        except asyncio.CancelledError as error:
            raise Violation("a call was cancelled, and nobody had asked for that") from error
        self._check_tasks()
        if len(self.trace) % WHOLE_EVERY == 0:
            self.check_whole()

    def _check_tasks(self) -> None:
        if self.world.failures:
            context = self.world.failures.pop()
            raise Violation(f"a task failed: {context}") from context.get("exception")

    def finish(self) -> None:
        """Compare everything a last time and let go of the board."""
        try:
            self.check_whole()
        except Exception as error:
            error.add_note(self._save(error))
            raise
        finally:
            self.leave()

    def leave(self) -> None:
        """Close the clients."""
        for board in self.boards:
            self.world.run(board.close())
        self.world.run(_turns())  # for what was cancelled to end
        self.world.failures.clear()

    def check_whole(self) -> None:
        """Server and replicas hold the board of the model."""
        check_whole(self.raw, self.keys, self.model)
        for number in FOLLOWERS:
            replica = self.world.run(self.caught_up(number))
            check_shown(replica.records(), self.model.records, f"the replica of {AUTHORS[number]}")
            if replica.revision != self.model.revision:
                raise Violation(f"the replica of {AUTHORS[number]} shows {replica.revision}, not {self.model.head()}")

    async def caught_up(self, number: int) -> Any:
        """The replica of a client, at the revision of the model."""
        replica = await self.boards[number].replica()
        async with asyncio.timeout(20):
            await replica.caught_up(self.model.revision)
        return replica

    # -- accounting -------------------------------------------------------------------------

    def news(self) -> list[Entry]:
        """What the log tells that the model does not know yet."""
        return entries_after(self.raw, self.keys, self.model.log[-1].commit if self.model.log else "")

    def account(
        self, happened: Sequence[Call | Rise], news: Sequence[Entry] | None = None, used: set[str] | None = None
    ) -> None:
        """Let the model go where the server went, with ``happened`` in some order; raises :class:`Violation`."""
        entries = self.news() if news is None else news
        self.model, judged = explained(self.model, happened, entries, used)
        check_keys(self.raw, self.keys, self.model, sorted({c.key for entry in entries for c in entry.changes}))
        self._count(judged, entries)

    def count(self, what: str, times: int = 1) -> None:
        """Note that ``what`` happened."""
        self.world.seen[what] += times

    def _count(self, judged: Sequence[Judged], entries: Sequence[Entry]) -> None:
        for asked, outcome in judged:
            if isinstance(outcome, Committed):
                self._count_done(outcome, chained=any(isinstance(guard, Previous) for guard in asked.guards))
            elif isinstance(outcome, Mismatch):
                self.count("once: another payload")
            else:
                for failed in outcome.failures:
                    self.count(f"refused: {type(failed.guard).__name__}")
                if len(outcome.failures) > 1:
                    self.count("refused: several guards")
        for entry in entries:
            for change in entry.changes:
                self.count(f"logged: {change.operation}")

    def _count_done(self, done: Committed, *, chained: bool) -> None:
        if done.repeated:
            self.count("once: the first result" if done.revision else "once: the first result, that nothing changed")
        elif not done.revision:
            self.count("done: nothing changed")
        else:
            self.count("done")
        if chained and not done.repeated:
            self.count("done: after the one before")
        if done.revision and not done.repeated and not all(written.changed for written in done.writes):
            self.count("done: partly changed")

    # -- saving -----------------------------------------------------------------------------

    def _save(self, error: Exception) -> str:
        """Write the steps and what the server holds; returns where, and what takes the steps again."""
        if self.world.saved is None:
            base = os.environ.get("BLACKBOARD_SAVED")
            if base:
                Path(base).mkdir(parents=True, exist_ok=True)
            self.world.saved = Path(tempfile.mkdtemp(prefix="model-", dir=base or None))
        path = self.world.saved / "scene.json"
        kind = "memory" if self.world.server is None else "server"
        entries = entries_after(self.raw, self.keys, "")
        told = {"kind": kind, "error": str(error), "steps": self.trace, "log": [repr(entry) for entry in entries]}
        path.write_text(json.dumps(told, indent=1, ensure_ascii=False), encoding="utf-8")
        return f"saved after step {len(self.trace)}; take it again with: python -m tests.model.again {path}"
