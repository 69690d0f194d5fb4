"""Rates: what happened in the last seconds, from the changes that are kept."""

from __future__ import annotations

from typing import Any

from blackboard.log import Change
from controller.viewer.rates import Rates, rates
from tests.control_values import completed
from tests.still_board import record_of

NOW_MS = 100_000


def change(key: str, revision: int, time_ms: int, value: Any = None, *, before: Any = None) -> Change:
    commit, former = f"1-{revision}", record_of(key, completed(key, before)) if before is not None else None
    record = record_of(key, completed(key, value), commit=commit) if value is not None else None
    operation: Any = "put" if record is not None else "delete"
    return Change(key, operation, commit, revision, time_ms, "", record, "1-1" if former is not None else "", former)


def test_a_commit_counts_once_however_much_it_writes() -> None:
    changes = [change(f"note/{n}", 1 + n // 4, NOW_MS - 1_000, n) for n in range(20)]
    assert rates(changes, NOW_MS, most=100) == Rates(1.0, 0.0, 0.0, 5_000)


def test_what_is_older_than_the_window_does_not_count() -> None:
    changes = [change("note/1", n, NOW_MS - 6_000 + 500 * n, n) for n in range(13)]
    assert rates(changes, NOW_MS, most=100).commits == 2.0
    assert rates(changes, NOW_MS + 60_000, most=100) == Rates(0.0, 0.0, 0.0, 5_000)
    assert rates([], NOW_MS, most=100) == Rates(0.0, 0.0, 0.0, 5_000)


def test_an_activation_counts_when_it_begins_and_refusals_when_they_are_told_of() -> None:
    running = {"agent": "a", "state": "running"}
    changes = [
        change("control/activations/a", 1, NOW_MS, running),
        change("control/activations/a", 2, NOW_MS, running | {"state": "executed", "conflicts": 3}, before=running),
        change("control/activations/a", 3, NOW_MS, running | {"conflicts": 3}, before=running | {"conflicts": 3}),
        change("control/overrides/o", 4, NOW_MS, {"status": "refused"}, before={"status": "open"}),
        change("control/overrides/o", 5, NOW_MS, {"status": "refused"}, before={"status": "refused"}),
        change("control/activations/b", 6, NOW_MS, before=running),
    ]
    assert rates(changes, NOW_MS, most=100) == Rates(6 / 5, 1 / 5, 4 / 5, 5_000)


def test_where_no_more_was_kept_than_a_part_of_the_window_the_rates_are_of_that_part() -> None:
    changes = [change("note/1", n, NOW_MS - 1_000 + n, n) for n in range(1_000)]
    assert rates(changes, NOW_MS, most=1_000) == Rates(1_000.0, 0.0, 0.0, 1_000)
    assert rates([change("note/1", 1, NOW_MS + 50, 1)], NOW_MS, most=1).window_ms == 1


def test_records_that_hold_anything_at_all_count_as_no_refusal() -> None:
    torn = record_of("control/activations/a", {"conflicts": "many"})
    bytes_lost = type(torn)("control/overrides/a", "1-2", 2, 1, 0, torn.packed[:-3])
    changes = [
        Change("control/activations/a", "put", "1-1", 1, NOW_MS, "", torn, "1-0", torn),
        Change("control/overrides/a", "put", "1-2", 2, NOW_MS, "", bytes_lost, "1-0", None),
        Change("control/activations/b", "put", "1-3", 3, NOW_MS, "", record_of("control/activations/b", 7), "1-0"),
    ]
    assert rates(changes, NOW_MS, most=100).refusals == 0
