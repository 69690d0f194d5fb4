"""The agenda finds, without sorting, the entry that the pure pick chooses over the whole snapshot."""

from __future__ import annotations

import math
import random
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from controller.agenda import Agenda, Entry
from controller.entry import POINT
from controller.grouping import Group, Grouping, RunningLimits
from controller.shares import KEPT
from controller.strategy import Choice, Lift, Policy, pick

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from controller.grouping import Key

AGENTS = ("label", "notify", "refund", "stock")
IDS = tuple(f"a{n:02}" for n in range(24))

policies = st.builds(
    Policy,
    ageing_rate_per_s=st.sampled_from([0.0, 0.5, 1.0, 7.3, 1000.0]),
    ageing_cap=st.sampled_from([0.0, 0.01, 3.0, 60.0, math.inf]),
    tie=st.sampled_from(["fifo", "recency"]),
    promote_after_ms=st.sampled_from([None, None, 1, 500, 5_000]),
    fair=st.sampled_from(["", "customer"]),
)
CUSTOMERS = ("", "ann", "bob", "cy")
GROUPING = Grouping(RunningLimits({"stock": 1}, {"shop": 1}), "customer", None)


def group(name: str, value: str) -> Group:
    return Group("capture", name, value)


KEYS: tuple[Key, ...] = (
    *AGENTS, group("customer", "ann"), group("customer", "bob"), group("shop", "s1"), Group("capability", "", "stock"),
)  # fmt: skip


def an_entry(
    activation: str,
    *,
    agent: str = "refund",
    level: int = 0,
    rating: float = 0.0,
    eligible_ms: int = 0,
    sequence: int = 0,
    not_before_ms: int = 0,
    captures: Mapping[str, str] | None = None,
) -> Entry:
    groups, flow = GROUPING.of(agent, captures or {}, "return/R-1")
    return Entry(
        activation,
        agent,
        agent,
        "return/R-1",
        level=level,
        rating=rating,
        eligible_ms=eligible_ms,
        sequence=sequence,
        captures=captures or {},
        triggers={},
        not_before_ms=not_before_ms,
        groups=groups,
        flow=flow,
    )


def shown(choice: Choice | None) -> object:
    """A choice in what two can be compared by: names instead of entries."""
    if choice is None:
        return None
    runners_up = [(s.entry.activation, *s[1:]) for s in choice.runners_up]
    return choice._replace(entry=choice.entry.activation, runners_up=runners_up)  # type: ignore[arg-type]


def agrees(agenda: Agenda, now_ms: int) -> Choice | None:
    """The agenda's pick, found equal to the pure one over its entries."""
    ours = agenda.pick(now_ms)
    pure = pick(list(agenda), agenda.policy, agenda.overrides, now_ms, blocked=agenda.blocked, shares=agenda.shares)
    assert shown(ours) == shown(pure)
    return ours


