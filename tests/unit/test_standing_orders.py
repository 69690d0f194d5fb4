"""What standing orders make of an activation is what a plain look at all of them says, and nothing stays of those gone."""

from __future__ import annotations

from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, cast

from hypothesis import given
from hypothesis import strategies as st

from blackboard.pattern import Pattern
from controller.authority import Authority, authority_of
from controller.entry import Entry
from controller.lineup import Lineup
from controller.standing_orders import StandingOrder, StandingOrders, Target, target_of
from controller.strategy import DEFAULT_LEVELS, Policy
from tests.still_board import record_of

if TYPE_CHECKING:
    from collections.abc import Iterable

    from blackboard.control_records import Scope

AGENTS = ("refund", "label", "notify")
CASES = ("return/R-1", "return/R-2")
PATTERNS = ("item/{i}", "item/{i} where odd", "item/1", "other/**")

authorities = st.one_of(
    st.sampled_from(["human/ana", "human/bob"]).map(lambda name: Authority(name, 1, frozenset())),
    st.builds(
        Authority,
        st.sampled_from(["boss", "clerk", "refund"]),
        st.integers(-3, 0),
        st.sampled_from([frozenset[str](), frozenset({"refund"}), frozenset({"money"})]),
    ),
)
scopes = st.fixed_dictionaries(
    {},
    optional={
        "activation": st.sampled_from([f"a{n}" for n in range(6)]),
        "agent": st.sampled_from(AGENTS),
        "capability": st.sampled_from(["money", "label"]),
        "case": st.sampled_from(CASES),
        "pattern": st.sampled_from(PATTERNS),
    },
).filter(bool)


@st.composite
def orders(draw: st.DrawFn) -> StandingOrder:
    scope = cast("Scope", draw(scopes))
    number = draw(st.integers(1, 40))
    return StandingOrder(
        key=f"control/overrides/{number:02}",
        verb=draw(st.sampled_from(["force", "hold", "veto", "boost", "extend", "reassign"])),
        scope=scope,
        pattern=Pattern.parse(scope["pattern"]) if "pattern" in scope else None,
        authority=draw(authorities),
        revision=draw(st.integers(1, 9)),
        expires_ms=draw(st.sampled_from([None, 5])),
        units=draw(st.sampled_from([0, 5, -5])),
        level=draw(st.sampled_from([None, 0, 3])),
        reason="so be it",
    )


def an_entry(number: int, agent: str, case: str, item: int) -> Entry:
    records = {"item": record_of(f"item/{item}", {"odd": bool(item % 2)})}
    capability = "label" if agent == "label" else "money"
    return Entry(
        f"a{number}", agent, capability, case, level=number % 3, rating=float(number % 2), eligible_ms=number,
        sequence=number, captures={}, triggers=records,
    )  # fmt: skip


entries = st.builds(an_entry, st.integers(0, 5), st.sampled_from(AGENTS), st.sampled_from(CASES), st.integers(1, 3))


def plainly(standing: Iterable[StandingOrder], target: Target) -> StandingOrder | None:
    """The ruling as the documents state it."""
    covering = [order for order in standing if order.covers(target)]
    ruling = [order for order in covering if order.verb in ("force", "hold", "veto", "reassign")]
    boosts = [order for order in covering if order.verb == "boost"]
    return max(ruling or boosts, key=lambda order: order.precedence, default=None)


@given(st.lists(orders(), max_size=12), st.lists(st.integers(0, 11)), st.lists(entries, max_size=6))
def test_the_index_finds_what_a_look_at_all_orders_finds(
    given_orders: list[StandingOrder], removed: list[int], targets: list[Entry]
) -> None:
    standing = StandingOrders()
    kept: dict[str, StandingOrder] = {}
    for order in given_orders:
        standing.add(order)
        kept[order.key] = order
    for index in removed:
        if index < len(given_orders):
            assert standing.remove(given_orders[index].key) is kept.pop(given_orders[index].key, None)
    assert {order.key: order for order in standing} == kept
    for entry in targets:
        target = target_of(entry)
        assert standing.ruling(target) == plainly(kept.values(), target)
        extends = [o.expires_ms or 0 for o in kept.values() if o.verb == "extend" and o.covers(target)]
        assert standing.late_not_before(target) == max(extends, default=0)


def a_lineup() -> Lineup:
    sources = {agent: SimpleNamespace(kind="agent") for agent in AGENTS}
    return Lineup(cast("Any", SimpleNamespace(sources=sources)), Policy())


def picks(lineup: Lineup) -> list[tuple[str, str | None]]:
    found = []
    while (choice := lineup.agents.pick(1_000)) is not None:
        lineup.agents.remove(choice.entry.activation)
        found.append((choice.entry.activation, choice.override))
    return found


@given(
    st.lists(entries, max_size=6, unique_by=lambda entry: entry.activation),
    st.lists(orders(), max_size=6, unique_by=lambda order: order.key),
    st.data(),
)
def test_an_order_that_came_and_went_leaves_no_trace_on_what_is_picked(
    pending: list[Entry], came: list[StandingOrder], data: st.DataObject
) -> None:
    """And while it stands, what is picked is what a line-up that was made under it picks: the next controller's."""
    lineup, untouched = a_lineup(), a_lineup()
    for entry in pending:
        untouched.add(an_entry_like(entry))
    for step in data.draw(st.permutations([*pending, *came])):
        if isinstance(step, Entry):
            lineup.add(step)
        elif isinstance(step, StandingOrder):
            lineup.rulings.orders.add(step)
            lineup.revise(lambda entry, order=step: order.covers(target_of(entry)))  # type: ignore[misc]  # bound now
    next_one = a_lineup()
    for order in came:
        next_one.rulings.orders.add(order)
    for entry in pending:
        next_one.add(an_entry_like(entry))
    assert lineup.held.keys() == next_one.held.keys()
    assert lineup.rulings.condemned.keys() == next_one.rulings.condemned.keys()
    before = [entry.activation for entry in lineup.agents.first(9, 1_000)]
    assert before == [activation for activation, _ in picks(next_one)]
    for order in data.draw(st.permutations(came)):
        lineup.rulings.orders.remove(order.key)
        lineup.revise(lambda entry, order=order: order.covers(target_of(entry)))  # type: ignore[misc]  # bound now
    assert not lineup.held
    assert picks(lineup) == picks(untouched)


def an_entry_like(entry: Entry) -> Entry:
    return Entry(
        entry.activation, entry.agent, entry.capability, entry.case, level=entry.level, rating=entry.rating,
        eligible_ms=entry.eligible_ms, sequence=entry.sequence, captures=entry.captures, triggers=entry.triggers,
    )  # fmt: skip


def test_a_supervisors_word_counts_by_its_level_and_a_persons_before_all() -> None:
    def rank(name: str, level: str) -> int:
        registered = {"status": "ready", "level": level, "over": []}
        found = authority_of(name, cast("Any", registered), DEFAULT_LEVELS)
        assert found is not None
        return found.rank

    ranks = [rank("human/ana", ""), rank("boss", "critical"), rank("boss", "high"), rank("boss", "low")]
    assert ranks == sorted(ranks, reverse=True)
    assert len(set(ranks)) == 4
    assert rank("boss", "unheard of") == rank("boss", "low")
    assert authority_of("boss", None, DEFAULT_LEVELS) is None
    assert authority_of("humanoid", None, DEFAULT_LEVELS) is None
    assert authority_of("boss", cast("Any", {"status": "gone", "level": "high", "over": []}), DEFAULT_LEVELS) is None
