"""The Board pane: its rows are those that all records, sorted anew, would give, whatever has changed in between."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING, Any

import pytest
from rich.cells import cell_len

from blackboard.record import Record
from controller.viewer.arrangement import group_of
from controller.viewer.filtering import Filter
from controller.viewer.line import plain
from controller.viewer.model import Model
from controller.viewer.ordered import CHUNK, Ordered
from controller.viewer.pane import LIT_MS
from controller.viewer.panes.board import STEPS_A_CALL, BoardPane
from controller.viewer.target import Target
from tests.viewed import Writer, identities, picture, removed, written

if TYPE_CHECKING:
    from collections.abc import Mapping

KEYS = [f"{region}/{n}" for region in ("order", "label", "control", "z") for n in range(40)] + [
    "flag",
    "order",
    "control",
    "a",
    "b",
]
FILTERS = [None, "x" * 30, "order/*", "n >= 5", 'record.author == "bob"', "7", "control/*"]
ORDERS = {
    "key": lambda r: (r.key,),
    "newest": lambda r: (-r.revision, r.key),
    "version": lambda r: (-r.version, r.key),
    "author": lambda r: (r.author, r.key),
    "size": lambda r: (-len(r.packed), r.key),
}


def naive(standing: Mapping[str, Record[Any]], sort: str, text: str | None, folded: set[str]) -> list[str]:
    """The identities of the rows, from all the records there are."""
    wanted = Filter.parse(text) if text else None
    if wanted is not None and wanted.pattern is not None:
        folded = folded - {wanted.pattern.region}
    shown = [record for record in standing.values() if wanted is None or wanted.accepts_record(record)]
    shown.sort(key=ORDERS[sort])
    if sort == "newest":
        return [record.key for record in shown if group_of(record.key) not in folded & {"control"}]
    rows = []
    regions = {group_of(record.key) for record in shown}
    for region in [*sorted(regions - {"control"}), *sorted(regions & {"control"})]:
        rows.append(f"region {region}")
        if region not in folded:
            rows += [record.key for record in shown if group_of(record.key) == region]
    return rows


def settle(pane: BoardPane) -> None:
    pane.refresh()
    while pane.busy:
        pane.refresh()


@pytest.mark.parametrize("seed", range(12))
def test_after_any_changes_the_rows_are_those_of_all_records_sorted_anew(seed: int) -> None:
    chance = random.Random(seed)
    writer = Writer(chance, KEYS)
    writer.write(chance.randrange(100))
    pane = BoardPane(writer.model)
    text = None
    for _ in range(30):
        match chance.randrange(5):
            case 0:
                pane.sort_by(chance.choice(pane.sorts))
            case 1:
                text = chance.choice(FILTERS)
                pane.filter_by(Filter.parse(text) if text else None)
            case 2 if len(pane):
                pane.toggle(chance.randrange(len(pane)))
            case 3:
                writer.take_back(chance.randrange(min(60, len(writer.history) + 1)))
            case _:
                writer.write(chance.randrange(60))
        settle(pane)
        assert identities(pane) == naive(writer.standing, pane.sort, text, pane.folded)
        assert [pane.row_of(identity) for identity in identities(pane)] == list(range(len(pane)))
        assert len(picture(pane)) == len(pane)


def test_a_new_order_and_a_filter_of_many_records_are_worked_off_bit_by_bit_while_the_board_changes() -> None:
    chance = random.Random(1)
    many = 2 * STEPS_A_CALL
    writer = Writer(chance, [f"order/{n}" for n in range(many)])
    writer.write(many)
    pane = BoardPane(writer.model)
    whole = identities(pane)
    assert whole == naive(writer.standing, "key", None, set())
    pane.sort_by("version")
    assert 0 < len(pane) < len(whole)
    assert "sorting" in pane.title
    calls = 0
    while pane.busy:
        writer.write(100)
        pane.refresh()
        calls += 1
        assert set(identities(pane)[1:]) <= set(writer.standing)
    assert calls > 1
    assert identities(pane) == naive(writer.standing, "version", None, set())
    pane.filter_by(Filter.parse("n == 3"))
    assert "filtering" in pane.title
    settle(pane)
    assert identities(pane) == naive(writer.standing, "version", "n == 3", set())
    accepted = len(pane) - 1
    assert pane.title == f"Board · {accepted:,} of {len(writer.standing):,} records · by version"


def test_a_burst_of_changes_is_taken_in_bit_by_bit_and_nothing_that_is_gone_ends_the_pane() -> None:
    records = [written(f"order/{n}", n, n + 1) for n in range(2 * STEPS_A_CALL)]
    model = Model("b", records, len(records))
    pane = BoardPane(model)
    for number, record in enumerate(records, len(records) + 1):
        model.apply(removed(record.key, number))
    assert "removed" in plain(pane.line(1, 100, 0))
    pane.refresh()
    assert pane.busy
    assert len(picture(pane)) == len(pane)
    settle(pane)
    assert len(pane) == 0
    assert pane.title == "Board · 0 records"


def test_the_control_region_is_last_and_folded_until_it_is_asked_for() -> None:
    model = Model("b", [written("control/agents/pay", {"name": "pay"}, 1), written("zebra/1", 1, 2)])
    pane = BoardPane(model)
    assert identities(pane) == ["region zebra", "zebra/1", "region control"]
    assert picture(pane)[2].startswith("▸ control  1")
    pane.toggle(2)
    assert identities(pane) == ["region zebra", "zebra/1", "region control", "control/agents/pay"]
    pane.toggle(3)
    pane.filter_by(Filter.parse("control/agents/*"))
    assert identities(pane) == ["region control", "control/agents/pay"]
    assert pane.title == "Board · 1 of 2 records"


def test_a_region_tells_its_count_and_what_was_changed_last_in_it_lit_for_a_while() -> None:
    model = Model("b", [written("order/1", 1, 10), written("order/2", 1, 20, author="bob")])
    pane = BoardPane(model)
    assert picture(pane, now_ms=60_020)[0] == "▾ order  2  order/2 by bob, 1 min ago"
    model.apply(removed("order/1", 5_000))
    pane.refresh()
    line = pane.line(0, 100, 5_000 + LIT_MS - 1)
    assert plain(line) == "▾ order  1  order/1 removed, 1 s ago"
    assert [span.meaning for span in line] == ["title", "dim", "lit"]
    assert pane.line(0, 100, 5_000 + LIT_MS)[-1].meaning == "dim"


@pytest.mark.parametrize("seed", range(8))
def test_a_region_tells_what_was_newest_at_each_moment_also_on_the_way_back(seed: int) -> None:
    writer = Writer(random.Random(seed), [f"order/{n}" for n in range(5)])
    pane = BoardPane(writer.model)
    told = []
    for _ in range(30):
        writer.write(1)
        pane.refresh()
        told.append(picture(pane, now_ms=writer.revision)[:1])
        assert not told[-1] or writer.history[-1].key in told[-1][0]
    for before in told[-2::-1]:
        writer.take_back(1)
        pane.refresh()
        now = picture(pane, now_ms=writer.revision)[:1]
        assert now == before or "removed" in before[0]


def test_a_record_shows_its_value_version_author_and_age_and_is_lit_while_it_is_new() -> None:
    model = Model("b", [written("order/1", {"a": "x\n\x1b[2J"}, 1_000, version=3, author="bob")])
    pane = BoardPane(model)
    shown = pane.line(1, 100, 61_000)
    assert plain(shown).split() == ["order/1", '{"a":', r'"x\n\u001b[2J"}', "v3", "bob", "1", "min"]
    assert pane.line(1, 100, 1_500)[0].meaning == "lit"
    assert shown[0].meaning == "name"
    heading = pane.heading(100)
    assert heading is not None
    assert plain(heading).split() == ["key", "value", "version", "author", "age"]
    pane.hidden = {"value", "age", "size"}
    assert plain(pane.line(1, 100, 61_000)).split() == ["order/1", "v3", "bob"]
    pane.sort_by("size")
    assert plain(pane.line(1, 100, 61_000)).split()[-1] == "B"


def test_a_record_whose_time_is_over_is_dim_and_says_so() -> None:
    pane = BoardPane(Model("b", [written("offer/1", 5, 1_000, expires_ms=4_000)]))
    assert "its time is over" not in plain(pane.line(1, 100, 3_999))
    over = pane.line(1, 100, 4_000)
    assert "its time is over" in plain(over)
    assert {span.meaning for span in over if span.text.strip()} == {"dim"}


def test_enter_opens_the_record_or_what_it_tells_of() -> None:
    keys = {
        "control/activations/a1": Target("activation", "a1"),
        "control/agents/pay": Target("agent", "pay"),
        "control/escalations/q1": Target("question", "q1"),
        "control/progress/a1": Target("record", "control/progress/a1"),
        "order/1": Target("record", "order/1"),
    }
    model = Model("b", [written(key, {}, 1) for key in keys])
    pane = BoardPane(model)
    pane.folded.clear()
    pane.refresh()
    for key, target in keys.items():
        row = pane.row_of(key)
        assert row is not None
        assert pane.target(row) == target
        assert pane.text(row) == key
    assert pane.target(0) is None
    assert pane.text(0) == "order"


def test_keys_of_one_segment_stand_together_and_not_each_in_a_region_of_its_own() -> None:
    model = Model(
        "b", [written("flag", 1, 10), written("order/1", 1, 20), written("order", 1, 30), written("a", 1, 40)]
    )
    pane = BoardPane(model)
    assert identities(pane) == ["region ", "a", "flag", "order", "region order", "order/1"]
    assert picture(pane, now_ms=1_040)[0] == "▾ keys of one segment  3  a by ann, 1 s ago"
    assert pane.text(0) == "keys of one segment"
    model.apply(removed("order", 50))
    model.apply(removed("order/1", 60))
    pane.refresh()
    assert identities(pane) == ["region ", "a", "flag"]


def test_a_control_record_of_another_shape_says_what_is_wrong_and_opens_as_a_record() -> None:
    packed = written("note/1", {"state": 7}, 1).packed
    pane = BoardPane(Model("b", [Record("control/activations/a1", "1-1", 1, 1, 0, packed)]))
    pane.toggle(0)
    assert pane.target(1) == Target("record", "control/activations/a1")
    line = pane.line(1, 200, 0)
    assert "is not what the runtime writes there" in plain(line)
    assert "bad" in [span.meaning for span in line]


@pytest.mark.parametrize("width", [0, 1, 20, 80, 300])
def test_no_record_breaks_a_line_or_ends_the_pane(width: int) -> None:
    values: list[Any] = [
        "x" * 1_000_000,
        "a\nb\tc\x1b]0;t\x07\u202e",
        "漢字" * 500,
        "e\u0301" * 500,
        b"\xff" * 1_000,
        None,
        [[]] * 9_000,
    ]
    records = [written(f"order/{n}", value, 1) for n, value in enumerate(values)]
    records += [written("k" * 10_000, 1, 1), written("漢/" + "字" * 300, 1, 1), written("a/\u202e\x1b[2J", 1, 1)]
    records += [Record(f"note/{n}", "1-1", 1, 1, 0, packed) for n, packed in enumerate([b"", b"\xff", b"\x9a\x01"])]
    pane = BoardPane(Model("b", records))
    for sort in pane.sorts:
        pane.sort_by(sort)
        settle(pane)
        assert len(pane) >= len(records)
        for row in range(len(pane)):
            shown = pane.line(row, width, 0)
            if not pane.identity(row).startswith("region "):
                assert cell_len(plain(shown)) <= width
            assert not set(plain(shown)) & set("\n\t\x1b\x07\u202e")
            assert pane.row_of(pane.identity(row)) == row


@pytest.mark.parametrize("seed", range(5))
def test_ordered_items_are_found_by_place_and_by_value_whatever_was_added_and_removed(seed: int) -> None:
    chance = random.Random(seed)
    standing = set(chance.sample(range(100_000), chance.choice([0, 10, 3 * CHUNK])))
    kept: Ordered[int] = Ordered(standing)
    for _ in range(6):
        for item in chance.sample(range(100_000), 2 * CHUNK):
            if item not in standing:
                standing.add(item)
                kept.add(item)
        for item in chance.sample(sorted(standing), chance.choice([1, len(standing)])):
            standing.discard(item)
            kept.remove(item)
            assert kept.place_of(item) is None
        for item in chance.sample(range(100_000), CHUNK):
            if item not in standing:
                standing.add(item)
                kept.add(item)
        expected = sorted(standing)
        assert list(kept) == expected == [kept[place] for place in range(len(kept))]
        assert [kept.place_of(item) for item in expected] == list(range(len(expected)))
    with pytest.raises(IndexError):
        kept[len(kept)]
