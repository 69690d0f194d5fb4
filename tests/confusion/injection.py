"""Injects failures of known classes on one board and reads from its records which classes the runtime saw."""

from __future__ import annotations

import asyncio
import random
import sys
from collections import Counter
from typing import TYPE_CHECKING, NamedTuple, get_args

from blackboard.control_records import ACTIVATIONS, FailureClass
from controller.budgets import Limit, Limits
from controller.stalling import StallLimits
from tests.confusion.agents import AGENTS, THREADS_MAY_END, dead_agents, names_of
from tests.leading import declared, leading
from tests.waiting import eventually

if TYPE_CHECKING:
    from blackboard.board import Board
    from blackboard.control_records import Activation
    from knowledge_sources.source import KnowledgeSource

CLASSES: tuple[FailureClass, ...] = get_args(FailureClass)
DIE = 20
"""activations that run in a process when it is killed"""
ROUNDS = 4
"""firings on the same keys before one that goes round counts as stalled"""
PATIENCE_S = 120.0


class Confusion(NamedTuple):
    """How often a failure of one class (the first) was taken for another (the second)."""

    counts: Counter[tuple[str, str]]
    of: Counter[str]
    """injected, by class"""

    def as_text(self) -> str:
        """A table: a row for each class injected, a column for each seen."""
        seen = [*CLASSES, *sorted({got for _, got in self.counts} - set(CLASSES))]
        rows = ["injected        seen as  " + "  ".join(seen)]
        for name in CLASSES:
            cells = (f"{self.counts[name, got] or '·':>{len(got)}}" for got in seen)
            rows.append(f"{name:<12} {self.of[name]:>4}           ".ljust(25) + "  ".join(cells))
        right = sum(self.counts[name, name] for name in CLASSES)
        rows.append(f"{self.of.total():,} injected, {right:,} seen as what they were")
        return "\n".join(rows)


async def inject(board: Board, url: str, number: int, seed: int) -> Confusion:
    """Inject ``number`` failures, as many of each class, and see what they are taken for."""
    team = declared(*(agent for make in AGENTS.values() for agent in make()))
    THREADS_MAY_END.clear()
    wanted = _planned(team, number, random.Random(seed))  # a seeded test
    dying = [key for key, failure in wanted.items() if failure == "dead"]
    for at in range(0, len(dying), DIE):
        await _kill_a_worker_with(board, url, dying[at : at + DIE])
    for key in wanted:
        if wanted[key] != "dead":
            await board.create(key, {"n": 1})
    limits = Limits(case=Limit(cost=1.0))
    stall = StallLimits(repeats=ROUNDS, toggles=None, firings=None)
    async with leading(board, *team, limits=limits, stall=stall, max_running=64) as controller:
        async with asyncio.timeout(PATIENCE_S):
            await controller.run_until_quiescent()
    THREADS_MAY_END.set()
    seen = await _seen(board)
    return Confusion(
        Counter((failure, seen.get(key, "none")) for key, failure in wanted.items()), Counter(wanted.values())
    )


def _planned(team: list[KnowledgeSource], number: int, chance: random.Random) -> dict[str, FailureClass]:
    """The records to feed, each with the class of failure that it brings about."""
    planned: dict[str, FailureClass] = {}
    for n in range(number):
        failure = CLASSES[n % len(CLASSES)]
        names = names_of(failure, team)
        planned[f"{chance.choice(names)}/{n}"] = failure
    return planned


async def _kill_a_worker_with(board: Board, url: str, keys: list[str]) -> None:
    """Let another process lead the board until it runs what ``keys`` set off, and kill it."""
    for key in keys:
        await board.create(key, {"n": 1})
    child = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.confusion.dying", url, board.name, stdout=asyncio.subprocess.DEVNULL
    )
    replica = await board.replica()

    def running() -> bool:
        found = [r.value for r in replica.region("control").values() if r.key.startswith(ACTIVATIONS)]
        return [one["state"] for one in found].count("running") == len(keys)

    try:
        await eventually(running, f"{len(keys)} activations run in the other process", PATIENCE_S)
    finally:
        child.kill()
        await child.wait()
    # What it ran is buried by the next that leads.
    async with leading(board, *declared(*dead_agents(dying=False)), max_running=64) as controller:
        async with asyncio.timeout(PATIENCE_S):
            await controller.run_until_quiescent()


async def _seen(board: Board) -> dict[str, str]:
    """Record fed → the class of the failure that followed from it."""
    seen: dict[str, str] = {}
    for record in await board.find(ACTIVATIONS + "*"):
        activation: Activation = record.value
        attempts = activation.get("attempts", [])
        failure = attempts[0]["failure"] if attempts else activation.get("failure")
        if failure:
            seen[activation["case"]] = failure
    return seen
