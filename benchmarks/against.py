"""``python -m benchmarks.against DIR``: the chain of this checkout beside that of another one, in turn on one machine.

DIR is a checkout of another version, such as one that ``git worktree add`` makes.  Each run is a process of its own on
a server of its own; the quotient is taken pair by pair, because both runs of a pair met the same machine.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
from pathlib import Path
from typing import Final

from benchmarks.table import Measure, machine, table
from blackboard.server_binary import find_server

HERE: Final = Path(__file__).resolve().parent.parent

CHAIN: Final = """
import sys
from benchmarks.__main__ import measured
from benchmarks.chain import run_chain
from blackboard.server_binary import find_server

binary, items, runs = find_server(), int(sys.argv[1]), int(sys.argv[2])
measured(binary, lambda server: run_chain(server, min(items, 100), 64))
found = [measured(binary, lambda server: run_chain(server, items, 64)) for _ in range(runs)]
print(max(run.activations / run.seconds for run in found), min(run.cpu_s / run.activations for run in found))
"""
"""What both versions understand.  The first run pays for imports and caches.  The best of some counts: others on the
machine only ever add to what a run takes."""


def chain_of(checkout: Path, items: int, runs: int) -> tuple[float, float]:
    """Activations per second, and microseconds of the process for each, of the chain as ``checkout`` has it."""
    environment = {**os.environ, "PYTHONPATH": str(checkout)}
    command = [sys.executable, "-c", CHAIN, str(items), str(runs)]
    done = subprocess.run(command, cwd=checkout, env=environment, stdout=subprocess.PIPE, text=True, check=True)  # noqa: S603  # our own code
    rate, cpu_s = map(float, done.stdout.split())
    return rate, cpu_s * 1e6


def main() -> None:
    """Measure both in turn, and print the quotient."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.against", description=__doc__)
    parser.add_argument("checkout", type=Path, help="the folder of the other version")
    parser.add_argument("--rounds", type=int, default=7, help="pairs of processes (default: 7)")
    parser.add_argument(
        "--runs", type=int, default=3, help="runs of each process, of which the best counts (default: 3)"
    )
    parser.add_argument("--items", type=int, default=1000, help="items through the chain (default: 1000)")
    options = parser.parse_args()
    other = options.checkout.resolve()
    names = ("chain", f"chain of {other.name}", "quotient")
    rates = [Measure(name, unit, []) for name, unit in zip(names, ("activations/s", "activations/s", "%"), strict=True)]
    times = [Measure(f"{name}, processor", unit, []) for name, unit in zip(names, ("µs", "µs", "%"), strict=True)]
    for turn in range(options.rounds):
        order = (HERE, other) if turn % 2 else (other, HERE)
        found = {checkout: chain_of(checkout, options.items, options.runs) for checkout in order}
        for which, measures in enumerate((rates, times)):
            own, others = found[HERE][which], found[other][which]
            for measure, value in zip(measures, (own, others, 100 * own / others), strict=True):
                measure.values.append(value)
    print(", ".join(f"{name} {value}" for name, value in machine(str(find_server().version)).items()))
    print()
    print(table([*rates, *times]))


if __name__ == "__main__":
    main()
