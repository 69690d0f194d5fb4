"""Writes the data of this scenario: ``python make_data.py [DIR]``, by default beside this file.

The same seed gives the same bytes on every Python, so the files are kept and a test compares them.
``PLAN`` says how many returns of each kind there are; their order in the file, and so their numbers, are drawn.
"""

from __future__ import annotations

import csv
import io
import json
import random
import sys
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeVar

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

T = TypeVar("T")

SEED: Final = 20260131
TODAY: Final = date(2026, 1, 31)
WINDOW_DAYS: Final = 30

PLAN: Final[Mapping[str, int]] = {
    "refund": 96,  # nothing special
    "partial": 5,  # two bought, one sent back
    "last_day": 3,  # delivered exactly WINDOW_DAYS ago: still in time
    "above_limit": 4,  # a person approves it
    "busy_bank": 6,  # the bank refuses the first call
    "late_bank": 2,  # the bank answers after the deadline, within the extension
    "slow_bank": 4,  # the bank answers too late for the supervisor
    "dead_bank": 1,  # the bank never answers: after the retries, a person
    "exchange": 30,  # more than there is stock for, in some articles
    "exchange_late": 4,  # outside the window
    "exchange_damaged": 2,
    "unknown_order": 8,
    "late": 12,  # outside the window
    "already_refunded": 8,
    "damaged": 8,
    "overclaimed": 6,  # asks for more than was paid
    "wrong_article": 3,
    "no_order_field": 2,
    "no_amount_field": 1,
    "no_condition_field": 1,
}
SECOND_FORMS: Final = 4
"""forms with a number of their own for an order that an earlier form already sends back"""
SAME_TWICE: Final = 5
"""lines that come a second time, byte for byte"""
CHANGED_TWICE: Final = 3
"""lines that come a second time asking for another amount"""
UNREADABLE: Final = (
    '{"rma": "R-9001", "order": "O-40007", "sku": "LAMP-2", "amount_cents": 3990, "wants": "ref',
    '{"rma": "R-9002", "order": "O-40011", "amount_cents": NaN, "wants": "refund"}',
    "R-9003;O-40012;refund;19.90",
)
WITHOUT_NUMBER: Final = (
    '{"order": "O-40003", "sku": "MUG-9", "amount_cents": 1450, "wants": "refund", "condition": "opened"}'
)

ARTICLES: Final = (  # sku, name, price in cents, units that may be given in exchange
    ("BOOT-41", "walking boots", 12900, 3),
    ("BOOT-44", "walking boots, wide", 13900, 5),
    ("COAT-M", "rain coat", 8990, 4),
    ("COAT-L", "rain coat, large", 8990, 2),
    ("LAMP-2", "desk lamp", 3990, 8),
    ("MUG-9", "enamel mug", 1450, 20),
    ("TENT-3", "tent for three", 18900, 1),
    ("ROPE-60", "climbing rope, 60 m", 15900, 6),
    ("BAG-35", "rucksack, 35 l", 9950, 7),
    ("STOVE-1", "camping stove", 5490, 9),
)
DEAR_ARTICLES: Final = (
    ("BIKE-T", "bicycle trailer", 64900, 2),
    ("KAYAK-1", "folding kayak", 129900, 1),
)
EXCHANGED: Final = ("BOOT-41", "BOOT-44", "COAT-M", "COAT-L", "LAMP-2", "TENT-3")
CUSTOMERS: Final = (
    "Amara Okafor", "Zoë Müller", "Łukasz Nowak", "Inês Carvalho", "李 伟", "Noor Haddad", "Sinéad O'Brien", "Tomás Vega",
    "Yuki Tanaka", "Anaïs Girard", "Oleksandr Bondar", "Maya Patel",
)  # fmt: skip
REASONS: Final = (
    "too small", "too big", "changed my mind", "not as pictured", "arrived after my birthday", "got two as presents",
    "the colour – hm", "größer als gedacht",
)  # fmt: skip
BANKS: Final = {"busy_bank": "BUSY", "late_bank": "LATE", "slow_bank": "SLOW", "dead_bank": "DEAD"}
MISSING: Final = {"no_order_field": "order", "no_amount_field": "amount_cents", "no_condition_field": "condition"}


