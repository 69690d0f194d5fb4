"""How durations are put for a person: in the units that say something, whoever asks."""

from __future__ import annotations

import pytest

from blackboard.wording import seconds, span


@pytest.mark.parametrize(
    ("duration_ms", "told"),
    [
        (-5, "0 ms"), (0, "0 ms"), (350, "350 ms"), (999, "999 ms"), (1_000, "1.0 s"), (4_240, "4.2 s"),
        (59_949, "59.9 s"), (59_950, "1 min"), (60_000, "1 min"), (92_000, "1 min 32 s"), (600_000, "10 min"),
        (3_600_000, "1 h"), (3_599_999, "1 h"), (5_400_000, "1 h 30 min"), (5_459_000, "1 h 30 min"),
        (86_400_000, "1 d"), (183_600_000, "2 d 3 h"), (86_460_000, "1 d"),
    ],
)  # fmt: skip
def test_a_duration_has_two_units_at_most_and_no_sixty_of_one(duration_ms: int, told: str) -> None:
    assert seconds(duration_ms) == told


@pytest.mark.parametrize(
    ("duration_ms", "told"),
    [(-5, "0 s"), (999, "0 s"), (59_999, "59 s"), (60_000, "1 min"), (5_400_000, "1 h"), (183_600_000, "2 d")],
)
def test_how_long_ago_is_told_in_the_largest_unit(duration_ms: int, told: str) -> None:
    assert span(duration_ms) == told
