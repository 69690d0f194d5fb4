"""Who fires next is a pure function of the snapshot, in the documented order."""

from __future__ import annotations

import math
import random
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from blackboard.errors import InvalidValue, UsageError
from controller.entry import POINT, Entry
from controller.strategy import Lift, Policy, order, pick

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

LEVELS = ("critical", "high", "normal", "low")


def an_entry(
    activation: str,
    *,
    agent: str = "refund",
    level: int = 0,
    rating: float = 0.0,
    eligible_ms: int = 0,
    sequence: int = 0,
    not_before_ms: int = 0,
) -> Entry:
    return Entry(
        activation,
        agent,
        agent,
        "return/R-1",
        level=level,
        rating=rating,
        eligible_ms=eligible_ms,
        sequence=sequence,
        captures={},
        triggers={},
        not_before_ms=not_before_ms,
    )


snapshots = st.lists(
    st.builds(
        an_entry,
        st.uuids().map(str),
        agent=st.sampled_from(["refund", "label"]),
        level=st.integers(0, 3),
        rating=st.floats(-10, 10),
        eligible_ms=st.integers(0, 100_000),
        sequence=st.integers(0, 9),
        not_before_ms=st.sampled_from([0, 0, 0, 200_000]),
    ),
    unique_by=lambda entry: entry.activation,
    max_size=12,
)


def fired(
    entries: Sequence[Entry], policy: Policy, now_ms: int = 0, overrides: Mapping[str, Lift] | None = None
) -> list[str]:
    """The ids in the order in which they would fire."""
    return [e.activation for e in order(entries, policy, overrides or {}, now_ms, len(entries))]


@given(snapshots, st.integers(0, 10**9), st.integers(100_000, 300_000))
def test_the_same_snapshot_gives_the_same_pick_in_whatever_order_it_comes(
    entries: list[Entry], seed: int, now_ms: int
) -> None:
    """Neither the order in memory nor an earlier pick has a say."""
    shuffled = random.Random(seed).sample(entries, len(entries))
    policy = Policy()
    assert pick(entries, policy, {}, now_ms) == pick(shuffled, policy, {}, now_ms)


def test_a_higher_level_goes_first_however_long_a_lower_one_has_waited() -> None:
    """Levels are strict."""
    entries = [an_entry("low", level=1, rating=1000), an_entry("high", level=0, eligible_ms=9_999_999)]
    assert fired(entries, Policy(), 10_000_000) == ["high", "low"]


def test_with_promote_after_waiting_lifts_an_entry_level_by_level() -> None:
    """Two promotions after twice the time, and the level at which it competed is the one that is told."""
    waiting = an_entry("waiting", level=2, rating=5)
    policy = Policy(ageing_cap=0, promote_after_ms=10_000)
    newer = [an_entry(f"new{level}", level=level, eligible_ms=15_000) for level in (0, 1)]
    assert fired([waiting, *newer], policy, 19_000) == ["new0", "waiting", "new1"]
    assert fired([waiting, *newer], policy, 20_000) == ["waiting", "new0", "new1"]
    assert policy.level_of(waiting, 9_999) == 2
    assert policy.level_of(waiting, 10_000) == 1
    assert policy.level_of(waiting, 20_000) == 0
    assert policy.level_of(waiting, 99_000) == 0


def test_within_a_level_the_rating_decides_and_waiting_adds_to_it() -> None:
    """One point a second: four seconds of waiting beat three points of rating."""
    entries = [an_entry("rated", rating=3, eligible_ms=4_000), an_entry("patient", rating=0, eligible_ms=0)]
    assert fired(entries, Policy(ageing_rate_per_s=1), 4_000) == ["patient", "rated"]
    assert fired(entries, Policy(ageing_rate_per_s=0.5), 4_000) == ["rated", "patient"]


def test_ageing_stops_at_its_cap() -> None:
    """However long one waits, no more than the cap is added."""
    policy = Policy(ageing_rate_per_s=1, ageing_cap=10)
    old = an_entry("old", rating=1)
    assert policy.score_units(old, 10_000) == policy.score_units(old, 10**9) == 11 * 10**9


@pytest.mark.parametrize(("tie", "wanted"), [("fifo", ["a", "b", "c"]), ("recency", ["c", "b", "a"])])
def test_among_equals_the_first_or_the_last_to_come_goes_first(tie: str, wanted: list[str]) -> None:
    """The policy says which."""
    entries = [an_entry("b", sequence=2), an_entry("c", sequence=3), an_entry("a", sequence=1)]
    assert fired(entries, Policy(tie="recency" if tie == "recency" else "fifo")) == wanted


def test_among_those_that_came_together_the_id_decides() -> None:
    """The order is total."""
    assert fired([an_entry("b"), an_entry("a")], Policy()) == ["a", "b"]


def test_an_override_goes_before_every_level_and_rating() -> None:
    """Force and boost win over level; a negative one goes after all; the decision says which moved it and from where."""
    entries = [an_entry("first"), an_entry("lifted", level=3), an_entry("more", level=3), an_entry("sunk", rating=9)]
    lifts = {"lifted": Lift(1, "control/overrides/1"), "more": Lift(2, "control/overrides/2"), "sunk": Lift(-1, "k")}
    assert fired(entries, Policy(), 0, lifts) == ["more", "lifted", "first", "sunk"]
    choice = pick(entries, Policy(), lifts, 0)
    assert choice is not None
    assert (choice.override, choice.rank) == ("control/overrides/2", 4)


