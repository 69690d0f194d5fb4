"""The hop alone: one item at a time, from the commit of a trigger to the commit of the contribution it led to."""

from __future__ import annotations

import asyncio
from time import perf_counter
from typing import TYPE_CHECKING, Any, NamedTuple

from benchmarks.floor import Player
from benchmarks.recording import record
from benchmarks.team import BOARD, FIRST, LAST, STAGES, agents, value_of
from blackboard.board import Board
from controller.controller import Controller

if TYPE_CHECKING:
    from benchmarks.recording import Recording
    from benchmarks.server import PrivateServer
    from blackboard.log import Change


class HopRun(NamedTuple):
    """The time of each hop in microseconds, in order."""

    hops_us: list[float]
    recording: Recording


class _Watch:
    """Notes when each stage's record of the present item appeared in this process."""

    def __init__(self) -> None:
        self.hops_us: list[float] = []
        self._last = 0.0
        self._through: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def expect(self) -> asyncio.Future[None]:
        """Done when the next item has come through."""
        self._through = asyncio.get_running_loop().create_future()
        return self._through

    def changed(self, change: Change) -> None:
        region = change.key.partition("/")[0]
        if region == "control":
            return
        now = perf_counter()
        if region != FIRST:
            self.hops_us.append((now - self._last) * 1e6)
        self._last = now
        if region == LAST:
            self._through.set_result(None)


async def run_hops(server: PrivateServer, items: int) -> HopRun:
    """The hops of ``items``, each fed when the one before has come through."""
    async with await Board.open(server.url, BOARD) as board:
        watch = _Watch()
        # Before the controller: what is noted is when a change is here, not when it was heeded.
        (await board.replica()).subscribe(watch.changed)
        controller = await Controller.start(board, agents())
        with controller.expecting():
            run = asyncio.create_task(controller.run_until_quiescent())
            for item in range(items):
                through = watch.expect()
                await board.create(f"{FIRST}/{item}", value_of(item))
                either: set[asyncio.Future[Any]] = {through, run}
                await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
                if run.done():
                    break
        end = await run
        assert end.status == "finished", end
        assert len(watch.hops_us) == items * STAGES, "not every item came through"
        recording = await record(board, controller.desk.leadership.guard)
        await controller.close()
    return HopRun(watch.hops_us, recording)


async def run_bare_hops(server: PrivateServer, recording: Recording) -> list[float]:
    """The recorded hops as two calls one after the other, of one commit each, by a client that does nothing else."""
    player = await Player.open(server, recording.epoch)
    calls = player.prepare(recording.commits, len(recording.commits))
    hops_us, dispatched = [], 0.0
    for sent, call in zip(recording.commits, calls, strict=True):
        started = perf_counter()
        await player.wire.play([call], in_flight=1)
        ended = perf_counter()
        if sent.kind == "dispatch":
            dispatched = started
        elif sent.kind == "contribution":
            hops_us.append((ended - dispatched) * 1e6)
    player.check(len(recording.commits))
    player.wire.close()
    return hops_us
