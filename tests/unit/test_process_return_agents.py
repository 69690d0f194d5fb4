"""What the agents of ``process_return`` decide, and that their decisions do not depend on who ran first."""

from __future__ import annotations

import asyncio
import csv
import random
from collections import Counter
from datetime import date, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from scenarios.process_return import answers, bank, checks, labels, make_data, payments, stock
from scenarios.process_return.shapes import (
    Accepted,
    Approval,
    Article,
    Baton,
    Exchange,
    Order,
    Policy,
    Purchase,
    Refund,
    RefundDue,
    Rejection,
    ReturnForm,
    Ticket,
    Window,
    euros,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

FOLDER = Path(make_data.__file__).parent
POLICY = Policy(today=date(2026, 1, 31), window_days=30)
ARTICLE = Article(sku="LAMP-2", name="desk lamp", price_cents=3990)
FORM: dict[str, Any] = {
    "rma": "R-1", "order": "O-7", "sku": "LAMP-2", "amount_cents": 3990, "wants": "refund", "condition": "opened",
}  # fmt: skip


def order(**changes: Any) -> Order:
    fields = {
        "order": "O-7", "customer": "Zoë", "email": "z@example.org", "sku": "LAMP-2", "quantity": "1", "paid_cents": "3990",
        "delivered": "2026-01-10", "account": "CARD-7", "refunded_on": "",
    }  # fmt: skip
    return Order.model_validate(fields | changes)


def purchase(**changes: Any) -> Purchase:
    judged = checks.judge_purchase(ReturnForm.model_validate(FORM | changes), order(), ARTICLE, None)
    assert isinstance(judged, Purchase)
    return judged


def refund(**changes: Any) -> Refund:
    return Refund.model_validate(purchase().model_dump() | changes)


# --- the purchase


def test_a_form_that_agrees_with_its_order_is_a_purchase_with_the_facts_of_both() -> None:
    judged = purchase()
    assert (
        judged.amount_cents, judged.paid_cents, judged.article, judged.account,
    ) == (3990, 3990, "desk lamp", "CARD-7")  # fmt: skip


@pytest.mark.parametrize(
    ("code", "form", "order_changes", "earlier"),
    [
        ("second_form", {}, {}, "R-0"),
        ("already_refunded", {}, {"refunded_on": "2026-01-20"}, None),
        ("wrong_article", {"sku": "MUG-9"}, {}, None),
        ("amount_mismatch", {"amount_cents": 3991}, {}, None),
    ],
)
def test_each_objection_to_a_purchase_has_its_code(
    code: str, form: dict[str, Any], order_changes: dict[str, Any], earlier: str | None
) -> None:
    judged = checks.judge_purchase(ReturnForm.model_validate(FORM | form), order(**order_changes), ARTICLE, earlier)
    assert isinstance(judged, Rejection)
    assert code == judged.code


def test_an_order_that_does_not_exist_is_named_in_the_reason() -> None:
    judged = checks.judge_purchase(ReturnForm.model_validate(FORM), None, ARTICLE, None)
    assert Rejection(code="unknown_order", reason="there is no order O-7") == judged


def test_less_than_was_paid_may_be_asked_for() -> None:
    assert purchase(amount_cents=1).amount_cents == 1


@pytest.mark.parametrize("field", ["order", "sku", "amount_cents", "wants", "condition"])
def test_a_form_without_a_field_is_rejected_by_the_name_of_the_field(field: str) -> None:
    form = {name: value for name, value in FORM.items() if name != field}
    expected = Rejection(code="missing_field", reason=f"the form does not say the {field}")
    assert expected == checks.read_form(form)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("order", 'O-7" || true'),
        ("sku", "a/b"),
        ("amount_cents", -1),
        ("amount_cents", 0),
        ("amount_cents", 10**12),
        ("wants", "everything"),
        ("condition", None),
        ("rma", "R-123456789"),
    ],
)
def test_a_field_that_makes_no_sense_is_rejected_and_never_reaches_a_pattern(field: str, value: object) -> None:
    judged = checks.read_form(FORM | {field: value})
    assert isinstance(judged, Rejection)
    assert (judged.code, field in judged.reason) == ("unreadable_field", True)


@pytest.mark.parametrize("value", [None, [], "R-1", 7])
def test_a_form_that_is_no_form_at_all_is_rejected(value: object) -> None:
    assert isinstance(checks.read_form(value), Rejection)


# --- the window and the article


@pytest.mark.parametrize(("days", "left"), [(0, 30), (29, 1), (30, 0)])
def test_the_last_day_of_the_window_counts(days: int, left: int) -> None:
    bought = purchase().model_copy(update={"delivered": POLICY.today - timedelta(days=days)})
    assert Window(days_left=left) == checks.judge_window(bought, POLICY)


