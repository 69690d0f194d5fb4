"""``process_return``: what the team makes of the file, whoever ran first, and whoever had to be asked."""

from __future__ import annotations

import asyncio
import uuid
from collections import Counter
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest

from controller.escalation import Answer
from scenarios.process_return import make_data
from tests.scenarios.in_process import (
    PUNCTUAL,
    activations_of,
    records_of,
    region,
    reply,
    run,
    values_of,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from blackboard.control_records import Activation
    from blackboard.record import Record
    from scenarios.verdict import Finished
    from tests.conftest import RedisServer

CASES = make_data.make_data().cases


class Played(NamedTuple):
    """One run as the file has it, which most tests look at."""

    finished: Finished
    records: dict[str, Record[Any]]
    values: dict[str, Any]
    activations: dict[str, Activation]


@pytest.fixture(scope="module")
def played(redis_server: RedisServer) -> Iterator[Played]:
    name = f"t-{uuid.uuid4().hex[:12]}"

    async def play() -> Played:
        finished = await run(redis_server.url, name, "process_return")
        records = await records_of(redis_server.url, name)
        values = {key: record.value for key, record in records.items()}
        return Played(finished, records, values, await activations_of(redis_server.url, name))

    yield asyncio.run(play())
    redis_server.remove(f"bb:{{{name}}}:*")


def numbers(*kinds: str) -> set[str]:
    """The return numbers of the cases of these kinds."""
    return {case.form["rma"] for case in CASES if case.kind in kinds}


def differing(one: Mapping[str, Any], other: Mapping[str, Any]) -> dict[str, tuple[Any, Any]]:
    """The keys that are not the same on both sides."""
    return {key: (one.get(key), other.get(key)) for key in one.keys() | other.keys() if one.get(key) != other.get(key)}


def test_the_team_meets_every_expectation_of_the_file(played: Played) -> None:
    assert [result.sentence for result in played.finished.results if not result.passed] == []
    assert (played.finished.exit_code, played.finished.status) == (0, "awaiting")


def test_what_comes_of_a_case_is_what_its_kind_says(played: Played) -> None:
    values = played.values
    answers, payments = region(values, "answer"), region(values, "payment")
    assert {payments[rma]["method"] for rma in numbers("slow_bank")} == {"store credit"}
    assert {form["rma"] for form in region(values, "return").values()} == {case.form["rma"] for case in CASES}
    assert numbers("above_limit", "dead_bank") == {case.form["rma"] for case in CASES} - set(answers)
    rejected = Counter(answer["code"] for answer in answers.values() if answer["outcome"] == "rejected")
    assert rejected == {
        "unknown_order": 8, "outside_window": 16, "already_refunded": 8, "damaged": 10, "amount_mismatch": 6,
        "wrong_article": 3, "second_form": 4, "missing_field": 4,
    }  # fmt: skip


def test_no_order_is_paid_twice_and_none_more_than_was_paid_for_it(played: Played) -> None:
    values = played.values
    forms, orders = region(values, "return"), region(values, "order")
    returned: Counter[str] = Counter()
    for rma, payment in region(values, "payment").items():
        order = forms[rma]["order"]
        returned[order] += 1
        assert payment["amount_cents"] <= orders[order]["paid_cents"]
    assert set(returned.values()) == {1}


def test_nobody_is_told_of_a_refund_before_label_and_money_are_there(played: Played) -> None:
    records = played.records
    notices = [record for key, record in records.items() if key.startswith("notice/")]
    assert len(notices) == 146
    for notice in notices:
        rma = notice.key.partition("/")[2]
        money = records.get(f"payment/{rma}") or records[f"exchange/{rma}"]
        assert notice.revision > max(records[f"label/{rma}"].revision, money.revision)


def test_the_units_for_exchange_go_to_who_asked_first_and_the_stock_agrees(played: Played) -> None:
    values = played.values
    left = {sku: units for sku, _, _, units in make_data.ARTICLES}
    for case in CASES:
        sku, rma = case.form["sku"], case.form["rma"]
        if case.kind == "exchange":
            expected = "reserved" if left[sku] else "none left"
            left[sku] -= left[sku] > 0
            assert values[f"exchange/{rma}"]["result"] == expected, rma
    for sku, units in left.items():
        assert values[f"stock/{sku}"]["available"] == units
    assert sum(stock["returned"] for stock in region(values, "stock").values()) == 151


def test_the_slow_bank_is_given_one_extension_and_then_overruled_with_a_reason(played: Played) -> None:
    slow = numbers("slow_bank")
    overruled = [
        one for one in played.activations.values()
        if one["agent"] == "gateway" and one["captures"]["rma"] in slow
    ]  # fmt: skip
    assert len(overruled) == len(slow) == 4
    for one in overruled:
        assert (one["state"], one.get("decided_by")) == ("executed", "boss")
        assert "store credit" in one.get("reason", "")


async def test_a_punctual_bank_pays_all_and_each_call_is_in_the_cost_also_the_ones_that_failed(
    redis_url: str, board_name: str
) -> None:
    finished = await run(redis_url, board_name, "process_return", *PUNCTUAL)
    payments = region(await values_of(redis_url, board_name), "payment")
    assert {payment["method"] for payment in payments.values()} == {"bank"}
    paid = [one for one in finished.evidence.activations.values() if one["agent"] == "gateway"]
    reported = sum(usage["cost"] for one in paid for usage in one.get("usage", []))
    failed = sum(attempt["cost"] for one in paid for attempt in one.get("attempts", []))
    assert reported == pytest.approx(126 * 0.002)
    assert failed == pytest.approx((6 + 3) * 0.002)


async def test_a_person_answers_and_the_cases_go_on_to_their_end(redis_url: str, board_name: str) -> None:
    await run(redis_url, board_name, "process_return", *PUNCTUAL)
    above, (dead,) = sorted(numbers("above_limit")), numbers("dead_bank")
    replies = {f"return/{rma}": Answer("approve", by="ana") for rma in above[1:]}
    replies[f"return/{above[0]}"] = Answer("reject", by="ana", reason="the box was empty")
    credit = {"rma": dead, "method": "store credit", "amount_cents": 0, "paid_cents": 0, "receipt": "by hand"}
    replies[f"return/{dead}"] = Answer("decide", by="ana", reason="the bank is closed", value=credit)
    assert await reply(redis_url, board_name, replies) == sorted(replies)
    finished = await run(redis_url, board_name, "process_return", *PUNCTUAL, resume=True)
    assert (finished.exit_code, finished.status) == (0, "finished")
    answers = region(await values_of(redis_url, board_name), "answer")
    assert len(answers) == len(CASES)
    assert answers[above[0]]["sentence"] == "We cannot take it back: the box was empty."
    assert {answers[rma]["outcome"] for rma in above[1:]} == {"refunded"}
    assert answers[dead]["outcome"] == "store credit"


async def test_two_runs_end_with_equal_records(redis_url: str, board_name: str) -> None:
    await run(redis_url, f"{board_name}@1", "process_return", *PUNCTUAL)
    await run(redis_url, f"{board_name}@2", "process_return", *PUNCTUAL, "max_running=3")
    one, other = await values_of(redis_url, f"{board_name}@1"), await values_of(redis_url, f"{board_name}@2")
    assert differing(one, other) == {}
