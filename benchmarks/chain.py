"""The chain: items through five agents that do nothing, led by the real controller, every hop durable."""

from __future__ import annotations

import asyncio
import time
from time import perf_counter
from typing import TYPE_CHECKING, NamedTuple

from benchmarks.recording import record
from benchmarks.team import BOARD, FIRST, LAST, STAGES, agents, value_of
from blackboard.board import Board
from controller.controller import Controller
from controller.settings import Settings

if TYPE_CHECKING:
    from cProfile import Profile

    from benchmarks.recording import Recording
    from benchmarks.server import Counters, PrivateServer


class ChainRun(NamedTuple):
    """One run: the time from the first pick to quiescence, the feeding not in it."""

    seconds: float
    cpu_s: float
    """processor time of this process alone"""
    activations: int
    server: Counters
    recording: Recording


async def run_chain(server: PrivateServer, items: int, max_running: int, profile: Profile | None = None) -> ChainRun:
    """Feed ``items``, then let ``max_running`` activations at a time carry them through all stages."""
    async with await Board.open(server.url, BOARD) as board:
        controller = await Controller.start(board, agents(), Settings(max_running=max_running))
        await asyncio.gather(*(board.create(f"{FIRST}/{item}", value_of(item)) for item in range(items)))
        before = server.counters()
        started, cpu_started = perf_counter(), time.process_time()
        if profile is not None:
            profile.enable()
        end = await controller.run_until_quiescent()
        if profile is not None:
            profile.disable()
        seconds, cpu_s = perf_counter() - started, time.process_time() - cpu_started
        done = server.counters().since(before)
        recording = await record(board, controller.desk.leadership.guard)
        replica = await board.replica()
        assert end.status == "finished", end
        assert len(replica.region(LAST)) == items, "not every item came through"
        kinds = [sent.kind for sent in recording.work]
        assert kinds.count("dispatch") == kinds.count("contribution") == items * STAGES, (
            "not one dispatch per contribution"
        )
        assert len(kinds) == 2 * items * STAGES, "something else was committed too"
        await controller.close()
    return ChainRun(seconds, cpu_s, items * STAGES, done, recording)
