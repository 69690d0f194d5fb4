"""Claims about what agents collect: on a board in a dict, what waits and until when is what a look at everything finds."""

from __future__ import annotations

from itertools import product
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from blackboard.control_records import ACTIVATIONS
from controller.entry import FOREVER
from controller.members import identity
from knowledge_sources import Collect, DeclarationError, Members, knowledge_source
from tests.match_bench import Bench, agent

if TYPE_CHECKING:
    from collections.abc import Iterator

    from blackboard.record import Record
    from knowledge_sources.collect import Collecting
    from knowledge_sources.source import KnowledgeSource
    from tests.match_bench import DictBoard


def test_a_member_that_comes_when_enough_are_there_costs_no_look_at_the_others() -> None:
    """A swarm's thousandth finding is counted, not listed: nothing is read from the board but the activation."""
    bench = Bench(agent("digest", {"found": Collect("finding/{case}/*", at_least=2)}))
    for number in range(3):
        bench.put(f"finding/x/{number}")
    read: list[str] = []
    get = bench.board.get
    bench.board.get = lambda key: (read.append(key), get(key))[1]  # type: ignore[method-assign,func-returns-value]
    for number in range(1_000):
        bench.put(f"finding/x/more-{number}")
    assert read == []
    (match,) = bench.told.live.values()
    bench.fire(match.activation)
    read.clear()
    bench.put("finding/x/late")
    assert read == [ACTIVATIONS + match.activation]


def test_the_id_of_an_activation_does_not_name_its_members() -> None:
    """So one that is withdrawn and another that comes make no second activation."""
    bench = Bench(agent("two", {"votes": Collect("vote/{tx}/*", at_least=2)}))
    bench.put("vote/1/a")
    bench.put("vote/1/b")
    (first,) = bench.told.live
    bench.delete("vote/1/a")
    assert bench.told.live == {}
    bench.put("vote/1/c")
    assert list(bench.told.live) == [first]


@pytest.mark.parametrize(
    ("collect", "reason"),
    [
        (Collect("v/{x}/*", at_least=-1), "at_least: -1 is not a whole number from 0"),
        (Collect("v/{x}/*", at_least=True), "at_least: True is not"),
        (Collect("v/{x}/*", at_least=3, of=2), r"of: 2 is not a whole number from at_least \(3\)"),
        (Collect("v/{x}/*", of=0), "of: 0 is not"),
        (Collect("v/{x}/*", at_least=5_000), "at_least: 5000 is not a whole number from 0 to 1,000"),
        (Collect("v/{x}/*", within="5"), "within='5': .*write a number and a unit"),
        (Collect("v/{x}/*", within="0s"), "within must be longer than nothing"),
        (Collect("v/{x}/*", within=5), "within=5: "),  # type: ignore[arg-type]
        (Collect("v/{x}/*", at_least=0), "at_least=0 needs within"),
        (Collect("v/{y}/*", at_least=0, within="1s"), r"no other watch binds \{y\}"),
        (Collect("v/*", at_least=0, within="1s"), None),
        (Collect("v/{x}/*", refire="each", within="1s"), "cannot wait within a time"),
        (Collect("v/{x}/*", refire="never"), "refire: 'never' is neither"),  # type: ignore[arg-type]
        (Collect("v/{x"), "only partly a capture"),
        (Collect("control/activations/*"), "wake itself for ever"),
    ],
)
def test_what_cannot_be_collected_is_refused_where_it_is_declared(collect: Collect, reason: str | None) -> None:
    if reason is None:
        agent("fine", {"a": "a/{x}", "v": collect})
        return
    with pytest.raises(DeclarationError, match=reason):
        agent("wrong", {"a": "a/{x}", "v": collect})


def test_a_rating_is_told_nothing_of_what_may_still_grow() -> None:
    def rate(votes: Any) -> float:
        return float(len(votes))

    with pytest.raises(DeclarationError, match="votes is not known before the agent fires"):
        agent("eager", {"votes": Collect("vote/{tx}/*")}, rating=rate)


