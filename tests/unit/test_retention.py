"""The log's limits, the holds on it, the fields that changed, and where two runs part: decided without a server."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from blackboard import codec
from blackboard.divergence import divergences
from blackboard.errors import Corrupt, InvalidInput
from blackboard.field_changes import ABSENT, field_changes
from blackboard.holds import Observer
from blackboard.log import Change
from blackboard.record import Record, Stamp
from blackboard.retention import EVERYTHING, MAX_REVISIONS, Retention, format_size, parse_size, parse_stored
from blackboard.snapshots import Snapshot, snapshots_in, value_of


@given(st.builds(Retention, st.integers(0, MAX_REVISIONS), st.integers(0, 10**15), st.integers(0, 10**15)))
def test_what_is_stored_of_the_limits_is_what_was_set(retention: Retention) -> None:
    assert parse_stored(retention.stored()) == retention


def test_limits_are_told_in_words() -> None:
    assert str(EVERYTHING) == "everything"
    assert not EVERYTHING.limited
    assert str(Retention(1000, 3_600_000, 1 << 20)) == "1,000 revisions, 1h, 1MB"
    assert parse_stored(None) == Retention()


@pytest.mark.parametrize("text", ["", "1", "1 2", "1 2 x", "-1 2 3", "1 2 3 4"])
def test_limits_that_do_not_parse_are_corrupt(text: str) -> None:
    with pytest.raises(Corrupt, match="the board's retention does not parse"):
        parse_stored(text)


@pytest.mark.parametrize("text", ["", "5", "MB", "1.5GB", "-1MB", "1 MB", "1mb", "1TB"])
def test_a_size_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(InvalidInput, match="is not a size"):
        parse_size(text)


@given(st.integers(1, 999), st.sampled_from(["KB", "MB", "GB"]))
def test_a_size_is_read_as_it_is_written(number: int, unit: str) -> None:
    assert format_size(parse_size(f"{number}{unit}")) == f"{number}{unit}"


@pytest.mark.parametrize("limits", [(-1, 0, 0), (0, -1, 0), (0, 0, -1), (MAX_REVISIONS + 1, 0, 0)])
def test_limits_below_nothing_are_refused(limits: tuple[int, int, int]) -> None:
    with pytest.raises(InvalidInput):
        Retention(*limits)


def test_a_hold_is_dead_after_a_lease_without_a_move_and_not_before() -> None:
    observer = Observer(lease_s=30)
    assert observer.dead({b"a": b"5 1", b"b": b"5 1"}, 100.0) == []
    assert observer.dead({b"a": b"5 1", b"b": b"5 1"}, 115.0) == []
    assert observer.dead({b"a": b"5 1", b"b": b"5 2"}, 129.9) == []
    assert observer.dead({b"a": b"5 1", b"b": b"5 2"}, 130.0) == [b"a", b"5 1"]
    assert observer.dead({b"b": b"5 2"}, 144.9) == []
    assert observer.dead({b"b": b"5 2"}, 160.0) == [b"b", b"5 2"]


def test_a_hold_that_was_away_between_two_looks_is_new() -> None:
    observer = Observer(lease_s=30)
    observer.dead({b"a": b"5 1"}, 0.0)
    observer.dead({}, 10.0)
    assert observer.dead({b"a": b"5 1"}, 40.0) == []


def test_time_in_which_nobody_looked_makes_no_hold_dead_at_once() -> None:
    observer = Observer(lease_s=30)
    observer.dead({b"a": b"5 1"}, 0.0)
    # The server was away for an hour, and who lives could not tell it so.
    assert observer.dead({b"a": b"5 1"}, 3600.0) == []
    assert observer.dead({b"a": b"5 1"}, 3614.9) == []
    assert observer.dead({b"a": b"5 1"}, 3615.0) == [b"a", b"5 1"]


def test_snapshots_never_die_and_are_told_by_revision() -> None:
    taken = [Snapshot("late", 9, 5, "ann b"), Snapshot("early/é", 3, 7, "")]
    holds = {f"snapshot:{each.name}".encode(): value_of(each).encode() for each in taken} | {b"a": b"1 1"}
    assert snapshots_in(holds) == [taken[1], taken[0]]
    observer = Observer(lease_s=1)
    for now_s in (0.0, 100.0):
        observer.dead(holds, now_s)
    assert observer.dead(holds, 200.0) == [b"a", b"1 1"]
    with pytest.raises(Corrupt):
        snapshots_in({b"snapshot:x": b"rubbish"})


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-3, 3) | st.text(max_size=2),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text("ab", max_size=1), inner, max_size=3),
)


@given(JSON, JSON)
def test_two_values_have_no_field_changes_exactly_when_they_are_the_same(before: Any, after: Any) -> None:
    assert (field_changes(before, after) == []) == (
        codec.pack_value(_sorted(before)) == codec.pack_value(_sorted(after))
    )


def _sorted(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _sorted(value[key]) for key in sorted(value)}
    return [_sorted(item) for item in value] if isinstance(value, list) else value


def test_field_changes_name_the_smallest_part_that_differs() -> None:
    before = {"a": {"b": [1, {"c": 2}], "gone": 1}, "n": 1, "list": [1]}
    after = {"a": {"b": [1, {"c": 3}]}, "n": True, "list": [1, 2], "new": None}
    assert field_changes(before, after) == [
        ("a.b[1].c", 2, 3),
        ("a.gone", 1, ABSENT),
        ("n", 1, True),
        ("list", [1], [1, 2]),
        ("new", ABSENT, None),
    ]
    assert field_changes(1, 2) == [("", 1, 2)]


def change(key: str, revision: int, value: Any, author: str = "") -> Change:
    commit = f"1-{revision}"
    if value is None:
        return Change(key, "delete", commit, revision, revision, author, None, "")
    packed, _ = codec.pack_record(Stamp(author), "", 0, codec.pack_value(value))
    return Change(key, "put", commit, revision, revision, author, Record(key, commit, revision, 1, 0, packed), "")


def test_runs_that_interleave_otherwise_and_hold_the_same_do_not_part() -> None:
    first = [change("a/1", 1, 1), change("b/1", 2, 1), change("control/x", 3, 1), change("a/1", 4, None)]
    second = [change("b/1", 1, 1, "other"), change("control/x", 2, 7), change("a/1", 5, 1), change("a/1", 6, None)]
    assert divergences(first, second) == []


def test_runs_part_at_the_first_version_of_each_record_that_differs() -> None:
    first = [change("a/1", 1, 1), change("b/1", 2, 1), change("a/1", 3, 2), change("b/1", 4, None)]
    second = [change("a/1", 1, 1), change("a/1", 2, 3), change("a/1", 3, 4), change("b/1", 4, 1), change("c/1", 5, 1)]
    parted = [
        (one.key, one.number, one.revision, one.first is None, one.second is None) for one in divergences(first, second)
    ]
    assert parted == [("a/1", 2, 3, False, False), ("b/1", 2, 4, False, True), ("c/1", 1, 5, True, False)]