def test_a_boost_adds_points_within_a_level_or_moves_to_another_level() -> None:
    """It competes as if it were worth more; the choice tells the score and level that it had with the boost."""
    entries = [an_entry("best", level=1, rating=9), an_entry("worse", level=1), an_entry("low", level=2, rating=1)]
    points = {"worse": Lift(0, "control/overrides/1", 10 * POINT), "low": Lift(0, "k", 10 * POINT)}
    assert fired(entries, Policy(), 0, points) == ["worse", "best", "low"]
    choice = pick(entries, Policy(), points, 0)
    assert choice is not None
    assert (choice.override, choice.rank, choice.score) == ("control/overrides/1", 2, 10.0)
    level = {"low": Lift(0, "control/overrides/2", level=0)}
    assert fired(entries, Policy(), 0, level) == ["low", "best", "worse"]
    choice = pick(entries, Policy(), level, 0)
    assert choice is not None
    assert (choice.level, choice.rank) == (0, 3)


def test_a_blocked_agent_and_one_whose_time_has_not_come_are_not_eligible() -> None:
    """They are neither chosen nor counted."""
    entries = [
        an_entry("a", agent="refund"),
        an_entry("b", not_before_ms=11, agent="label"),
        an_entry("c", agent="label"),
    ]
    choice = pick(entries, Policy(), {}, 10, blocked={"refund"})
    assert choice is not None
    assert (choice.entry.activation, choice.eligible, choice.runners_up) == ("c", 1, ())
    assert pick(entries, Policy(), {}, 10, blocked={"refund", "label"}) is None


def test_a_choice_carries_everything_that_the_activation_keeps_of_it() -> None:
    """Levels by name, score in its parts, the next three and no more."""
    entries = [an_entry(f"a{n}", level=n // 2, rating=2.5, eligible_ms=1_000, sequence=n) for n in range(6)]
    choice = pick(entries, Policy(ageing_rate_per_s=0.5), {}, 4_000)
    assert choice is not None
    assert choice.decision(77, LEVELS) == {
        "revision": 77,
        "eligible": 6,
        "rank": 1,
        "level": "critical",
        "rating": 2.5,
        "waited_ms": 3_000,
        "score": 4.0,
        "override": None,
        "runners_up": [
            {"activation": "a1", "agent": "refund", "level": "critical", "score": 4.0},
            {"activation": "a2", "agent": "refund", "level": "high", "score": 4.0},
            {"activation": "a3", "agent": "refund", "level": "high", "score": 4.0},
        ],
    }


@given(
    old=st.builds(an_entry, st.just("old"), rating=st.floats(-10, 10), eligible_ms=st.integers(0, 50_000)),
    new=st.builds(
        an_entry, st.just("new"), rating=st.floats(-10, 10), eligible_ms=st.integers(0, 200_000), sequence=st.just(1)
    ),
    now_ms=st.integers(200_000, 400_000),
    rate=st.sampled_from([0.1, 1.0, 3.0]),
    cap=st.sampled_from([0.5, 30.0, math.inf]),
)
def test_a_newcomer_overtakes_only_within_the_starvation_bound(
    old: Entry, new: Entry, now_ms: int, rate: float, cap: float
) -> None:
    """Overtaken means: the newcomer is rated d points higher, and came less than d / rate later or waits itself.

    "Waits itself" is: for at least (cap - d) / rate, so that its own ageing nears the cap.  Without a cap no
    newcomer that comes d / rate later overtakes, ever; one with no higher rating never does, under any cap.
    """
    policy = Policy(ageing_rate_per_s=rate, ageing_cap=cap)
    later_s = (new.eligible_ms - old.eligible_ms) / 1000
    if later_s <= 0 or fired([old, new], policy, now_ms)[0] == "old":
        return
    higher = new.rating - old.rating
    assert higher > 0
    waited_s = (now_ms - new.eligible_ms) / 1000
    tiny = 1e-6
    assert later_s <= higher / rate + tiny or waited_s >= (cap - higher) / rate - tiny


@pytest.mark.parametrize("rating", [math.nan, math.inf, -math.inf])
def test_a_rating_that_is_no_number_is_refused(rating: float) -> None:
    """It would compare with nothing, so that the order would depend on chance."""
    with pytest.raises(InvalidValue, match="rating of refund"):
        an_entry("a", rating=rating)


def test_a_policy_that_would_punish_waiting_is_refused() -> None:
    """Rates and caps are not negative, and a promotion takes time."""
    with pytest.raises(UsageError):
        Policy(ageing_rate_per_s=-1)
    with pytest.raises(UsageError):
        Policy(ageing_cap=math.nan)
    with pytest.raises(UsageError):
        Policy(promote_after_ms=0)


def test_a_trigger_that_another_clock_dates_into_the_future_has_waited_nothing_as_far_as_is_told() -> None:
    """The order stays that of the triggers; a decision once told of a score of -0.002 and a wait of -2 ms."""
    policy = Policy(ageing_rate_per_s=1.0)
    young, younger = an_entry("a", eligible_ms=1_002, rating=3.0), an_entry("b", eligible_ms=1_005, rating=3.0)
    choice = pick([younger, young], policy, {}, 1_000)
    assert choice is not None
    assert (choice.entry, choice.waited_ms, choice.score) == (young, 0, 3.0)
    assert [one.score for one in choice.runners_up] == [3.0]
    lifted = pick([young], policy, {"a": Lift(0, "control/overrides/o", POINT)}, 1_000)
    assert lifted is not None
    assert lifted.score == 4.0
    assert policy.aged_units(-2) == 0
