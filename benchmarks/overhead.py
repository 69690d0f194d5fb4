"""``python -m benchmarks.overhead``: what the runtime takes of agents that work for seconds, hundreds of them at once.

The figure is the run's own, as ``blackboard report`` shows it: the seconds that matching, choosing, commits, checks and
records took, as a share of the seconds that the agents worked.  Everything that control has is switched on
(``benchmarks/everything/scenario.yaml``).
"""

from __future__ import annotations

import argparse
import json
import tempfile
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Final

from benchmarks.__main__ import measured
from benchmarks.table import Measure, machine, table
from blackboard.connect import connect
from blackboard.server_binary import find_server
from scenarios.commands.run_screen import Silent
from scenarios.runner import Options, run_scenario

if TYPE_CHECKING:
    from benchmarks.server import PrivateServer
    from blackboard.control_records import Run

SCENARIO: Final = Path(__file__).parent / "everything" / "scenario.yaml"
CUSTOMERS: Final = 20


async def run_once(server: PrivateServer, agents: int, seconds: float) -> Run:
    """What the run says of itself, ``agents`` calls of ``seconds`` at once."""
    with tempfile.NamedTemporaryFile("w", suffix=".jsonl") as jobs:
        for number in range(agents):
            line = {"customer": f"c{number % CUSTOMERS}", "job": f"j{number}", "amount": number}
            jobs.write(json.dumps(line) + "\n")
        jobs.flush()
        backend = await connect(server.url)
        try:
            options = Options((f"agents.work.with.seconds={seconds}",), Path(jobs.name))
            finished = await run_scenario(backend, str(SCENARIO), options, Silent())
        finally:
            await backend.aclose()
    assert finished.status == "finished", finished
    run = finished.evidence.run
    assert run is not None
    return run


def main() -> None:
    """Measure, and print the split."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.overhead", description=__doc__)
    parser.add_argument("--agents", type=int, nargs="*", default=[200, 1000], help="calls at once (default: 200 1000)")
    parser.add_argument("--seconds", type=float, default=3.0, help="what one call takes (default: 3)")
    parser.add_argument("--rounds", type=int, default=3, help="how often (default: 3)")
    options = parser.parse_args()
    binary = find_server()
    print(", ".join(f"{name} {value}" for name, value in machine(str(binary.version)).items()))
    for agents in options.agents:
        measures: dict[str, Measure] = {}
        for _ in range(options.rounds):
            run = measured(binary, partial(run_once, agents=agents, seconds=options.seconds))
            shares = {name: 100 * phase["share"] for name, phase in run.get("overhead", {}).items()}
            for name, share in {**shares, "together": sum(shares.values())}.items():
                measures.setdefault(name, Measure(f"{agents} at once: {name}", "%", [])).values.append(share)
            took = Measure(f"{agents} at once: whole run", "s", [])
            took_s = (run.get("ended_ms", 0) - run["started_ms"]) / 1000
            measures.setdefault("whole run", took).values.append(took_s)
        print()
        print(table(list(measures.values())))


if __name__ == "__main__":
    main()