def test_a_parameter_for_members_is_a_list() -> None:
    with pytest.raises(DeclarationError, match="it collects, so it is a list"):

        @knowledge_source({"votes": Collect("vote/{tx}/*")})
        async def one(votes: int) -> None: ...


def test_members_know_how_many_are_missing() -> None:
    assert (Members([1, 2], of=3).missing, Members([1, 2], of=3).complete) == (1, False)
    assert (Members([1, 2]).missing, Members([1, 2]).complete) == (0, True)
    assert Members([1, 2], at_least=2, of=5).each(str) == ["1", "2"]
    assert Members([1, 2], at_least=2, of=5).each(str).of == 5


# What random boards are matched with: groups by plain watches and by the collects, times, sets, exclusions.
SOURCES = (
    agent("quorum", {"a": "a/{x}", "v": Collect("v/{x}/* where n > 0", at_least=2)}, unless="d/{x}"),
    agent("alone", {"v": Collect("v/{x}/*", at_least=2)}),
    agent("whole", {"v": Collect("v/**", at_least=3)}, unless="d/*"),
    agent("grouped", {"a": "a/{x}", "v": Collect("v/{x}/{y}", at_least=1)}),
    agent("both", {"v": Collect("v/{x}/*", at_least=2), "w": Collect("b/{y}", at_least=1)}),
    agent("timed", {"a": "a/{x}", "v": Collect("v/{x}/*", at_least=1, of=2, within="5ms")}),
    agent("window", {"v": Collect("v/{x}/*", at_least=2, within="3ms")}),
    agent("content", {"a": "a/{x}", "v": Collect("v/{x}/*", at_least=0, of=2, within="4ms")}),
    agent("each", {"a": "a/{x}", "v": Collect("v/{x}/*", at_least=1, refire="each")}),
    agent("late", {"a": "a/{x}", "v": Collect("v/{x}/*", at_least=1)}, after="7ms"),
    agent("silent", "a/{x}", unless="b/{x}", after="6ms"),
    agent("mixed", {"a": "a/{x}", "v": Collect("v/{x}/*", of=3, within="2ms"), "w": Collect("b/{x}")}),
)
KEYS = [f"{region}/{k}" for region in "abd" for k in "12"] + [f"v/{x}/{y}" for x in "12" for y in "123"]


def members_of(board: DictBoard, one: Collecting, captures: dict[str, str]) -> list[Record[Any]]:
    found = []
    for record in board.records.values():
        bound = one.pattern.match(record)
        if bound is not None and bound.items() <= captures.items():
            found.append(record)
    return sorted(found, key=lambda record: record.revision)


def combinations(board: DictBoard, source: KnowledgeSource) -> Iterator[tuple[dict[str, str], dict[str, Record[Any]]]]:
    """Every way to fill the plain watches, with every way to bind what the collects capture."""
    plain = [[(w.alias, r, w.pattern.match(r)) for r in board.records.values()] for w in source.watches]
    groups = [[("", r, c.pattern.match(r)) for r in board.records.values()] for c in source.collects]
    bound_by_plain = {name for watch in source.watches for name in watch.pattern.captures}
    for c, options in zip(source.collects, groups, strict=True):
        if c.within_ms is not None and bound_by_plain.issuperset(c.pattern.captures):  # it waits for the first, too
            options.append(("", None, {}))  # type: ignore[arg-type]
    for combination in product(*plain, *groups):
        captures: dict[str, str] = {}
        if all(
            bound is not None and all(captures.setdefault(name, text) == text for name, text in bound.items())
            for _, _, bound in combination
        ):
            yield captures, {alias: record for alias, record, _ in combination if alias}


def ready_ms(source: KnowledgeSource, since_ms: int, members: dict[str, list[Record[Any]]]) -> int:
    """The first instant at which all that it waits for holds, by trying every one at which that could change."""
    instants = {since_ms, since_ms + (source.after_ms or 0)}
    for one in source.collects:
        instants |= {since_ms + (one.within_ms or 0), *(record.time_ms for record in members[one.alias])}
    return min((at for at in instants if all_hold(source, since_ms, members, at)), default=FOREVER)


