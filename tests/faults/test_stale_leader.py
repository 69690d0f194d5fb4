"""A controller that does not know what everybody else knows: its guards keep it from the board, not its knowledge.

It is blinded by a proxy that loses what it asks the log's end for; its commits and reads pass.
"""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import pytest

from blackboard.board import Board
from blackboard.commit import Put
from blackboard.control_records import ACTIVATIONS, LEADER
from controller.errors import LostLeadership
from controller.leadership import LEASE_S, Leadership
from knowledge_sources import knowledge_source
from tests.consistency import check_consistent
from tests.hand_clock import Hand
from tests.leading import going_on, leading, states
from tests.proxy import Fate, Proxy
from tests.waiting import eventually

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from controller.controller import Controller
    from controller.run_end import RunEnd
    from tests.conftest import RedisServer


class Blinded:
    """A controller that runs the first of two items, one at a time, and from then on sees no change of others."""

    def __init__(self, proxy: Proxy) -> None:
        self.called: list[str] = []
        self.free = asyncio.Event()
        self._proxy = proxy

        @knowledge_source(watches={"item": "item/{i}"}, contributes="out/{i}")
        async def held(item: Any, i: str) -> Any:
            self.called.append(i)
            await self.free.wait()
            return item

        self.agent = held

    @asynccontextmanager
    async def leads(self, board: Board) -> AsyncIterator[tuple[Controller, asyncio.Task[RunEnd]]]:
        for n in (1, 2):
            await board.create(f"item/{n}", n)
        async with leading(board, self.agent, max_running=1) as controller, going_on(controller) as end:
            await eventually(lambda: self.called == ["1"] and controller.pending_count == 1, "one runs and one waits")
            self._proxy.fate = lambda request: Fate.LOST if b"XREAD" in request else Fate.PASSES
            losses = self._proxy.losses
            self._proxy.reset()
            await eventually(lambda: self._proxy.losses > losses, "it sees nothing any more")
            try:
                yield controller, end
            finally:
                self.see()

    def see(self) -> None:
        self._proxy.fate = lambda request: Fate.PASSES


async def refusals_of(controller: Controller, count: int) -> None:
    """Return once ``count`` commits of the controller's process were refused."""
    await eventually(lambda: controller.desk.store.refused >= count, f"{count} commits were refused")


async def test_a_leader_that_does_not_know_that_it_was_replaced_dispatches_nobody(
    redis_server: RedisServer, board: Board
) -> None:
    async with Proxy(redis_server.socket) as proxy, await Board.open(proxy.url, board.name) as far:
        blinded = Blinded(proxy)
        async with blinded.leads(far) as (controller, end):
            await board.put(LEADER, {"member": "elsewhere:1:another"})
            blinded.free.set()
            await refusals_of(controller, 1)
            assert await states(board) == ["executed"]
            blinded.see()
            with pytest.raises(LostLeadership):
                await end
        assert blinded.called == ["1"]
        assert await states(board) == ["executed"]
    with redis_server.client() as client:
        check_consistent(client, board.name)


async def test_a_leader_that_does_not_know_that_it_was_replaced_hands_nothing_back(
    redis_server: RedisServer, board: Board
) -> None:
    """What it ran is the next leader's to bury, who may have done so already."""
    async with Proxy(redis_server.socket) as proxy, await Board.open(proxy.url, board.name) as far:
        async with Blinded(proxy).leads(far) as (controller, _):
            await board.put(LEADER, {"member": "elsewhere:1:another"})
            await controller.close()
            assert controller.desk.store.refused
        assert await states(board) == ["running"]


async def test_an_activation_that_is_settled_already_is_not_dispatched_by_who_has_not_seen_that(
    redis_server: RedisServer, board: Board
) -> None:
    """Its agent is not called either, not even when the leader sees again."""
    async with Proxy(redis_server.socket) as proxy, await Board.open(proxy.url, board.name) as far:
        blinded = Blinded(proxy)
        async with blinded.leads(far) as (controller, end):
            (waiting,) = controller.agenda(10)
            (running,) = await board.find(ACTIVATIONS + "*")
            settled = {**running.value, "state": "vetoed", "captures": {"i": "2"}}
            await board.commit([], [Put(ACTIVATIONS + waiting.activation, settled)])
            blinded.free.set()
            await refusals_of(controller, 1)
            blinded.see()
            assert (await end).status == "finished"
        assert blinded.called == ["1"]
        assert await states(board) == ["executed", "vetoed"]


async def test_of_many_that_want_to_lead_at_once_one_leads(redis_url: str, board: Board) -> None:
    boards = [await Board.open(redis_url, board.name) for _ in range(12)]
    contenders = [Leadership(each, f"elsewhere:{n}:x") for n, each in enumerate(boards)]
    trying = [asyncio.create_task(contender.acquire()) for contender in contenders]
    try:
        await asyncio.wait(trying, timeout=LEASE_S / 3)
        leaders = [contender for contender in contenders if contender.commit]
        assert len(leaders) == 1
        record = await board.get(LEADER)
        assert record is not None
        assert (record.version, record.value["member"], record.commit) == (1, leaders[0].member, leaders[0].commit)
    finally:
        for task in trying:
            task.cancel()
        await asyncio.gather(*trying, return_exceptions=True)
        for contender, each in zip(contenders, boards, strict=True):
            await contender.release()
            await each.close()


class Watching(Hand):
    """The clock of who waits for a leader elsewhere: with each look it goes on, and the leader lives for some looks."""

    def __init__(self, server: RedisServer, alive: str, looks: int) -> None:
        super().__init__()
        self.last_sign_s = 0.0
        self._server = server
        self._alive = alive
        self._looks = looks

    async def sleep(self, seconds: float) -> None:
        if seconds > LEASE_S / 10:  # its own heartbeat, which is of no matter here
            await asyncio.Event().wait()
        self.ms += round(seconds * 1000)
        if self._looks:
            self._looks -= 1
            with self._server.client() as client:
                client.incr(self._alive)
            self.last_sign_s = self.monotonic()
        await asyncio.sleep(0)


async def test_a_leader_whose_counter_moves_keeps_the_lead_and_loses_it_one_lease_after_it_stands_still(
    redis_server: RedisServer, board: Board
) -> None:
    alive = board.store.keys.alive("elsewhere:1:x")
    await board.create(LEADER, {"member": "elsewhere:1:x"})
    clock = Watching(redis_server, alive, looks=100)
    async with await Board.open(redis_server.url, board.name, clock=clock) as other:
        leadership = Leadership(other, "elsewhere:2:y")
        async with asyncio.timeout(20):
            assert await leadership.acquire() == "elsewhere:1:x"
        assert clock.last_sign_s > Hand().monotonic() + 4 * LEASE_S
        waited_s = clock.monotonic() - clock.last_sign_s
        assert LEASE_S - 0.001 <= waited_s <= 1.2 * LEASE_S
        await leadership.release()
