"""Claims about the matcher: on a board in a dict, what is live is what a look at all records would find."""

from __future__ import annotations

from itertools import product
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from blackboard.control_records import ACTIVATIONS
from controller.matching import Match
from controller.members import identity
from tests.match_bench import Bench, DictBoard, agent

if TYPE_CHECKING:
    from knowledge_sources.source import KnowledgeSource


def test_a_join_is_told_once_both_records_are_there_in_either_order() -> None:
    """Order does not matter, and the captures join: o2's label does not go with o1."""
    pair = agent("pair", {"order": "order/{o}", "label": "label/{o}"})
    for first, second in (("order/1", "label/1"), ("label/1", "order/1")):
        bench = Bench(pair)
        bench.put(first)
        bench.put("label/2")
        assert bench.keys() == []
        bench.put(second)
        assert bench.keys() == [("order/1", "label/1")]
        assert next(iter(bench.told.live.values())).captures == {"o": "1"}


def test_a_three_way_join_completes_whichever_of_the_three_comes_last() -> None:
    """Two captures tie three records together; every order of arrival gives the one match."""
    triple = agent("triple", {"pick": "pick/{o}/{sku}", "order": "order/{o}", "stock": "stock/{sku}"})
    keys = ("pick/1/a", "order/1", "stock/a")
    for last in keys:
        bench = Bench(triple)
        for key in ("pick/2/a", "stock/b", *(k for k in keys if k != last)):
            bench.put(key)
        assert bench.keys() == []
        bench.put(last)
        assert bench.keys() == [keys]


def test_a_new_version_of_a_trigger_ends_the_match_and_makes_another() -> None:
    """The id names the versions, so the new one is another activation."""
    bench = Bench(agent("reader", "item/{i}"))
    bench.put("item/1")
    (before,) = bench.told.live
    bench.put("item/1")
    (after,) = bench.told.live
    assert before != after
    assert bench.told.ended == [("reader", "item/1")]
    bench.delete("item/1")
    assert bench.told.live == {}


def test_a_trigger_that_no_longer_satisfies_the_predicate_ends_the_match() -> None:
    """And one that comes to satisfy it begins one."""
    bench = Bench(agent("ready", 'item/{i} where status == "ready"'))
    bench.put("item/1", {"status": "new"})
    assert bench.keys() == []
    bench.put("item/1", {"status": "ready"})
    assert bench.keys() == [("item/1",)]
    bench.put("item/1", {"status": "done"})
    assert bench.keys() == []


def test_what_unless_names_ends_the_match_and_its_removal_makes_it_eligible_again() -> None:
    """Only for the same captures; the match that comes back is the same activation."""
    bench = Bench(agent("refund", "return/{r}", unless="refund/{r}"))
    bench.put("return/1")
    bench.put("return/2")
    (before,) = (activation for activation, match in bench.told.live.items() if match.captures == {"r": "1"})
    bench.put("refund/1", author="rival")
    assert bench.keys() == [("return/2",)]
    bench.delete("refund/1")
    assert bench.keys() == [("return/1",), ("return/2",)]
    assert before in bench.told.live


def test_an_excluding_record_that_changes_out_of_its_predicate_lets_the_match_be() -> None:
    """``unless`` with a condition follows the value, not the key."""
    bench = Bench(agent("refund", "return/{r}", unless="hold/{r} where open == true"))
    bench.put("hold/1", {"open": True})
    bench.put("return/1")
    assert bench.keys() == []
    bench.put("hold/1", {"open": False})
    assert bench.keys() == [("return/1",)]
    bench.put("hold/1", {"open": True})
    assert bench.keys() == []


def test_an_unless_with_a_wildcard_needs_every_excluding_record_to_go() -> None:
    """Two vetoes of one order: the first to go changes nothing."""
    bench = Bench(agent("ship", "order/{o}", unless="veto/{o}/*"))
    bench.put("order/1")
    bench.put("veto/1/a")
    bench.put("veto/1/b")
    bench.delete("veto/1/a")
    assert bench.keys() == []
    bench.delete("veto/1/b")
    assert bench.keys() == [("order/1",)]


