"""``python -m benchmarks``: floor, chain, hops and commits in one run, interleaved, each on an empty server."""

from __future__ import annotations

import argparse
import asyncio
import cProfile
import gc
import json
import pstats
from typing import TYPE_CHECKING

from benchmarks.chain import run_chain
from benchmarks.commits import run_commits
from benchmarks.floor import run_floor
from benchmarks.hop import run_bare_hops, run_hops
from benchmarks.server import private_server
from benchmarks.table import Measure, machine, percentile, table
from blackboard.server_binary import find_server

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine
    from typing import Any, TypeVar

    from benchmarks.chain import ChainRun
    from benchmarks.floor import FloorRun
    from benchmarks.server import PrivateServer
    from blackboard.server_binary import ServerBinary

    T = TypeVar("T")


class Figures:
    """The measures, in the order in which they were first noted."""

    def __init__(self) -> None:
        self._measures: dict[str, Measure] = {}

    def note(self, name: str, unit: str, value: float) -> None:
        """One round's figure."""
        self._measures.setdefault(name, Measure(name, unit, [])).values.append(value)

    def __call__(self) -> list[Measure]:
        return list(self._measures.values())


def measured(binary: ServerBinary, work: Callable[[PrivateServer], Coroutine[Any, Any, T]]) -> T:
    """What ``work`` gives on a server of its own, begun with the memory of the measurement before collected."""
    gc.collect()
    with private_server(binary) as server:
        return asyncio.run(work(server))


def one_round(binary: ServerBinary, options: argparse.Namespace, figures: Figures) -> None:
    """Every measurement once; what is compared stands side by side."""
    chain = measured(binary, lambda server: run_chain(server, options.items, options.max_running))
    floor = measured(binary, lambda server: run_floor(server, chain.recording, chain.server.calls))
    _note_throughput(figures, chain, floor)

    hops = measured(binary, lambda server: run_hops(server, options.hop_items))
    bare = measured(binary, lambda server: run_bare_hops(server, hops.recording))
    for name, values in (("hop", hops.hops_us), ("floor of the hop", bare)):
        figures.note(f"{name}, p50", "µs", percentile(values, 0.5))
        figures.note(f"{name}, p99", "µs", percentile(values, 0.99))

    commits = measured(binary, lambda server: run_commits(server, options.commits))
    figures.note("commits one at a time, Board.create", "commits/s", commits.one_at_a_time)
    figures.note("commits grouped, Board.create", "commits/s", commits.grouped)
    figures.note("commits grouped, Store.submit", "commits/s", commits.grouped_bare)


def _note_throughput(figures: Figures, chain: ChainRun, floor: FloorRun) -> None:
    assert floor.activations == chain.activations
    assert floor.server.calls == chain.server.calls
    count = chain.activations
    figures.note("floor", "activations/s", count / floor.seconds)
    figures.note("chain", "activations/s", count / chain.seconds)
    figures.note("chain / floor", "%", 100 * floor.seconds / chain.seconds)
    figures.note("commits in a call", "commits", 2 * count / chain.server.calls)
    figures.note("chain: processor of the process", "µs an activation", chain.cpu_s / count * 1e6)
    for name, server in (("chain", chain.server), ("floor", floor.server)):
        figures.note(f"{name}: processor of the server", "µs an activation", server.cpu_s / count * 1e6)
        figures.note(f"{name}: in the script", "µs an activation", server.script_us / count)
        figures.note(f"{name}: sent to the server", "bytes an activation", server.received / count)


def print_profile(binary: ServerBinary, options: argparse.Namespace) -> None:
    """Where the chain's time goes: the functions that take the most themselves, times inflated by the profiler."""
    profile = cProfile.Profile()
    measured(binary, lambda server: run_chain(server, options.items, options.max_running, profile))
    pstats.Stats(profile).sort_stats("tottime").print_stats(40)


def parsed() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--rounds", type=_positive, default=5, help="how often everything is measured (default: 5)")
    parser.add_argument("--items", type=_positive, default=1000, help="items through the chain (default: 1000)")
    parser.add_argument("--hop-items", type=_positive, default=100, help="items one at a time (default: 100)")
    parser.add_argument("--commits", type=_positive, default=5000, help="commits made at once (default: 5000)")
    parser.add_argument("--max-running", type=_positive, default=64, help="activations side by side (default: 64)")
    parser.add_argument("--json", action="store_true", help="print one JSON document instead of the table")
    parser.add_argument("--profile", action="store_true", help="print the chain's profile instead of measuring")
    return parser.parse_args()


def _positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise ValueError(text)
    return number


def main() -> None:
    """Measure, and print what was found."""
    options = parsed()
    binary = find_server()
    if options.profile:
        print_profile(binary, options)
        return
    facts = machine(str(binary.version))
    figures = Figures()
    # The first run of anything pays for imports, caches and a cold processor.
    one_round(binary, argparse.Namespace(**{**vars(options), "items": 100, "hop_items": 10, "commits": 500}), Figures())
    for _ in range(options.rounds):
        one_round(binary, options, figures)
    settings = {name: getattr(options, name) for name in ("rounds", "items", "hop_items", "commits", "max_running")}
    if options.json:
        measures = [measure.document() for measure in figures()]
        print(json.dumps({"machine": facts, "settings": settings, "measures": measures}, ensure_ascii=False, indent=2))
        return
    print(", ".join(f"{name} {value}" for name, value in facts.items()))
    print(", ".join(f"{name} {value}" for name, value in settings.items()))
    print()
    print(table(figures()))


if __name__ == "__main__":
    main()