def test_the_day_after_the_last_is_too_late() -> None:
    bought = purchase().model_copy(update={"delivered": POLICY.today - timedelta(days=31)})
    judged = checks.judge_window(bought, POLICY)
    assert isinstance(judged, Rejection)
    assert judged.reason == "it was delivered 31 days ago, and 30 days are allowed"


def test_a_damaged_article_is_not_taken_back_and_nothing_is_due() -> None:
    assert list(checks.inspect(purchase(condition="damaged"))) == ["rejected/{rma}"]


def test_money_is_due_when_money_was_wanted_and_not_for_an_exchange() -> None:
    assert list(checks.inspect(purchase())) == ["accepted/{rma}", "refund_due/{rma}"]
    assert list(checks.inspect(purchase(wants="exchange"))) == ["accepted/{rma}"]


# --- the label


def test_the_check_digit_is_that_of_the_published_example() -> None:
    """The S10 article of the postal union's standard works RB 47312482 9 out by hand: 9."""
    assert labels.check_digit("47312482") == 9


def test_a_remainder_that_is_no_digit_becomes_zero_or_five() -> None:
    digits = [labels.check_digit(f"{serial:08}") for serial in range(2000)]
    assert set(range(10)) == set(digits)


def test_two_returns_never_share_a_label() -> None:
    assert len({labels.label_code(number) for number in range(1001, 3001)}) == 2000


@pytest.mark.parametrize("number", [1001, 1003, 1240])
def test_one_wrong_digit_is_noticed_except_for_the_check_digit_that_two_remainders_share(number: int) -> None:
    code = labels.label_code(number)
    right, check = code[2:10], int(code[10])
    assert check != 5
    for place in range(8):
        for wrong in set("0123456789") - {right[place]}:
            assert check != labels.check_digit(right[:place] + wrong + right[place + 1 :])


# --- exchanges


def requests() -> list[tuple[str, str, bool]]:
    """(number, article, accepted) of each exchange asked for, in the order of the file."""
    cases = make_data.make_data().cases
    return [(c.form["rma"], c.form["sku"], c.kind == "exchange") for c in cases if c.form["wants"] == "exchange"]


def play(asked: Sequence[tuple[str, str, bool]], dice: random.Random) -> dict[str, bool]:
    """Let the agents fire in any order that their patterns allow; number → granted."""
    turns: Counter[str] = Counter()
    waiting: list[tuple[str, int, str, bool]] = []
    for rma, sku, accepted in asked:
        turns[sku] += 1
        waiting.append((sku, turns[sku], rma, accepted))
    batons = {f"baton/{sku}/1": Baton(sku=sku, available=units) for sku, _, _, units in make_data.ARTICLES}
    granted: dict[str, bool] = {}
    while waiting:
        eligible = [one for one in waiting if f"baton/{one[0]}/{one[1]}" in batons]
        sku, turn, rma, accepted = dice.choice(eligible)
        waiting.remove((sku, turn, rma, accepted))
        baton = batons[f"baton/{sku}/{turn}"]
        facts = purchase().model_dump() | {"rma": rma, "sku": sku, "wants": "exchange"}
        if accepted:
            decided = stock.decide_exchange(Accepted.model_validate(facts), baton)
            outcome = decided["exchange/{rma}"]
            assert isinstance(outcome, Exchange)
            assert (outcome.result == "none left") == ("refund_due/{rma}" in decided)
            granted[rma] = outcome.result == "reserved"
        else:
            outcome = stock.skip_exchange(baton)
        batons |= stock.hand_on(Ticket(turn=turn), outcome)
    return granted


def test_whatever_order_the_agents_run_in_stock_goes_to_who_asked_first() -> None:
    asked = requests()
    left = {sku: units for sku, _, _, units in make_data.ARTICLES}
    expected: dict[str, bool] = {}
    for rma, sku, accepted in asked:
        if accepted:
            expected[rma] = left[sku] > 0
            left[sku] -= left[sku] > 0
    for seed in range(200):
        assert expected == play(asked, random.Random(seed))


def test_changes_of_a_stock_record_come_to_the_same_in_any_order() -> None:
    start = {"sku": "MUG-9", "available": 5, "reserved": 0, "returned": 0}
    changes = [stock.reserve] * 3 + [stock.expect_return] * 4
    results = set()
    for seed in range(20):
        counted: Any = start
        for change in random.Random(seed).sample(changes, len(changes)):
            counted = change(counted)
        results.add(tuple(counted.items()))
    assert results == {(("sku", "MUG-9"), ("available", 2), ("reserved", 3), ("returned", 4))}


# --- the money


