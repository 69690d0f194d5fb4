"""Claims about the dependencies of a team: who can wake whom is known before anything runs."""

from __future__ import annotations

from itertools import product
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from blackboard.pattern import Pattern
from knowledge_sources.circles import circles
from knowledge_sources.collect import Collect
from knowledge_sources.decorators import knowledge_source, supervisor
from knowledge_sources.dependencies import Dependencies
from knowledge_sources.source import KnowledgeSource, source_of


def agent(name: str, watches: Any, contributes: Any = (), unless: Any = ()) -> KnowledgeSource:
    @knowledge_source(watches=watches, contributes=contributes, unless=unless, name=name)
    async def run() -> None:
        """Never run here."""

    source = source_of(run)
    assert source is not None
    return source


def team(*sources: KnowledgeSource, fed: str = "") -> Dependencies:
    return Dependencies(sources, [Pattern.parse(text) for text in fed.split()])


def names(circle: Any) -> list[str]:
    return [source.name for source in circle]


A = agent("a", "c/{x}", "a/{x}")
B = agent("b", "a/{x}", "b/{x}")
C = agent("c", "b/{x}", "c/{x}")


def test_agents_that_wait_for_each_other_are_a_deadlock_in_the_order_of_their_waiting() -> None:
    found = team(A, B, C, agent("free", "in/{x}", "out/{x}"), fed="in/{x}")
    assert [names(circle) for circle in found.deadlocks] == [["a", "c", "b"]]
    assert found.reachable == {"free"}
    assert found.loops == ()


def test_a_record_from_outside_at_any_place_of_a_circle_ends_the_deadlock_and_makes_it_a_loop() -> None:
    for fed in ("a/{n}", "b/1", "c/{x}"):
        found = team(A, B, C, fed=fed)
        assert found.deadlocks == ()
        assert found.reachable == {"a", "b", "c"}
        assert [sorted(names(circle)) for circle in found.loops] == [["a", "b", "c"]]


def test_an_agent_that_fires_once_or_needs_something_from_outside_ends_a_loop() -> None:
    once = agent("c", "b/{x}", "c/{x}", unless="c/{x}")
    assert team(A, B, once, fed="a/{x}").loops == ()
    gated = agent("c", {"b": "b/{x}", "ticket": "ticket/{x}"}, "c/{x}")
    assert team(A, B, gated, fed="a/{x} ticket/{x}").loops == ()


def test_an_agent_behind_a_deadlock_is_starved_and_told_by_whom() -> None:
    behind = agent("behind", {"left": "a/{x}", "right": "in/{x}"})
    lost = agent("lost", "nowhere/{x}")
    starved = {one.source.name: one for one in team(A, B, C, behind, lost, fed="in/{x}").starved}
    assert [watch.alias for watch in starved["behind"].missing] == ["left"]
    assert names(starved["behind"].writers) == ["a"]
    assert (names(starved["lost"].writers), len(starved["lost"].missing)) == ([], 1)


def test_a_join_needs_all_of_its_records() -> None:
    join = agent("join", {"left": "l/{x}", "right": "r/{x}"}, "j/{x}")
    assert team(join, fed="l/{x}").reachable == set()
    assert team(join, agent("r", "l/{x}", "r/{x}"), fed="l/{x}").reachable == {"join", "r"}


def test_what_is_collected_wakes_and_starves_as_what_is_watched_does_and_ends_a_loop() -> None:
    """One that collects fires once for its captures, so what it leads to does not go round; one content with none needs no writer."""
    vote = agent("vote", "case/{x}", "vote/{x}/a")
    decide = agent("decide", {"votes": Collect("vote/{x}/*", at_least=2)}, "decision/{x}")
    again = agent("again", "decision/{x}", "vote/{x}/b")
    found = Dependencies([vote, decide, again], [Pattern.parse("case/{x}")])
    assert [(edge.writer.name, edge.reader.name) for edge in found.edges] == [
        ("vote", "decide"), ("again", "decide"), ("decide", "again"),
    ]  # fmt: skip
    assert (found.starved, found.loops, found.unread) == ((), (), ())
    starved = agent("hungry", {"case": "case/{x}", "much": Collect("nothing/{x}/*")})
    content = agent("content", {"case": "case/{x}", "few": Collect("nothing/{x}/*", at_least=0, within="1s")})
    found = Dependencies([starved, content], [Pattern.parse("case/{x}")])
    assert [one.source.name for one in found.starved] == ["hungry"]


def test_what_the_runtime_itself_writes_wakes_supervisors() -> None:
    @supervisor(over="a")
    def boss(overdue: Any) -> None:
        """Never run here."""

    source = source_of(boss)
    assert source is not None
    assert team(source).reachable == {"boss"}


def test_two_that_the_same_records_wake_and_that_write_one_key_are_rivals_unless_one_is_first() -> None:
    one = agent("one", "in/{x}", "out/{x}")
    for other, rivals in (
        (agent("two", "in/{y}", "out/{y}"), True),
        (agent("two", {"a": "in/{y}", "b": "more/{y}"}, "out/{y}"), True),
        (agent("two", "in/{y}", "out/{y}", unless="out/{y}"), False),
        (agent("two", {"a": "in/{y}", "b": "out/{y}"}, "out/{y}"), False),
        (agent("two", "other/{y}", "out/{y}"), False),
        (agent("two", "in/{y}", "elsewhere/{y}"), False),
    ):
        assert bool(team(one, other, fed="in/{x} more/{x} other/{x}").rivals) is rivals, other
    left = agent("left", 'in/{x} where kind == "l"', "out/{x}")
    right = agent("right", 'in/{x} where kind == "r"', "out/{x}")
    assert team(left, right, fed="in/{x}").rivals == ()
    many = [agent(name, "in/{x}", "count/*") for name in "ab"]
    assert team(*many, fed="in/{x}").rivals == ()


def test_what_nobody_reads_is_named_with_its_writer() -> None:
    found = team(agent("a", "in/{x}", ["used/{x}", "answer/{x}", "flag/{x}"]), agent("b", "used/{x}", unless="flag/1"))
    assert [(source.name, key.text) for source, key in found.unread] == [("a", "answer/{x}")]


GRAPHS = st.dictionaries(st.sampled_from("abcdef"), st.lists(st.sampled_from("abcdef"), max_size=4, unique=True))


@given(GRAPHS)
def test_there_is_a_circle_for_each_group_that_reaches_itself_and_every_step_of_it_is_there(
    graph: dict[str, list[str]],
) -> None:
    found = circles(graph)
    for circle in found:
        assert len(set(circle)) == len(circle)
        assert all(after in graph[name] for name, after in zip(circle, (*circle[1:], circle[0]), strict=True))
    reaches = _reach(graph)
    groups = {
        frozenset(b for b in graph if (a, b) in reaches and (b, a) in reaches) for a in graph if (a, a) in reaches
    }
    assert len(found) == len(groups)
    assert all(any(set(circle) <= group for group in groups) for circle in found)


def _reach(graph: dict[str, list[str]]) -> set[tuple[str, str]]:
    reaches = {(a, b) for a in graph for b in graph[a] if b in graph}
    for middle, a, b in product(graph, graph, graph):
        if (a, middle) in reaches and (middle, b) in reaches:
            reaches.add((a, b))
    return reaches