class AgendaAgreesWithPick(RuleBasedStateMachine):
    """Whatever happens to an agenda, its pick is the pure pick over what is on it."""

    agenda: Agenda
    now_ms: int

    @initialize(policy=policies)
    def start(self, policy: Policy) -> None:
        self.agenda = Agenda(policy)
        self.now_ms = 1_000

    @rule(
        arrivals=st.lists(
            st.tuples(
                st.sampled_from(IDS),
                st.sampled_from(AGENTS),
                st.integers(0, 2),
                st.sampled_from([-2.5, 0.0, 0.0, 0.1, 0.2, 3.0, 5.0]),
                st.sampled_from([-700, 0, 0, 1, 10, 300, 2_999, 3_000, 70_000]),
                st.sampled_from([0, 0, 0, 1, 400, 9_000]),
                st.sampled_from(CUSTOMERS),
                st.sampled_from(["", "s1", "s2"]),
            ),
            min_size=1,
            max_size=12,
        ),
    )
    def add(self, arrivals: list[tuple[str, str, int, float, int, int, str, str]]) -> None:
        for n, (activation, agent, level, rating, age_ms, delay_ms, customer, shop) in enumerate(arrivals):
            known = activation in self.agenda
            added = self.agenda.add(
                an_entry(
                    activation,
                    agent=agent,
                    level=level,
                    rating=rating,
                    eligible_ms=self.now_ms - age_ms,
                    sequence=n % 3,
                    not_before_ms=self.now_ms + delay_ms if delay_ms else 0,
                    captures={"customer": customer, "shop": shop},
                )
            )
            assert added is not known

    @rule(activation=st.sampled_from(IDS))
    def remove(self, activation: str) -> None:
        known = self.agenda.get(activation)
        assert self.agenda.remove(activation) is known
        assert activation not in self.agenda

    @rule(times=st.integers(1, 6))
    def run_some(self, times: int) -> None:
        for _ in range(times):
            choice = self.agenda.pick(self.now_ms)
            if choice is not None:
                self.agenda.remove(choice.entry.activation)
                self.agenda.served(choice)

    @rule(key=st.sampled_from(KEYS), may_run=st.booleans())
    def limit(self, key: Key, may_run: bool) -> None:
        (self.agenda.unblock if may_run else self.agenda.block)(key, "at its limit")

    @rule(
        activation=st.sampled_from(IDS),
        boost=st.integers(-2, 2),
        points=st.sampled_from([0, 0, -3, 0.1, 5]),
        level=st.sampled_from([None, None, 0, 2]),
    )
    def override(self, activation: str, boost: int, points: float, level: int | None) -> None:
        self.agenda.lift(activation, Lift(boost, f"control/overrides/{activation}", round(points * POINT), level))

    @rule(activation=st.sampled_from(IDS))
    def withdraw(self, activation: str) -> None:
        self.agenda.drop_lift(activation)

    @rule(passed_ms=st.sampled_from([0, 1, 10, 299, 500, 2_999, 3_000, 61_000]))
    def wait(self, passed_ms: int) -> None:
        self.now_ms += passed_ms

    @rule()
    def sweep(self) -> None:
        self.agenda._sweep()

    @invariant()
    def agree(self) -> None:
        if hasattr(self, "agenda"):
            agrees(self.agenda, self.now_ms)
            later = [e.not_before_ms for e in self.agenda if e.not_before_ms > self.now_ms]
            assert self.agenda.next_ms() == (min(later) if later else None)


TestAgendaAgreesWithPick = AgendaAgreesWithPick.TestCase
TestAgendaAgreesWithPick.settings = settings(max_examples=150, stateful_step_count=40, deadline=None)


@settings(max_examples=60, deadline=None)
@given(
    policy=policies,
    plan=st.lists(
        st.tuples(st.sampled_from(AGENTS), st.integers(0, 3), st.floats(-50, 50), st.integers(0, 90_000)),
        min_size=1,
        max_size=120,
    ),
    step_ms=st.integers(0, 3_000),
)
def test_draining_an_agenda_fires_in_the_order_of_repeated_pure_picks(
    policy: Policy, plan: list[tuple[str, int, float, int]], step_ms: int
) -> None:
    """Draining with time passing between picks gives the order of picking purely from what is left."""
    agenda, left, now_ms = Agenda(policy), {}, 90_000
    for n, (agent, level, rating, eligible_ms) in enumerate(plan):
        entry = an_entry(
            f"a{n:03}",
            agent=agent,
            level=level,
            rating=rating,
            eligible_ms=eligible_ms,
            sequence=n,
            captures={"customer": CUSTOMERS[eligible_ms % 4]},
        )
        left[entry.activation] = entry
        agenda.add(entry)
    while left:
        pure = pick(left.values(), policy, {}, now_ms, shares=agenda.shares)
        ours = agenda.pick(now_ms)
        assert shown(ours) == shown(pure)
        assert ours is not None
        assert agenda.remove(ours.entry.activation) is left.pop(ours.entry.activation)
        agenda.served(ours)
        now_ms += step_ms
    assert agenda.pick(now_ms) is None