def test_a_wildcard_matches_each_record_of_its_own() -> None:
    """``*`` binds nothing: two records are two activations with equal captures."""
    bench = Bench(agent("audit", "order/{o}/*"))
    bench.put("order/1/a")
    bench.put("order/1/b")
    assert bench.keys() == [("order/1/a",), ("order/1/b",)]


def test_one_record_may_fill_two_watches() -> None:
    """Two aliases over one region join each record with every other, itself included, each pair once."""
    bench = Bench(agent("pairs", {"left": "n/{a}", "right": "n/{b}"}))
    bench.put("n/1")
    bench.put("n/2")
    assert bench.keys() == [("n/1", "n/1"), ("n/1", "n/2"), ("n/2", "n/1"), ("n/2", "n/2")]


def test_what_has_fired_is_not_told_again() -> None:
    """Neither when a record around it moves, nor when an agent of that name joins again."""
    reader = agent("reader", {"item": "item/{i}"}, unless="done/{i}")
    bench = Bench(reader)
    bench.put("item/1")
    bench.fire(next(iter(bench.told.live)))
    bench.put("done/1")
    bench.delete("done/1")
    bench.matcher.again(reader, {"i": "1"})
    bench.matcher.add(reader)
    assert bench.keys() == []


def test_a_dispatch_that_was_refused_is_told_again_if_it_still_matches() -> None:
    """The controller asks; nothing on the board says that it has fired."""
    reader = agent("reader", "item/{i}")
    bench = Bench(reader)
    bench.put("item/1")
    (activation,) = bench.told.live
    bench.matcher.drop(activation)
    del bench.told.live[activation]
    bench.matcher.again(reader, {"i": "1"})
    assert list(bench.told.live) == [activation]


def test_an_agent_that_joins_late_is_told_of_what_is_there() -> None:
    """And one in the place of another takes its matches over."""
    bench = Bench()
    bench.put("item/1")
    bench.matcher.add(agent("reader", "item/{i}"))
    assert bench.keys() == [("item/1",)]
    bench.told.live.clear()
    bench.matcher.add(agent("reader", "item/{i}"))
    bench.put("item/2")
    assert bench.keys() == [("item/1",), ("item/2",)]


def test_a_match_that_is_held_before_a_look_at_the_board_ends_like_any_other() -> None:
    """What one controller leaves to the next has a record: it is held, never told, and obviated all the same."""
    reader = agent("refund", "return/{r}", unless="refund/{r}")
    bench = Bench()
    bench.put("return/1")
    record = bench.board.records["return/1"]
    match = Match(identity(reader, {"r": "1"}, {"return": record}), reader, {"r": "1"}, {"return": record})
    bench.matcher.enter(reader)
    bench.matcher.hold(match)
    bench.told.live[match.activation] = match
    bench.matcher.look(reader)
    bench.put("refund/1")
    assert bench.told.ended == [("refund", "refund/1")]
    assert bench.matcher.live() == {}


def test_a_change_told_again_at_the_same_commit_ends_nothing() -> None:
    """A replica that starts over tells of all that changed meanwhile, after joins have seen it already."""
    bench = Bench(agent("pair", {"a": "a/{k}", "b": "b/{k}"}))
    first, second = bench.board.put("a/1"), bench.board.put("b/1")
    bench.matcher.changed(first)
    bench.matcher.changed(second)
    assert bench.keys() == [("a/1", "b/1")]
    assert bench.told.ended == []


def test_a_precondition_that_raises_leaves_its_match_out_and_is_reported() -> None:
    """Others on the same record match; so does the same agent on the next."""

    def sound(item: Any) -> bool:
        return bool(item["amount"] > 5)

    bench = Bench(agent("careful", {"item": "item/{i}"}, precondition=sound), agent("plain", "item/{i}"))
    bench.put("item/1", {})
    bench.put("item/2", {"amount": 9})
    assert sorted(match.source.name for match in bench.told.live.values()) == ["careful", "plain", "plain"]
    assert bench.told.misjudgements == ["careful: 'amount'"]


