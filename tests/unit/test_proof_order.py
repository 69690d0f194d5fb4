"""The order checker says of every history what trying all orders says, and says it of long ones too."""

from __future__ import annotations

import random
import time
from collections import defaultdict

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.proof.history import NEVER
from tests.proof.order import Step, misordered
from tests.proof.search import explainable
from tests.proof.timeline import Timeline

Changes = list[tuple[str, str]]


def timelines(changes: Changes) -> dict[str, Timeline]:
    lines: dict[str, Timeline] = defaultdict(Timeline)
    for revision, (key, commit) in enumerate(changes, 1):
        lines[key].add(revision, commit)
    return lines


def made_up(chance: random.Random, count: int, keys: int) -> tuple[list[Step], Changes]:
    """Operations that took effect one after the other, each at a moment between its start and its end."""
    state: dict[str, str] = {}
    steps: list[Step] = []
    changes: Changes = []
    for n in range(count):
        now, key = 100 * n, f"k/{chance.randrange(keys)}"
        start, end = now - chance.randrange(400), now + chance.randrange(400)
        met = ((key, state.get(key, "")),)
        kind = chance.choice(["read", "write", "compare", "unknown", "expiry"])
        if kind == "read":
            steps.append(Step(f"s{n}", start, end, 0, met))
            continue
        commit = "" if kind == "expiry" or chance.random() < 0.2 else f"1-{len(changes) + 1}"
        changes.append((key, commit))
        state[key] = commit
        if kind != "expiry":
            last = NEVER if kind == "unknown" else end
            steps.append(Step(f"s{n}", start, last, len(changes), met if kind == "compare" else ()))
    return steps, changes


def corrupted(chance: random.Random, steps: list[Step], changes: Changes) -> list[Step]:
    """The same with one thing changed, which may or may not be noticeable."""
    n = chance.randrange(len(steps))
    step, other = steps[n], steps[chance.randrange(len(steps))]
    match chance.randrange(4):
        case 0:
            step = step._replace(
                start_ns=step.start_ns + (move := chance.randrange(-900, 900)), end_ns=step.end_ns + move
            )
        case 1 if step.sees and changes:
            step = step._replace(sees=((step.sees[0][0], chance.choice(changes)[1]),))
        case 2 if step.revision and other.revision:
            swapped = [s._replace(revision=step.revision) if s is other else s for s in steps]
            swapped[n] = step._replace(revision=other.revision)
            return swapped
        case _:
            step = step._replace(end_ns=step.start_ns)
    return [*steps[:n], step, *steps[n + 1 :]]


@settings(max_examples=600, deadline=None)
@given(st.integers(0, 1 << 32), st.integers(1, 10), st.integers(1, 2))
def test_what_took_effect_one_after_the_other_is_in_order(seed: int, count: int, keys: int) -> None:
    steps, changes = made_up(random.Random(seed), count, keys)
    assert misordered(steps, timelines(changes)) == []
    assert explainable(steps, changes)


@settings(max_examples=3000, deadline=None)
@given(st.integers(0, 1 << 32), st.integers(1, 11), st.integers(1, 2), st.integers(1, 3))
def test_the_checker_and_the_search_agree_on_what_was_corrupted(seed: int, count: int, keys: int, changed: int) -> None:
    chance = random.Random(seed)
    steps, changes = made_up(chance, count, keys)
    for _ in range(changed if steps else 0):
        steps = corrupted(chance, steps, changes)
    assert (misordered(steps, timelines(changes)) == []) == explainable(steps, changes)


def test_corruption_is_noticed_often_enough_to_compare_anything() -> None:
    chance = random.Random(1)
    noticed = 0
    for _ in range(500):
        steps, changes = made_up(chance, 10, 1)
        noticed += bool(steps) and not explainable(corrupted(chance, steps, changes), changes)
    assert 100 < noticed < 400


WROTE = Step("the write", 0, 10, 1, ())
AGAIN = Step("the next write", 20, 30, 2, ())


@pytest.mark.parametrize(
    "last",
    [
        Step("a stale read", 40, 50, 0, (("k/1", "1-1"),)),
        Step("a read of nothing", 40, 50, 0, (("k/1", ""),)),
        Step("a read before the write", -20, -10, 0, (("k/1", "1-1"),)),
        Step("a read of what never was", 40, 50, 0, (("k/1", "1-7"),)),
        Step("a commit that was overtaken", -20, -10, 3, ()),
    ],
)
def test_what_fits_no_order_is_told_with_what_it_met(last: Step) -> None:
    changes = [("k/1", "1-1"), ("k/1", "1-2"), ("k/2", "1-3")]
    found = misordered([WROTE, AGAIN, last], timelines(changes))
    assert len(found) >= 1
    assert not explainable([WROTE, AGAIN, last], changes)


def test_a_read_that_overlaps_a_write_may_see_either_but_two_in_a_row_not_the_older_last() -> None:
    changes = [("k/1", "1-1"), ("k/1", "1-2")]
    slow = Step("the write", 20, 100, 2, ())
    new, old = Step("new", 30, 40, 0, (("k/1", "1-2"),)), Step("old", 50, 60, 0, (("k/1", "1-1"),))
    assert misordered([WROTE, slow, new], timelines(changes)) == []
    assert misordered([WROTE, slow, old], timelines(changes)) == []
    assert len(misordered([WROTE, slow, new, old], timelines(changes))) == 1


def test_three_hundred_thousand_operations_are_checked_in_seconds() -> None:
    steps, changes = made_up(random.Random(1), 400_000, 50)
    assert len(steps) > 300_000
    started = time.process_time()
    assert misordered(steps, timelines(changes)) == []
    assert time.process_time() - started < 60