class Dice:
    """Draws that depend on the seed alone: of ``random`` only ``random()`` promises that across versions."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)  # noqa: S311  # test data, no secret

    def below(self, n: int) -> int:
        return int(self._random.random() * n)

    def pick(self, items: Sequence[T]) -> T:
        return items[self.below(len(items))]

    def shuffled(self, items: Sequence[T]) -> list[T]:
        result = list(items)
        for last in range(len(result) - 1, 0, -1):
            other = self.below(last + 1)
            result[last], result[other] = result[other], result[last]
        return result


@dataclass(frozen=True)
class Case:
    """One return before it is a line: what the form says, and the order behind it (none for ``unknown_order``)."""

    kind: str
    form: dict[str, Any]
    order: dict[str, Any] | None


@dataclass(frozen=True)
class Data:
    """Everything that the scenario reads, as objects; ``files`` has it as bytes."""

    cases: list[Case]
    lines: list[str]
    orders: list[dict[str, Any]]

    def files(self) -> dict[str, bytes]:
        """File name → content."""
        articles = ARTICLES + DEAR_ARTICLES
        stock = [{"sku": sku, "available": units, "reserved": 0, "returned": 0} for sku, _, _, units in articles]
        return {
            "returns.jsonl": ("\n".join(self.lines) + "\n").encode(),
            "orders.csv": _csv(self.orders),
            "catalogue.csv": _csv(
                [{"sku": sku, "name": name, "price_cents": price} for sku, name, price, _ in articles]
            ),
            "stock.jsonl": "".join(_json(line) + "\n" for line in stock).encode(),
        }


def make_data(seed: int = SEED) -> Data:
    """The data that ``seed`` stands for."""
    dice = Dice(seed)
    kinds = dice.shuffled([kind for kind, count in PLAN.items() for _ in range(count)])
    turns = dict.fromkeys(PLAN, 0)
    cases: list[Case] = []
    for kind in kinds:
        cases.append(_case(kind, turns[kind], dice))
        turns[kind] += 1
    _add_second_forms(cases, dice)
    orders = _number(cases, dice)
    for case in cases:
        case.form.pop(MISSING.get(case.kind, ""), None)
    lines = [_json(case.form) for case in cases]
    _add_repeated_lines(cases, lines, dice)
    for text in (*UNREADABLE, WITHOUT_NUMBER):
        lines.insert(10 + dice.below(len(lines) - 10), text)
    return Data(cases, lines, orders)


def _case(kind: str, turn: int, dice: Dice) -> Case:
    """The ``turn``-th case of its kind, from 0; exchanges go round the articles, so that each has a queue."""
    exchange = kind.startswith("exchange")
    if kind == "above_limit":
        article = DEAR_ARTICLES[turn % len(DEAR_ARTICLES)]
    elif exchange:
        article = next(a for a in ARTICLES if a[0] == EXCHANGED[turn % len(EXCHANGED)])
    else:
        article = dice.pick(ARTICLES)
    sku, _, price, _ = article
    quantity = 2 if kind == "partial" else 1
    days = {"last_day": WINDOW_DAYS, "late": WINDOW_DAYS + 1 + turn * 5, "exchange_late": WINDOW_DAYS + 1 + turn}
    form: dict[str, Any] = {
        "rma": "",
        "order": "",
        "sku": sku,
        "amount_cents": price,
        "wants": "exchange" if exchange else "refund",
        "condition": "damaged" if kind.endswith("damaged") else dice.pick(("unopened", "opened")),
        "reason": dice.pick(REASONS),
    }
    order = {
        "order": "",
        "customer": dice.pick(CUSTOMERS),
        "email": "",
        "sku": sku,
        "quantity": quantity,
        "paid_cents": price * quantity,
        "delivered": (TODAY - timedelta(days=days.get(kind, 1 + dice.below(WINDOW_DAYS - 1)))).isoformat(),
        "account": BANKS.get(kind, "CARD"),
        "refunded_on": (TODAY - timedelta(days=1 + dice.below(5))).isoformat() if kind == "already_refunded" else "",
    }
    if kind == "overclaimed":
        form["amount_cents"] += 100 * (1 + dice.below(50))
    if kind == "wrong_article":
        form["sku"] = "MUG-9" if sku != "MUG-9" else "LAMP-2"
    return Case(kind, form, None if kind == "unknown_order" else order)


def _add_second_forms(cases: list[Case], dice: Dice) -> None:
    """Later in the file, a form for the order of an ordinary refund; ``order`` is shared with the first form."""
    firsts = [case for case in cases if case.kind == "refund"][: 4 * SECOND_FORMS : 4]
    for first in firsts:
        place = cases.index(first) + 1
        second = Case("second_form", first.form | {"reason": "did you get my form?"}, first.order)
        cases.insert(place + dice.below(len(cases) - place + 1), second)


def _add_repeated_lines(cases: list[Case], lines: list[str], dice: Dice) -> None:
    """Lines that come again further down, of ordinary refunds that have no second form."""
    shared = [id(case.order) for case in cases if case.kind == "second_form"]
    ordinary = [case for case in cases if case.kind == "refund" and id(case.order) not in shared]
    repeated = dice.shuffled(ordinary)[: SAME_TWICE + CHANGED_TWICE]
    for index, case in enumerate(repeated):
        first = lines.index(_json(case.form)) + 1
        again = case.form if index < SAME_TWICE else case.form | {"amount_cents": case.form["amount_cents"] - 50}
        lines.insert(first + dice.below(len(lines) - first + 1), _json(again))


def _number(cases: Sequence[Case], dice: Dice) -> list[dict[str, Any]]:
    """Number forms in the order of the file and orders in no order of theirs; the orders, sorted.

    Forty more orders are there that nobody sends back.
    """
    orders = [case.order for case in cases if case.order is not None and case.kind != "second_form"]
    orders += [order for _ in range(40) if (order := _case("refund", 0, dice).order) is not None]
    for number, order in enumerate(dice.shuffled(orders), 40001):
        order["order"] = f"O-{number}"
        order["email"] = f"customer-{number}@example.org"
        order["account"] += f"-{number}"
    for number, case in enumerate(cases, 1001):
        case.form["rma"] = f"R-{number}"
        case.form["order"] = case.order["order"] if case.order is not None else f"O-{90000 + number}"
    return sorted(orders, key=lambda order: str(order["order"]))


def _json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False)


def _csv(rows: Sequence[Mapping[str, object]]) -> bytes:
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, list(rows[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue().encode()


def main(arguments: Sequence[str]) -> None:
    """Write the files to the directory named, or beside this one."""
    directory = Path(arguments[0]) if arguments else Path(__file__).parent
    for name, content in make_data().files().items():
        (directory / name).write_bytes(content)


if __name__ == "__main__":
    main(sys.argv[1:])