def test_an_agent_that_is_removed_is_told_of_nothing_more() -> None:
    """Its live matches go without a word."""
    bench = Bench(agent("reader", "item/{i}", unless="done/{i}"))
    bench.put("item/1")
    bench.matcher.remove("reader")
    bench.put("item/2")
    bench.put("done/1")
    bench.delete("done/1")
    assert bench.matcher.live() == {}
    assert bench.told.ended == []


@pytest.mark.parametrize("removed", ["return/1", "label/1"])
def test_either_trigger_that_goes_ends_the_match(removed: str) -> None:
    """All triggers must stand."""
    bench = Bench(agent("pair", {"item": "return/{r}", "label": "label/{r}"}))
    bench.put("return/1")
    bench.put("label/1")
    bench.delete(removed)
    assert bench.keys() == []


# What random boards are matched with: every kind of join, exclusion, wildcard and predicate.
SOURCES = (
    agent("one", "a/{x} where n > 0"),
    agent("pair", {"a": "a/{x}", "b": "b/{x} where n != 1"}, unless="d/{x} where n > 0"),
    agent("triple", {"c": "c/{x}/{y}", "a": "a/{x}", "b": "b/{y}"}),
    agent("wild", {"any": "c/*/{y}", "b": "b/{y}"}, unless="d/*"),
    agent("self", {"left": "a/{x}", "right": "a/{y}"}, unless=["b/{x}", "c/{x}/*"]),
    agent("cross", {"a": "a/{x}", "lone": "b/1"}),
    agent("picky", {"item": "c/{x}/{y}"}, precondition=lambda item: item["n"] != 2),
    agent("rest", {"deep": "c/**", "a": "a/{x}"}, unless="d/2"),
)
KEYS = [f"{region}/{k}" for region in "abd" for k in "12"] + [f"c/{x}/{y}" for x in "12" for y in "12"]


def naive(board: DictBoard, source: KnowledgeSource) -> dict[str, tuple[str, ...]]:
    """Every eligible match of ``source`` by a look at all combinations of records."""
    found = {}
    options = [[r for r in board.records.values() if w.pattern.match(r) is not None] for w in source.watches]
    for combination in product(*options):
        captures: dict[str, str] = {}
        records = dict(zip((watch.alias for watch in source.watches), combination, strict=True))
        agreed = True
        for watch, record in zip(source.watches, combination, strict=True):
            for name, text in (watch.pattern.match(record) or {}).items():
                agreed &= captures.setdefault(name, text) == text
        if not agreed or not source.permits(records, captures):
            continue
        excluding = (p.match(r) for p in source.unless for r in board.records.values())
        if any(bound is not None and bound.items() <= captures.items() for bound in excluding):
            continue
        activation = identity(source, captures, records)
        if ACTIVATIONS + activation not in board.records:
            found[activation] = tuple(record.key for record in combination)
    return found


steps = st.one_of(
    st.tuples(st.just("put"), st.sampled_from(KEYS), st.integers(0, 2)),
    st.tuples(st.just("delete"), st.sampled_from(KEYS), st.just(0)),
    st.tuples(st.just("fire"), st.just(""), st.integers(0, 50)),
    st.tuples(st.just("rejoin"), st.just(""), st.integers(0, len(SOURCES) - 1)),
)


@settings(max_examples=150, deadline=None)
@given(st.lists(steps, max_size=40))
def test_whatever_changes_the_live_matches_are_those_that_a_look_at_everything_finds(
    changes: list[tuple[str, str, int]],
) -> None:
    """After every put, removal, firing and joining; and nothing is told twice (``Told`` checks)."""
    bench = Bench(*SOURCES)
    for what, key, n in changes:
        if what == "put":
            bench.put(key, {"n": n})
        elif what == "delete" and key in bench.board.records:
            bench.delete(key)
        elif what == "fire" and bench.told.live:
            bench.fire(sorted(bench.told.live)[n % len(bench.told.live)])
        elif what == "rejoin":
            source = SOURCES[n]
            bench.told.live = {a: m for a, m in bench.told.live.items() if m.source is not source}
            bench.matcher.add(source)
        expected = {activation: keys for source in SOURCES for activation, keys in naive(bench.board, source).items()}
        told = {a: tuple(r.key for r in match.records.values()) for a, match in bench.told.live.items()}
        assert told == expected
        assert bench.matcher.live().keys() == told.keys()
