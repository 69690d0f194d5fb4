"""The shipped data of ``process_return`` hold what the scenario says it shows, and can be made again."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

import pytest

from scenarios.process_return import make_data

FOLDER = Path(make_data.__file__).parent


@pytest.fixture(scope="module")
def data() -> make_data.Data:
    return make_data.make_data()


@pytest.mark.parametrize("name", ["returns.jsonl", "orders.csv", "catalogue.csv", "stock.jsonl"])
def test_the_generator_writes_the_shipped_files_byte_for_byte(name: str, data: make_data.Data, tmp_path: Path) -> None:
    make_data.main([str(tmp_path)])
    assert (FOLDER / name).read_bytes() == (tmp_path / name).read_bytes() == data.files()[name]


def test_another_seed_gives_other_returns_of_the_same_kinds(data: make_data.Data) -> None:
    other = make_data.make_data(seed=1)
    assert other.lines != data.lines
    assert Counter(case.kind for case in other.cases) == Counter(case.kind for case in data.cases)


def test_each_kind_of_return_is_there_as_often_as_the_plan_says(data: make_data.Data) -> None:
    expected = Counter(make_data.PLAN) + Counter(second_form=make_data.SECOND_FORMS)
    assert expected == Counter(case.kind for case in data.cases)


def test_there_are_at_least_two_hundred_returns_and_the_lines_that_are_no_return(data: make_data.Data) -> None:
    lines = (FOLDER / "returns.jsonl").read_text().splitlines()
    assert len(data.cases) >= 200
    extra = make_data.SAME_TWICE + make_data.CHANGED_TWICE + len(make_data.UNREADABLE) + 1
    assert len(data.cases) + extra == len(lines)
    assert len(lines) - len(set(lines)) == make_data.SAME_TWICE


def test_a_form_submitted_twice_comes_after_its_first_and_says_the_same_or_something_else() -> None:
    first: dict[str, str] = {}
    again: Counter[bool] = Counter()
    for line in (FOLDER / "returns.jsonl").read_text().splitlines():
        try:
            rma = json.loads(line).get("rma")
        except json.JSONDecodeError:
            continue
        if rma in first:
            again[first[rma] == line] += 1
        elif rma is not None:
            first[rma] = line
    assert Counter({True: make_data.SAME_TWICE, False: make_data.CHANGED_TWICE}) == again


def test_numbers_follow_the_order_of_the_file_and_orders_do_not(data: make_data.Data) -> None:
    assert [f"R-{number}" for number in range(1001, 1001 + len(data.cases))] == [
        case.form["rma"] for case in data.cases
    ]
    orders = [case.form["order"] for case in data.cases if "order" in case.form]
    assert orders != sorted(orders)


def test_more_exchanges_are_asked_for_than_there_is_stock_in_some_articles_and_not_in_others(
    data: make_data.Data,
) -> None:
    wanted = Counter(case.form["sku"] for case in data.cases if case.kind == "exchange")
    stock = {sku: units for sku, _, _, units in make_data.ARTICLES}
    assert {True, False} == {wanted[sku] > stock[sku] for sku in make_data.EXCHANGED}