async def test_the_same_order_to_the_bank_has_the_same_receipt_however_often_it_is_sent() -> None:
    receipts = {await bank.transfer("CARD-1", 100, reference="R-1", call=call) for call in (1, 2, 3)}
    assert receipts == {bank.receipt("R-1", "CARD-1", 100)}
    assert bank.receipt("R-2", "CARD-1", 100) not in receipts


async def test_a_busy_bank_takes_the_second_call_and_a_dead_one_none() -> None:
    with pytest.raises(bank.Unavailable):
        await bank.transfer("BUSY-1", 100, reference="R-1", call=1)
    await bank.transfer("BUSY-1", 100, reference="R-1", call=2)
    with pytest.raises(bank.Unavailable):
        await bank.transfer("DEAD-1", 100, reference="R-1", call=3)


@pytest.mark.parametrize("account", ["SLOW-1", "LATE-1"])
async def test_a_slow_bank_outlasts_the_deadline_and_can_be_made_punctual(account: str) -> None:
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(bank.transfer(account, 100, reference="R-1", call=1), 0.05)
    assert await bank.transfer(account, 100, reference="R-1", call=1, punctual=True)


def test_store_credit_is_the_amount_due_and_never_more_than_was_paid() -> None:
    credit = payments.store_credit(refund(amount_cents=1990))
    assert (credit.method, credit.amount_cents, credit.paid_cents) == ("store credit", 1990, 3990)


def test_a_refund_that_a_person_approved_says_who() -> None:
    due = RefundDue.model_validate(purchase().model_dump())
    approved = payments.queue_approved(due, Approval(answer="approve", answered_by="ana"))
    assert Refund(**due.model_dump(), approved_by="ana") == approved


def test_who_says_no_without_a_reason_still_gives_the_customer_one() -> None:
    said = payments.refuse(Approval(answer="reject", answered_by="ana", reason=""))
    assert Rejection(code="refused", reason="the refund was not approved") == said


# --- the answers


def test_an_amount_is_shown_with_both_decimals() -> None:
    assert [euros(cents) for cents in (0, 5, 129990)] == ["0.00 EUR", "0.05 EUR", "1299.90 EUR"]


def test_a_customer_who_wanted_an_exchange_is_told_why_it_is_money() -> None:
    paid = payments.store_credit(refund()).model_copy(update={"method": "bank"})
    text = answers.describe_payment(refund(instead_of_exchange=True), paid)
    assert text.startswith("There is none left to exchange it for, so we paid 39.90 EUR")


# --- all of it


def test_every_return_of_the_file_is_judged_as_its_kind_says() -> None:
    with (FOLDER / "orders.csv").open(newline="") as file:
        orders = {row["order"]: Order.model_validate(row) for row in csv.DictReader(file)}
    with (FOLDER / "catalogue.csv").open(newline="") as file:
        articles = {row["sku"]: Article.model_validate(row) for row in csv.DictReader(file)}
    seen: dict[str, str] = {}
    judged: dict[str, Counter[str]] = {}
    for case in make_data.make_data().cases:
        code = judge(case.form, orders, articles, seen)
        judged.setdefault(case.kind, Counter())[code] += 1
    expected_codes = {
        "unknown_order": "unknown_order", "late": "outside_window", "exchange_late": "outside_window",
        "already_refunded": "already_refunded", "damaged": "damaged", "exchange_damaged": "damaged",
        "overclaimed": "amount_mismatch", "wrong_article": "wrong_article", "second_form": "second_form",
        "no_order_field": "missing_field", "no_amount_field": "missing_field", "no_condition_field": "missing_field",
    }  # fmt: skip
    counts = dict(make_data.PLAN) | {"second_form": make_data.SECOND_FORMS}
    assert {kind: Counter({expected_codes.get(kind, "accepted"): n}) for kind, n in counts.items()} == judged


def judge(form: dict[str, Any], orders: dict[str, Order], articles: dict[str, Article], seen: dict[str, str]) -> str:
    """The code of the objection to ``form``, or ``accepted``; ``seen`` remembers the first form of each order."""
    asked = checks.read_form(form)
    if isinstance(asked, Rejection):
        return asked.code
    earlier = seen.setdefault(asked.order, asked.rma)
    bought = checks.judge_purchase(
        asked, orders.get(asked.order), articles.get(asked.sku), earlier if earlier != asked.rma else None
    )
    if isinstance(bought, Rejection):
        return bought.code
    window = checks.judge_window(bought, POLICY)
    if isinstance(window, Rejection):
        return window.code
    written = checks.inspect(bought)
    rejected = written.get("rejected/{rma}")
    return rejected.code if isinstance(rejected, Rejection) else "accepted"
