"""Merging keeps what is in any of the values, and of two that differ the one that comes first."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from blackboard.errors import InvalidInput
from knowledge_sources.library.merging import deep, first, union

SCALARS = st.none() | st.booleans() | st.integers(0, 3) | st.sampled_from(["a", "ä", ""])
VALUES = st.recursive(
    SCALARS,
    lambda below: st.lists(below, max_size=3) | st.dictionaries(st.sampled_from("xyz"), below, max_size=3),
    max_leaves=8,
)
MAPPINGS = st.lists(st.dictionaries(st.sampled_from("xyz"), VALUES, max_size=3), min_size=1, max_size=4)


@given(MAPPINGS)
def test_a_union_has_every_key_with_its_first_value(values: list[dict[str, Any]]) -> None:
    merged = union(values)
    assert merged.keys() == {key for value in values for key in value}
    for key, item in merged.items():
        assert item == next(value[key] for value in values if key in value)


@given(MAPPINGS)
def test_merging_deep_loses_no_path(values: list[dict[str, Any]]) -> None:
    merged = deep(values)
    for value in values:
        assert paths(value) - scalars_above(values) <= paths(merged) | scalars_above(values)
    assert deep([merged, *values]) == merged


@given(st.lists(st.lists(SCALARS, max_size=4), min_size=1, max_size=4))
def test_a_union_of_lists_has_each_item_once_in_the_order_of_their_first(values: list[list[Any]]) -> None:
    kinds = [(type(item).__name__, item) for value in values for item in value]
    assert [(type(item).__name__, item) for item in union(values)] == list(dict.fromkeys(kinds))


def test_first_is_the_first() -> None:
    assert first([3, {"a": 1}]) == 3


@pytest.mark.parametrize("values", [[{}, []], [1, 2], ["a"], [{}, None]])
def test_what_is_neither_all_mappings_nor_all_lists_is_refused(values: list[Any]) -> None:
    with pytest.raises(InvalidInput, match="neither all mappings nor all lists"):
        union(values)


def test_deep_merges_mappings_and_lists_below_and_lets_the_first_of_unlike_ones_stand() -> None:
    one = {"who": {"name": "Ada", "tags": [1, 2]}, "at": 3}
    other = {"who": {"city": "Bonn", "tags": [2, True]}, "at": {"x": 1}, "more": None}
    assert deep([one, other]) == {
        "who": {"name": "Ada", "tags": [1, 2, True], "city": "Bonn"}, "at": 3, "more": None,
    }  # fmt: skip


def paths(value: Any, above: tuple[str, ...] = ()) -> set[tuple[str, ...]]:
    """Every path of keys in ``value``."""
    if not isinstance(value, dict):
        return set()
    return {(*above, key) for key in value}.union(*(paths(item, (*above, key)) for key, item in value.items()))


def scalars_above(values: list[dict[str, Any]]) -> set[tuple[str, ...]]:
    """The paths below one at which some value has no mapping, which counts if it comes first."""
    every = set().union(*map(paths, values))
    ends = {
        path for path in every for value in values if path in paths(value) and not isinstance(at(value, path), dict)
    }
    return {path for path in every if any(path[: len(end)] == end and path != end for end in ends)}


def at(value: Any, path: tuple[str, ...]) -> Any:
    for key in path:
        value = value[key]
    return value
