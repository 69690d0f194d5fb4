"""``python -m benchmarks.matching``: what one change costs the matcher, beside agents and records that it cannot match.

No server and no agent's call: changes are told to the matcher one after the other, and what it finds is thrown away.
"""

from __future__ import annotations

import argparse
import gc
import time
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from benchmarks.durable_rules import beside_durable_rules
from benchmarks.table import Measure, table
from blackboard import codec
from blackboard.log import Change
from blackboard.record import Record, Stamp
from blackboard.state import State, replay
from controller.matching import Match, Matcher
from knowledge_sources.collect import Collect
from knowledge_sources.decorators import knowledge_source
from knowledge_sources.source import source_of

if TYPE_CHECKING:
    from collections.abc import Iterable

    from knowledge_sources.source import KnowledgeSource

AGENTS = (10, 100, 1_000, 10_000)
RECORDS = (1_000, 10_000, 100_000, 1_000_000)
CHANGES = 2_000
KINDS = {
    "another value of a field": 'order/{{order}} where kind == "k{}"',
    "another bound": "order/{{order}} where amount > 1000{}",
    "another key": "order/{{order}}/part-{}",
    "another region": "r{}/{{order}}",
}
COLLECTED = "a collect of another value"
KEY = "order/{turn}-{number}"


class Board(State):
    """A board in memory."""

    @property
    def commit(self) -> str:
        return f"1-{self.revision}"


class Silent:
    """Whom the matcher tells, and who does nothing."""

    def __init__(self) -> None:
        self.matches = 0

    def matched(self, match: Match) -> None:
        self.matches += 1

    def unmatched(self, match: Match, change: Change) -> None:
        raise AssertionError("nothing here is taken back")

    def moved(self, match: Match) -> None:
        raise AssertionError("nothing here waits")

    def keeps(self, activation: str) -> bool:
        return False

    def misjudged(self, source: KnowledgeSource, error: BaseException) -> None:
        raise AssertionError(f"{source.name}: {error}")


def agent(name: str, watches: dict[str, str | Collect]) -> KnowledgeSource:
    @knowledge_source(watches=watches, name=name)
    async def run() -> None:
        """Never run."""

    source = source_of(run)
    assert source is not None
    return source


def written(state: State, key: str, value: Any) -> Change:
    """The change that puts ``value`` at ``key``, made on ``state``."""
    state.revision += 1
    packed, _ = codec.pack_record(Stamp(), "", 0, codec.pack_value(value))
    record: Record[Any] = Record(key, f"1-{state.revision}", state.revision, 1, 1, packed)
    change = Change(key, "put", record.commit, record.revision, 1, "", record, "")
    replay(state.regions, change)
    return change


def us_a_change(
    agents: Iterable[KnowledgeSource], records: Iterable[tuple[str, Any]], expected: int, *, key: str = KEY
) -> float:
    """Microseconds that one change of ``order/…`` costs, the least of five times; ``expected`` matches must come."""
    state, listener = Board({}, 0), Silent()
    matcher = Matcher(state, listener)
    for each in agents:
        matcher.enter(each)
    for there, said in records:
        matcher.changed(written(state, there, said))
    listener.matches, best = 0, float("inf")
    for turn in range(5):
        value = {"kind": "mine", "amount": 5, "text": "x" * 50}
        changes = [written(state, key.format(turn=turn, number=number), value) for number in range(CHANGES)]
        gc.collect()
        begun = time.perf_counter()
        for change in changes:
            matcher.changed(change)
        best = min(best, time.perf_counter() - begun)
    assert listener.matches == expected, (listener.matches, expected)
    return best / CHANGES * 1e6


def beside_agents(kind: str, count: int) -> float:
    """Two agents that watch the change, one of them joining a second record, beside ``count`` that cannot match."""
    team = [agent(f"other-{number}", {"item": _other(kind, number)}) for number in range(count)]
    team += [agent("mine", {"item": 'order/{order} where kind == "mine"'})]
    team += [agent("pair", {"item": "order/{order} where amount < 10", "label": "label/{order}"})]
    return us_a_change(team, [], 5 * CHANGES)


def _other(kind: str, number: int) -> str | Collect:
    """What an agent watches that no change here can match."""
    if kind == COLLECTED:
        return Collect(f'order/{{order}} where kind == "k{number}"', at_least=2)
    return KINDS[kind].format(number)


def beside_members(groups: int, members: int) -> float:
    """An agent that collects two of each order, among ``groups`` others of ``members`` each, none of them enough."""
    least = max(2, members + 1)
    team = [agent("quorum", {"votes": Collect("order/{order}/*", at_least=least)})]
    votes = ((f"order/{number}/{member}", 1) for number in range(groups) for member in range(members))
    return us_a_change(team, votes, 0, key="order/new-{turn}-{number}/a")


def into_group(members: int) -> float:
    """One that collects once two are there: one more member of a group that has ``members``."""
    team = [agent("quorum", {"votes": Collect("order/{order}/*", at_least=2)})]
    votes = ((f"order/one/{member}", 1) for member in range(members))
    return us_a_change(team, votes, 0, key="order/one/{turn}-{number}")


def beside_records(count: int) -> float:
    """An agent that joins each order with the labels of one depot, among ``count`` labels of others."""
    team = [agent("pair", {"item": "order/{order}", "label": "label/{order}/{depot}"})]
    labels = ((f"label/other-{number}/d", number) for number in range(count))
    return us_a_change(team, (*labels, *((f"label/0-{number}/d", 1) for number in range(CHANGES))), CHANGES)


def main() -> None:
    """Measure, and print what was found, with the quotient of the largest and the smallest."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.matching", description=__doc__)
    parser.add_argument("--rounds", type=int, default=3, help="how often everything is measured (default: 3)")
    parser.add_argument("--records", type=int, default=RECORDS[-1], help="records at most (default: 1,000,000)")
    options = parser.parse_args()
    measures: dict[str, Measure] = {}

    def note(name: str, unit: str, value: float) -> None:
        measures.setdefault(name, Measure(name, unit, [])).values.append(value)

    for turn in range(options.rounds):
        for kind in (*KINDS, COLLECTED):
            costs = [beside_agents(kind, count) for count in AGENTS]
            for count, cost in zip(AGENTS, costs, strict=True):
                note(f"{kind}: {count:,} agents", "µs a change", cost)
            note(f"{kind}: 10,000 / 10 agents", "times", costs[-1] / costs[0])
        sizes = [size for size in RECORDS if size <= options.records]
        costs = [beside_records(count) for count in sizes]
        for count, cost in zip(sizes, costs, strict=True):
            note(f"a join: {count:,} records", "µs a change", cost)
        for (_, first), (size, second) in pairwise(zip(sizes, costs, strict=True)):
            note(f"a join: {size:,} / a tenth", "times", second / first)
        for name, measure in {
            "a collect among": lambda size: beside_members(size // 10, 10),
            "into a group of": into_group,
        }.items():
            costs = [measure(size) for size in sizes]
            for size, cost in zip(sizes, costs, strict=True):
                note(f"{name} {size:,} members", "µs a change", cost)
            note(f"{name} {sizes[-1]:,} / {sizes[0]:,}", "times", costs[-1] / costs[0])
        for name, unit, value in beside_durable_rules(lambda: Board({}, 0), written, turn):
            note(name, unit, value)
    print(table(list(measures.values())))


if __name__ == "__main__":
    main()
