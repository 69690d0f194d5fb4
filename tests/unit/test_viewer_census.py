"""The census: how the cases of a board stand, as the report counts them, kept up with every change."""

from __future__ import annotations

import random
from collections import Counter
from typing import TYPE_CHECKING, Any, get_args

import pytest

from blackboard import codec
from blackboard.control_records import State
from blackboard.log import Change
from blackboard.record import Record, Stamp
from controller.viewer.census import A_CALL, Census, Template
from controller.viewer.model import Model
from scenarios.evidence import sort_records
from scenarios.report import build_report
from tests.control_values import completed
from tests.still_board import record_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

CASES = ("return/1", "return/2", "return/3", "return/4", "")
RUN = {"control/run": {"settings": {"document": {"case": "return/{rma}"}}}}


def model_of(changes: Mapping[str, Any]) -> Model:
    model = Model("b")
    for key, value in changes.items():
        put(model, key, value)
    return model


def put(model: Model, key: str, value: Any, *, case: str = "") -> None:
    """Let the model go on to a commit that writes ``value``, of ``case``, or removes what is there (``None``)."""
    revision = model.revision + 1
    packed, _ = codec.pack_record(Stamp(case=case), "", 0, codec.pack_value(completed(key, value)))
    record = Record(key, f"1-{revision}", revision, 1, revision, packed) if value is not None else None
    model.apply(Change(key, "put" if record else "delete", f"1-{revision}", revision, revision, "", record, "", None))


def counted(census: Census) -> dict[str, int]:
    census.refresh()
    while census.busy:
        census.refresh()
    assert sum(census.counts.values()) == census.total
    return {standing: count for standing, count in census.counts.items() if count}


def at_random(chance: random.Random) -> Iterator[tuple[str, Any, str]]:
    """Changes of activations, questions and records, with the case of each."""
    while True:
        case = chance.choice(CASES)
        match chance.randrange(8):
            case 0:
                fed = case or "note/1"
                yield fed, chance.choice([None, 1, {"outcome": "paid"}, {"outcome": 7}]), fed
            case 1:
                status = chance.choice(["open", "answered", "stale"])
                yield f"control/escalations/{chance.randrange(4)}", {"status": status, "case": case}, case
            case 2:
                key = chance.choice(["control/activations/", "control/escalations/"])
                yield key + str(chance.randrange(8)), chance.choice([None, "torn"]), case
            case 3:
                answer = f"answer/{case.rpartition('/')[2] or 'x'}"
                yield answer, chance.choice([None, {"outcome": "refunded"}, {}]), case
            case _:
                value = {"agent": "a", "case": case, "state": chance.choice(get_args(State))}
                if chance.random() < 0.3:
                    value["wrote"] = [f"answer/{case.rpartition('/')[2]}"]
                if chance.random() < 0.1:
                    value["passed_to"] = "b"
                yield f"control/activations/{chance.randrange(8)}", value, case


@pytest.mark.parametrize("seed", range(20))
def test_it_stays_what_looking_at_everything_anew_finds(seed: int) -> None:
    chance = random.Random(seed)
    model = model_of(RUN)
    census = Census(model)
    for _, (key, value, case) in zip(range(200), at_random(chance), strict=False):
        put(model, key, value, case=case)
        if chance.random() < 0.3:
            census.refresh()
    # Whether a case came to an outcome is looked up when something is done for it, not when a record of it changes.
    for number in range(8):
        if f"{number}" in model.activations:
            put(model, f"control/activations/{number}", model.activations[f"{number}"].value)
    fresh = Census(model)
    assert counted(census) == counted(fresh)
    assert census.asked == fresh.asked


@pytest.mark.parametrize("seed", range(20))
def test_the_classes_are_those_of_the_report(seed: int) -> None:
    chance = random.Random(1_000 + seed)
    model = model_of(RUN | {case: {} for case in CASES if case})
    for number in range(chance.randrange(12)):
        case = chance.choice(CASES)
        value = {"agent": "a", "case": case, "state": chance.choice(get_args(State)), "wrote": [f"answer/{number}"]}
        put(model, f"control/activations/{number}", value)
        if case and chance.random() < 0.3:
            put(model, f"answer/{number}", {"outcome": "paid"}, case=case)
        if chance.random() < 0.3:
            asked = {"status": chance.choice(["open", "answered", "stale"]), "case": case}
            put(model, f"control/escalations/{number}", asked)
    for case in CASES[:-1]:
        put(model, case, {"n": 1}, case=case)
    census = Census(model)
    found = counted(census)
    every = [record for region in model.regions.values() for record in region.values()]
    report = build_report(sort_records("b", every))
    expected: Counter[str] = Counter()
    for outcome in report.outcomes:
        expected["going on" if outcome.kind == "unfinished" else outcome.kind] += outcome.cases
    assert found == dict(expected)
    assert len(census.asked) / census.total == report.totals.people_share


def test_cases_that_are_fed_count_before_anybody_works_on_them() -> None:
    model = model_of({**RUN, "return/1": 1, "return/2": 1, "return/2/note": 1, "other/1": 1})
    census = Census(model)
    assert counted(census) == {"untouched": 2}
    put(model, "return/3", 1)
    put(model, "return/1", None)
    assert counted(census) == {"untouched": 2}
    put(model, "control/run", {"settings": {"document": {"case": "other/{x}"}}})
    assert counted(census) == {"untouched": 1}
    put(model, "control/run", None)
    assert counted(census) == {}


def test_many_are_looked_at_a_part_at_a_time() -> None:
    ended = completed("control/activations/a", {"agent": "a", "state": "executed"})
    records = [record_of(f"control/activations/{n}", ended | {"case": f"c/{n}"}) for n in range(A_CALL + 1)]
    census = Census(Model("b", records))
    census.refresh()
    assert census.busy
    assert census.total == A_CALL
    assert counted(census) == {"completed": A_CALL + 1}


@pytest.mark.parametrize(
    ("text", "key", "fits"),
    [
        ("return/{rma}", "return/1", True),
        ("return/{rma}", "return/1/2", False),
        ("shop/return/{rma}", "shop/return/1", True),
        ("shop/return/{rma}", "shop/order/1", False),
        ("shop/{a}/{b}", "shop/x/y", True),
    ],
)
def test_a_key_fits_where_its_segments_do(text: str, key: str, fits: bool) -> None:  # a parameter
    template = Template.of({"settings": {"document": {"case": text}}})
    assert template is not None
    assert template.fits(key) is fits


@pytest.mark.parametrize("text", [None, 7, "", "return", ["return/{x}"]])
def test_what_is_no_template_feeds_no_case(text: object) -> None:
    assert Template.of({"settings": {"document": {"case": text}}}) is None
    assert Template.of({"settings": {}}) is None
    assert Template.of(None) is None
