"""Nothing that stays eligible is forgotten: under each policy it fires within the bound that docs/choosing.md states."""

from __future__ import annotations

import math
import random
from typing import TYPE_CHECKING

import pytest

from controller.agenda import Agenda
from controller.strategy import Policy
from tests.unit.test_shares import fire, of

if TYPE_CHECKING:
    from controller.grouping import Key

STEP_MS = 100
"""between two arrivals, and between two firings: who waits is never alone"""
AHEAD = 30
"""entries that are there when the one that is watched comes"""


@pytest.mark.parametrize("seed", range(30))
def test_one_of_a_low_level_and_rating_fires_however_much_of_higher_ones_keeps_coming(seed: int) -> None:
    """It waits for what was there, and for what came within the longer of its promotions and the head start in points.

    One arrives and one fires in each step, most of them more urgent and rated higher than the one that is watched.
    """
    drawn = random.Random(seed)
    rate, promote_ms = drawn.choice([0.5, 1.0, 4.0]), drawn.choice([300, 1_000, 2_500])
    policy = Policy(ageing_rate_per_s=rate, ageing_cap=math.inf, promote_after_ms=promote_ms)
    agenda, level, highest = Agenda(policy), drawn.randrange(4), drawn.choice([0.0, 2.0, 6.0])
    for n in range(AHEAD):
        agenda.add(of("x", n, level=drawn.randrange(4), rating=drawn.uniform(0, highest)))
    agenda.add(of("watched", AHEAD, level=level))
    overtaking_ms = max(level * promote_ms, highest / rate * 1000)
    bound = AHEAD + math.ceil(overtaking_ms / STEP_MS) + 1
    for step in range(bound + 1):
        now_ms = step * STEP_MS
        if step:
            urgent = drawn.random() < 0.9
            newcomer = of("x", AHEAD + step, level=0 if urgent else drawn.randrange(4), rating=highest, at_ms=now_ms)
            agenda.add(newcomer)
        if fire(agenda, now_ms).entry.flow == "watched":
            return
    pytest.fail(f"not fired within {bound} firings")


@pytest.mark.parametrize("seed", range(30))
def test_where_firings_are_shared_one_waits_for_its_own_and_twice_for_each_of_the_others(seed: int) -> None:
    """Whatever the ratings of the others, and however many of them keep coming."""
    drawn = random.Random(seed)
    agenda, others = Agenda(Policy(fair="customer")), [f"c{n}" for n in range(drawn.randrange(1, 8))]
    own, serial = drawn.randrange(5), 0
    for _ in range(drawn.randrange(30)):  # what was before must not count
        agenda.add(of(drawn.choice(["watched", *others]), serial := serial + 1))
        fire(agenda)
    first = serial
    for _ in range(own):
        agenda.add(of("watched", serial := serial + 1))
    agenda.add(watched := of("watched", serial := serial + 1))
    bound = own + (own + 1) * 2 * len(others) + 1
    assert first + own + 1 == serial
    for fired in range(1, bound + 1):
        for other in others:
            agenda.add(of(other, serial := serial + 1, rating=50))
            agenda.add(of(other, serial := serial + 1, rating=50))
        if fire(agenda).entry is watched:
            assert fired <= bound
            return
    pytest.fail(f"not fired within {bound} firings")


@pytest.mark.parametrize("seed", range(30))
def test_whoever_is_blocked_for_a_while_is_picked_once_it_no_longer_is(seed: int) -> None:
    """A thousand steps of blocking and unblocking agents and customers lose no entry, and fire none twice."""
    drawn = random.Random(seed)
    policy = Policy(fair=drawn.choice(["", "customer"]), promote_after_ms=drawn.choice([None, 500]))
    agenda, count = Agenda(policy), 0
    fired: list[str] = []
    blocked: set[Key] = set()
    keys: list[Key] = [of(customer, 0).lane[1] for customer in "abc"]
    for step in range(1_000):
        if drawn.random() < 0.4:
            agenda.add(of(drawn.choice("abc"), count, level=drawn.randrange(3), at_ms=step))
            count += 1
        key = drawn.choice(keys)
        (agenda.unblock if key in blocked else agenda.block)(key, "for a while")
        blocked ^= {key}
        choice = agenda.pick(step)
        if choice is not None:
            assert choice.entry.lane[1] not in blocked
            agenda.remove(choice.entry.activation)
            agenda.served(choice)
            fired.append(choice.entry.activation)
    for key in blocked:
        agenda.unblock(key, "for a while")
    while len(agenda):
        fired.append(fire(agenda, 2_000).entry.activation)
    assert len(fired) == len(set(fired)) == count
