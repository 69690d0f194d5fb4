"""The matcher beside durable_rules, a Rete engine in C with Python bindings: the same rules on the same facts.

Both are told one fact after the other and fire what it completes; how often they do is asserted to be the same.
durable_rules takes each fact as JSON and keeps it; here a change holds its record already, as the replica does.
"""

from __future__ import annotations

import importlib
import time
from typing import TYPE_CHECKING, Any

from controller.matching import Match, Matcher
from knowledge_sources.decorators import knowledge_source
from knowledge_sources.source import KnowledgeSource, source_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from blackboard.log import Change
    from blackboard.state import State

RULES = 100
FACTS = 2_000
REPEATS = 5

Fact = dict[str, Any]


class Firing:
    """Fires each match at once, as a controller with room for all would, and counts."""

    def __init__(self) -> None:
        self.fired = 0
        self.matcher: Matcher | None = None

    def matched(self, match: Match) -> None:
        self.fired += 1
        assert self.matcher is not None
        self.matcher.drop(match.activation)

    def unmatched(self, match: Match, change: Change) -> None:
        raise AssertionError("what has fired is not taken back")

    def moved(self, match: Match) -> None:
        raise AssertionError("nothing here waits")

    def keeps(self, activation: str) -> bool:
        return False

    def misjudged(self, source: KnowledgeSource, error: BaseException) -> None:
        raise AssertionError(f"{source.name}: {error}")


def _one_of_many() -> list[Fact]:
    """Each fact satisfies one rule of :data:`RULES`."""
    return [{"id": n + 1, "o": f"o{n}", "kind": f"k{n % RULES}", "amount": 50} for n in range(FACTS)]


def _pairs() -> list[Fact]:
    """An order and its label, one after the other."""
    return [
        {"id": 2 * n + part + 1, "o": f"o{n}", "kind": kind, "amount": 50}
        for n in range(FACTS // 2)
        for part, kind in enumerate(("order", "label"))
    ]


def _declared(name: str, watches: Any) -> KnowledgeSource:
    @knowledge_source(watches, name=name)
    async def run() -> None:
        """Never run: the match is all that counts."""

    source = source_of(run)
    assert source is not None
    return source


def _ours(
    sources: Sequence[KnowledgeSource], facts: Sequence[Fact], written: Callable[..., Change], state: State
) -> tuple[float, int]:
    """Microseconds a fact, and how often something fired."""
    listener = Firing()
    matcher = listener.matcher = Matcher(state, listener)  # type: ignore[arg-type]  # a board in memory that tells its commit
    for source in sources:
        matcher.enter(source)
    changes = [(fact, f"{'label' if fact['kind'] == 'label' else 'order'}/{fact['o']}") for fact in facts]
    took = 0.0
    for fact, key in changes:
        change = written(state, key, fact)
        begun = time.perf_counter()
        matcher.changed(change)
        took += time.perf_counter() - begun
    return took / len(facts) * 1e6, listener.fired


def _theirs(lang: Any, name: str, facts: Sequence[Fact]) -> tuple[float, int]:
    fired = [0]

    def count(_: Any) -> None:
        fired[0] += 1

    with lang.ruleset(name):
        if name.startswith("pairs"):
            order, label = lang.c.order << (lang.m.kind == "order"), lang.c.label
            lang.when_all(order, label << (lang.m.kind == "label") & (lang.m.o == lang.c.order.o))(count)
        else:
            for rule in range(RULES):
                lang.when_all((lang.m.kind == f"k{rule}") & (lang.m.amount > 10))(count)
    lang.assert_fact(name, {**facts[0], "o": "first"})  # the rules are compiled at the first fact
    fired[0] = 0
    begun = time.perf_counter()
    for fact in facts:
        lang.assert_fact(name, {**fact, "id": fact["id"] + 1_000_000})
    return (time.perf_counter() - begun) / len(facts) * 1e6, fired[0]


def beside_durable_rules(
    board: Callable[[], State], written: Callable[..., Change], turn: int
) -> Iterator[tuple[str, str, float]]:
    """Name, unit and figure of each measure; nothing where durable_rules is not installed (the extra ``bench``)."""
    try:
        lang: Any = importlib.import_module("durable.lang")
    except ImportError:
        return
    many = [_declared(f"rule-{n}", {"item": f'order/{{o}} where kind == "k{n}" && amount > 10'}) for n in range(RULES)]
    pair = [_declared("pair", {"order": 'order/{o} where kind == "order"', "label": 'label/{o} where kind == "label"'})]
    for what, sources, facts in (("one of 100 rules", many, _one_of_many()), ("pairs joined", pair, _pairs())):
        name = f"{'pairs' if sources is pair else 'many'}-{turn}"
        best, fired = [float("inf")] * 2, set()
        for again in range(REPEATS):  # in turn, since others on the machine only ever add to what one takes
            both = _ours(sources, facts, written, board()), _theirs(lang, f"{name}-{again}", facts)
            best = [min(before, took) for before, (took, _) in zip(best, both, strict=True)]
            fired |= {count for _, count in both}
        assert len(fired) == 1, (what, fired)
        ours, theirs = best
        yield f"{what}: here", "µs a fact", ours
        yield f"{what}: durable_rules", "µs a fact", theirs
        yield f"{what}: durable_rules / here", "times", theirs / ours
