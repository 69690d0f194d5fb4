"""Durations read as what a person wrote, or are refused with the form that is right."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from blackboard.durations import MAX_DURATION_MS, format_duration, parse_duration
from blackboard.errors import InvalidInput


@pytest.mark.parametrize(
    ("expected_ms", "text"),
    [
        (500, "500ms"),
        (30_000, "30s"),
        (120_000, "2m"),
        (3_600_000, "1h"),
        (1_500, "1.5s"),
        (86_400_000, "1d"),
        (0, "0s"),
    ],
)
def test_a_number_with_a_unit_is_that_many_milliseconds(expected_ms: int, text: str) -> None:
    assert parse_duration(text) == expected_ms


@pytest.mark.parametrize(
    "text", ["", "30", "s", "-1s", "1e3s", "30 s", "30S", "1m30s", "٣s", "30s\n", "0.1ms", "366d", "9" * 10_000 + "s"]
)
def test_anything_else_is_refused(text: str) -> None:
    with pytest.raises(InvalidInput):
        parse_duration(text)


def test_a_bare_number_is_refused_with_the_form_that_is_right() -> None:
    with pytest.raises(InvalidInput, match="number and a unit, like 500ms"):
        parse_duration("30")


@given(st.integers(0, MAX_DURATION_MS))
def test_what_is_formatted_reads_back_as_the_same_span(duration_ms: int) -> None:
    assert parse_duration(format_duration(duration_ms)) == duration_ms
