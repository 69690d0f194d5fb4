"""Steps in which the server, the connections or the clients end."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from tests.model.committing import Commits, call_of, gathered
from tests.model.explaining import Call, Rise
from tests.model.reading import onces_of

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Sequence

    from tests.model.choices import CommitChoice


class Breaks(Commits):
    """What goes wrong with commits on the way."""

    def flush_scripts(self, by: int, commits: Sequence[CommitChoice]) -> None:
        """The server forgets its scripts, and is asked to run one."""
        self.raw.script_flush()
        self.burst(by, commits)
        self.count("scripts forgotten")

    def another_server(self, by: int) -> None:
        """The board comes to another server, which one client finds out by opening it anew."""
        self.raw.hset(self.keys.meta, "run_id", "elsewhere")
        self.world.run(self.boards[by].close())
        self.boards[by] = self.world.run(self._opened(by))
        self.account([Rise()])
        self.count("epoch raised")

    def die(self, by: int, commits: Sequence[CommitChoice], turns: int) -> None:
        """A client ends with commits on the way, applied all or none, and a new one takes its place."""
        asked = self.asking(by, commits)
        self.world.run(self._dies(by, self.sent(by, asked), turns))
        self.boards[by] = self.world.run(self._opened(by))
        lost = Call(tuple(each.asked for each in asked), (None,) * len(asked), may_be_lost=True)
        before = self.model.revision
        self.account([lost] if asked else [], used=onces_of(self.raw, self.keys))
        self.count("died: applied" if self.model.revision > before else "died")

    def cut(self, by: int, commits: Sequence[CommitChoice], turns: int) -> None:
        """Every connection breaks with commits on the way; they are sent again and applied once."""
        asked = self.asking(by, commits)
        results = self.world.run(self._across(self.sent(by, asked), turns, self._kill_connections))
        self.account([call_of(asked, results)] if asked else [])

    def restart(self, by: int, commits: Sequence[CommitChoice], turns: int) -> None:
        """The server is killed with commits on the way and starts again: an epoch later, nothing lost."""
        asked = self.asking(by, commits)
        results = self.world.run(self._across(self.sent(by, asked), turns, self._kill_server))
        self.world.run(gathered([board.revision() for board in self.boards]))
        self.account([*([call_of(asked, results)] if asked else []), Rise()])
        self.count("epoch raised")

    # -- inside -----------------------------------------------------------------------------

    async def _dies(self, by: int, sent: Sequence[Coroutine[Any, Any, Any]], turns: int) -> None:
        tasks = [asyncio.ensure_future(each) for each in sent]
        for _ in range(turns):
            await asyncio.sleep(0)
        board = self.boards[by]
        board.store._over = True  # so that closing waits for no answers, as a process that is killed would not
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await board.close()

    async def _across(
        self, sent: Sequence[Coroutine[Any, Any, Any]], turns: int, fault: Callable[[], None]
    ) -> list[Any]:
        """The results of ``sent``, with ``fault`` some turns of the loop after they were."""
        tasks = [asyncio.ensure_future(each) for each in sent]
        for _ in range(turns):
            await asyncio.sleep(0)
        fault()
        async with asyncio.timeout(30):
            return await asyncio.gather(*tasks, return_exceptions=True)

    def _kill_connections(self) -> None:
        self.raw.client_kill_filter(_type="normal", skipme=True)

    def _kill_server(self) -> None:
        assert self.world.server is not None
        self.world.server.kill()
        self.world.server.start()
        self.raw.connection_pool.disconnect()