@pytest.mark.parametrize("seed", range(20))
def test_several_picks_at_once_are_those_of_picking_one_by_one(seed: int) -> None:
    """Also where entries come, agents are blocked and overrides fall between two of them."""
    drawn = random.Random(seed)
    policy = Policy(
        ageing_cap=drawn.choice([0, 4, math.inf]),
        promote_after_ms=drawn.choice([None, 2_000]),
        fair=drawn.choice(["", "customer"]),
    )
    agenda, now_ms = Agenda(policy), 10_000

    def arrive(name: str) -> None:
        eligible_ms = now_ms - drawn.choice([0, 0, 500, 4_000])
        agent, level = drawn.choice(AGENTS), drawn.randrange(2)
        captures, rating = {"customer": drawn.choice(CUSTOMERS)}, drawn.choice([0.0, 1.0])
        agenda.add(an_entry(name, agent=agent, level=level, rating=rating, eligible_ms=eligible_ms, captures=captures))

    for n in range(80):
        arrive(f"a{n:02}")
    for round_ in range(12):
        now_ms += drawn.choice([0, 50, 700])
        for taken, choice in enumerate(agenda.picks(now_ms, 7)):
            pure = pick(list(agenda), policy, agenda.overrides, now_ms, blocked=agenda.blocked, shares=agenda.shares)
            assert shown(choice) == shown(pure)
            agenda.remove(choice.entry.activation)
            if drawn.random() < 0.9:  # else it was refused its call
                agenda.served(choice)
            if drawn.random() < 0.3:
                arrive(f"b{round_:02}{taken}")
            if drawn.random() < 0.2:
                (agenda.block if drawn.random() < 0.5 else agenda.unblock)(drawn.choice(AGENTS), drawn.choice("ab"))
            if drawn.random() < 0.05 and len(agenda):
                agenda.lift(drawn.choice(list(agenda)).activation, Lift(1, "control/overrides/1"))


@pytest.mark.parametrize("seed", range(30))
def test_a_busy_agenda_agrees_with_the_pure_pick_at_every_step(seed: int) -> None:
    """A hundred entries that come, go, wait, are blocked and lifted: the same choice and runners-up each time."""
    drawn = random.Random(seed)
    policy = Policy(
        ageing_rate_per_s=drawn.choice([0, 1, 1, 7.3]),
        ageing_cap=drawn.choice([0, 2, 4, 60, math.inf]),
        tie=drawn.choice(["fifo", "recency"]),
        promote_after_ms=drawn.choice([None, None, 2_000]),
        fair=drawn.choice(["", "customer"]),
    )
    agenda, now_ms = Agenda(policy), 10_000
    for n in range(400):
        now_ms += drawn.choice([0, 1, 50, 700])
        agenda.add(
            an_entry(
                f"a{n:03}",
                agent=drawn.choice(AGENTS),
                level=drawn.randrange(2),
                rating=drawn.choice([0.0, 0.5, 1.0, 3.0]),
                eligible_ms=now_ms - drawn.choice([-20, 0, 0, 500, 4_000]),
                sequence=n // 2,
                not_before_ms=now_ms + drawn.choice([-1, -1, -1, 3_000]),
                captures={"customer": f"c{drawn.randrange(9)}", "shop": drawn.choice(["", "s1", "s2"])},
            )
        )
        (agenda.block if drawn.random() < 0.5 else agenda.unblock)(drawn.choice(KEYS), drawn.choice("ab"))
        if drawn.random() < 0.05:
            lift = Lift(drawn.choice([-1, 0, 1, 2]), "k", drawn.choice([0, POINT]), drawn.choice([None, 0]))
            agenda.lift(f"a{drawn.randrange(n + 9):03}", lift)
        if drawn.random() < 0.2:
            agenda.drop_lift(f"a{drawn.randrange(n + 1):03}")
        if drawn.random() < 0.3:
            agenda.remove(f"a{drawn.randrange(n + 1):03}")
        choice = agrees(agenda, now_ms)
        if choice is not None and drawn.random() < 0.6:
            agenda.remove(choice.entry.activation)
            agenda.served(choice)


