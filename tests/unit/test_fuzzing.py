"""The fuzzing itself: what it must see, it sees; the same seed makes the same inputs."""

from __future__ import annotations

import random
import time

import pytest

from tests.fuzz import limits
from tests.fuzz.__main__ import NAMES, target_of
from tests.fuzz.limits import judge
from tests.fuzz.minimising import minimised
from tests.fuzz.mutation import MAX_BYTES, Mutator


def fine(data: bytes) -> str:
    return f"{len(data)} bytes"


def raising(data: bytes) -> str:
    raise KeyError(data)


def growing(data: bytes) -> str:
    return str(len(b"x" * (150 << 20)))


def slow(data: bytes) -> str:
    end = time.process_time() + 0.2
    while time.process_time() < end:
        pass
    return ""


def test_an_input_that_raises_or_costs_too_much_is_a_finding(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "MAX_SECONDS", 0.1)
    assert judge(fine, b"abc") == ("3 bytes", None)
    kinds = [finding.kind for take in (raising, growing, slow) if (finding := judge(take, b"")[1]) is not None]
    assert [kind.partition(":")[0] for kind in kinds] == ["KeyError in test_fuzzing.py", "memory", "slow"]


def test_an_input_is_minimised_to_what_makes_it_fail() -> None:
    data = bytes(range(256)) * 3
    assert minimised(data, lambda shorter: b"\x07" in shorter and b"\xf0" in shorter, 10) in (b"\x07\xf0", b"\xf0\x07")


@pytest.mark.parametrize("name", NAMES)
def test_the_same_seed_makes_the_same_inputs_and_none_of_the_first_is_a_finding(name: str) -> None:
    target = target_of(name)
    known = target.samples()
    made: list[list[bytes]] = []
    for _ in range(2):
        chance = random.Random(f"1 {name}")
        mutator = Mutator(chance, target.words)
        made.append([mutator.changed(chance.choice(known), target.fresh(chance)) for _ in range(40)])
    assert made[0] == made[1]
    assert all(len(data) <= MAX_BYTES for data in made[0])
    findings = [judge(target.take, data)[1] for data in [*known[:40], *made[0]]]
    assert [finding for finding in findings if finding is not None and finding.kind != "slow"] == []
