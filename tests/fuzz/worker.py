"""A process that throws inputs at one target until its time is over, or an input ends it."""

from __future__ import annotations

import json
import os
import random
import sys
import time
from typing import TYPE_CHECKING, Any, Final

from tests.fuzz.limits import Finding, bind_process, judge
from tests.fuzz.minimising import minimised
from tests.fuzz.mutation import Mutator

if TYPE_CHECKING:
    from pathlib import Path

    from tests.fuzz.target import Target

_LARGEST_KEPT: Final = 1 << 15
_MOST_KEPT: Final = 5_000
_MINIMISE_SECONDS: Final = 5.0


class Worker:
    """Keeps what had an outcome that was not seen before, and makes new inputs of that."""

    def __init__(self, target: Target, seed: str, current: Path) -> None:
        self.target = target
        self.chance = random.Random(seed)
        self.mutator = Mutator(self.chance, target.words)
        self.pool = list(dict.fromkeys(target.samples()))
        self.outcomes: set[str] = set()
        self.found: set[str] = set()
        self.inputs = 0
        self._current = os.open(current, os.O_RDWR | os.O_CREAT)

    def run(self, seconds: float) -> None:
        """Try the samples, then what is made of them.  Says on stdout, as JSON lines, what it finds and what it did."""
        deadline = time.monotonic() + seconds
        for data in tuple(self.pool):
            self.try_one(data)
        while time.monotonic() < deadline:
            self.try_one(self.new_input())
        say({"inputs": self.inputs, "outcomes": len(self.outcomes)})

    def new_input(self) -> bytes:
        chance = self.chance.random()
        if not self.pool or chance < 0.25:
            return self.target.fresh(self.chance)
        # Half of the time one of the newest, which lead somewhere that the older ones did not.
        newest = self.pool[-50:] if chance < 0.6 else self.pool
        data = self.target.fresh(self.chance) if chance > 0.9 else self.chance.choice(newest)
        return self.mutator.changed(data, self.chance.choice(self.pool))

    def try_one(self, data: bytes) -> None:
        self.inputs += 1
        self._note(data)
        told, finding = judge(self.target.take, data)
        if finding is not None:
            self._tell(data, finding)
        elif told not in self.outcomes:
            self.outcomes.add(told)
            if len(data) <= _LARGEST_KEPT and len(self.pool) < _MOST_KEPT:
                self.pool.append(data)

    def _note(self, data: bytes) -> None:
        """Leave the input where it is found if it ends this process."""
        os.ftruncate(self._current, 0)
        os.pwrite(self._current, data, 0)

    def _tell(self, data: bytes, finding: Finding) -> None:
        if finding.kind in self.found:
            return
        self.found.add(finding.kind)

        def still_fails(shorter: bytes) -> bool:
            again = judge(self.target.take, shorter)[1]
            return again is not None and again.kind == finding.kind

        shortest = minimised(data, still_fails, _MINIMISE_SECONDS)
        say({"kind": finding.kind, "report": finding.report, "input": shortest.hex()})


def say(told: dict[str, Any]) -> None:
    """One line of JSON on stdout, at once."""
    sys.stdout.write(json.dumps(told) + "\n")
    sys.stdout.flush()


def work(target: Target, seed: str, seconds: float, current: Path) -> None:
    """What a worker's process does."""
    worker = Worker(target, seed, current)
    bind_process()
    worker.run(seconds)