def all_hold(source: KnowledgeSource, since_ms: int, members: dict[str, list[Record[Any]]], at_ms: int) -> bool:
    for one in source.collects:
        there = sum(record.time_ms <= at_ms for record in members[one.alias])
        over = one.within_ms is None or at_ms >= since_ms + one.within_ms
        if there < one.at_least or not (over or (one.of is not None and there >= one.of)):
            return False
    return at_ms >= since_ms + (source.after_ms or 0)


def naive(board: DictBoard, source: KnowledgeSource) -> dict[str, tuple[int, bool]]:
    """Activation → from when on it may fire and whether somebody is asked before, of every match that waits or may."""
    found = {}
    for captures, records in combinations(board, source):
        excluding = (p.match(r) for p in source.unless for r in board.records.values())
        if any(bound is not None and bound.items() <= captures.items() for bound in excluding):
            continue
        members = {one.alias: members_of(board, one, captures) for one in source.collects}
        if any(one.within_ms is None and len(members[one.alias]) < one.at_least for one in source.collects):
            continue
        since = [record.time_ms for record in records.values()]
        first = [record.time_ms for each in members.values() for record in each]
        if not since and not first:
            continue
        since_ms = max(since) if since else min(first)
        sets = [(c.alias, r.key, r.commit) for c in source.collects if c.each for r in members[c.alias]]
        activation = identity(source, captures, records, sets)
        if ACTIVATIONS + activation not in board.records:
            at_ms = ready_ms(source, since_ms, members)
            found[activation] = (at_ms, at_ms == FOREVER)
    return found


ONE_GROUP = ["a/1", "v/1/1", "v/1/2", "v/1/3"]
steps = st.one_of(
    st.tuples(st.just("put"), st.sampled_from(ONE_GROUP), st.just(1)),
    st.tuples(st.sampled_from(["delete", "expire"]), st.sampled_from(ONE_GROUP), st.just(0)),
    st.tuples(st.just("put"), st.sampled_from(KEYS), st.integers(0, 2)),
    st.tuples(st.just("put"), st.sampled_from([key for key in KEYS if key[0] in "av"]), st.just(1)),
    st.tuples(st.just("delete"), st.sampled_from(KEYS), st.just(0)),
    st.tuples(st.just("expire"), st.sampled_from(KEYS), st.just(0)),
    st.tuples(st.just("fire"), st.just(""), st.integers(0, 50)),
    st.tuples(st.just("takeover"), st.just(""), st.just(0)),
)


@settings(max_examples=200, deadline=None)
@given(st.lists(steps, min_size=4, max_size=40))
def test_whatever_comes_and_goes_what_waits_and_until_when_is_what_a_look_at_everything_finds(
    changes: list[tuple[str, str, int]],
) -> None:
    """After every put, removal, expiry and firing, and for a controller that takes over in the middle."""
    bench = Bench(*SOURCES)
    for what, key, n in changes:
        if what == "put":
            bench.put(key, {"n": n})
        elif what in ("delete", "expire") and key in bench.board.records:
            if what == "expire":  # gone for who looks, before its removal is told
                bench.board.over.add(key)
                bench.put("unrelated/1")
                bench.board.over.discard(key)
            bench.delete(key)
        elif what == "fire" and bench.told.live:
            bench.fire(sorted(bench.told.live)[n % len(bench.told.live)])
        elif what == "takeover":
            bench = bench.taken_over()
        expected = {name: said for source in SOURCES for name, said in naive(bench.board, source).items()}
        told = {}
        for activation, match in bench.told.live.items():
            assert match.ready is not None or not (match.source.collects or match.source.after_ms)
            ready = match.ready
            assert ready is not None
            told[activation] = (ready.not_before_ms, ready.overdue_ms is not None)
        assert told == expected
        assert bench.matcher.live().keys() == told.keys()