def test_an_agent_at_its_limit_does_not_hold_up_the_others() -> None:
    """A blocked agent's entries are passed over however urgent they are, and come back when it may run."""
    agenda = Agenda(Policy())
    agenda.add(an_entry("urgent", agent="refund", rating=99))
    agenda.add(an_entry("modest", agent="label"))
    agenda.block("refund", "at its limit")
    assert picked(agenda, 1) == "modest"
    agenda.unblock("refund", "at its limit")
    assert picked(agenda, 1) == "urgent"


def test_a_delayed_entry_is_not_eligible_before_its_time() -> None:
    """An entry that is to be tried again later is neither picked nor counted until then."""
    agenda = Agenda(Policy())
    agenda.add(an_entry("again", not_before_ms=5_000))
    assert agenda.next_ms() == 5_000
    assert agenda.pick(4_999) is None
    assert agenda.eligible == 0
    assert picked(agenda, 5_000) == "again"
    assert agenda.next_ms() is None


def test_time_that_steps_back_changes_nothing() -> None:
    """A clock set back takes no waiting away: the latest time seen holds."""
    agenda = Agenda(Policy(ageing_rate_per_s=1, ageing_cap=10))
    agenda.add(an_entry("old", rating=0, eligible_ms=0))
    agenda.add(an_entry("new", rating=5, eligible_ms=9_000))
    assert picked(agenda, 20_000) == "new"
    assert shown(agenda.pick(10_000)) == shown(agenda.pick(20_000))


def test_adding_the_same_activation_twice_keeps_the_first() -> None:
    """One activation is pending at most once."""
    agenda = Agenda(Policy())
    first = an_entry("one")
    assert agenda.add(first)
    assert not agenda.add(an_entry("one", rating=9))
    assert len(agenda) == 1
    assert agenda.get("one") is first


def test_the_view_for_people_shows_blocked_and_delayed_entries_too() -> None:
    """The view is in firing order and leaves nothing out."""
    agenda = Agenda(Policy())
    agenda.add(an_entry("b", agent="refund", rating=2))
    agenda.add(an_entry("a", agent="label", rating=1, not_before_ms=10**9))
    agenda.add(an_entry("c", agent="label", rating=3))
    agenda.block("refund", "at its limit")
    assert [e.activation for e in agenda.first(10, now_ms=0)] == ["c", "b", "a"]
    assert [e.activation for e in agenda.first(1, now_ms=0)] == ["c"]


@pytest.mark.parametrize("turn", [lambda n: n, lambda n: -n], ids=["first in the way", "last in the way"])
def test_entries_that_come_and_go_leave_nothing_behind(turn: Callable[[int], int]) -> None:
    """What is removed without being picked does not pile up in the heaps."""
    agenda = Agenda(Policy(promote_after_ms=10**9))
    for n in range(20):
        agenda.add(an_entry(f"stays{n}", rating=0.5, level=1))
    for n in range(5_000):
        agenda.add(an_entry(f"goes{n}", rating=turn(n), level=n % 3, not_before_ms=(n % 2) * 10**9))
        agenda.remove(f"goes{n}")
    assert len(agenda) == 20
    assert agenda._items() <= 4 * 20 + 64 + 4


def test_values_of_a_shared_capture_that_come_and_go_leave_nothing_behind() -> None:
    """Neither lanes nor levels nor marks pile up with the customers that were served once."""
    agenda = Agenda(Policy(fair="customer"))
    for n in range(KEPT + 10):
        agenda.add(an_entry(f"a{n}", captures={"customer": f"c{n}", "shop": f"s{n}"}))
        choice = agenda.pick(n)
        assert choice is not None
        agenda.remove(choice.entry.activation)
        agenda.served(choice)
    assert agenda.shares is not None
    assert len(agenda.shares._next) < KEPT
    assert (len(agenda._lanes), len(agenda._ready_of), len(agenda._levels._levels)) == (0, 0, 0)


def picked(agenda: Agenda, now_ms: int) -> str:
    choice = agenda.pick(now_ms)
    assert choice is not None
    return choice.entry.activation
