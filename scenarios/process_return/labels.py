"""The label that the parcel comes back with: a number as the postal unions write it, S10."""

from __future__ import annotations

from typing import Final

from knowledge_sources import knowledge_source

from .shapes import Accepted, Label

SERVICE: Final = "RR"
COUNTRY: Final = "NL"
WEIGHTS: Final = (8, 6, 4, 2, 3, 5, 9, 7)


@knowledge_source(watches={"accepted": "accepted/{rma}"}, contributes="label/{rma}", provides="label")
def make_label(accepted: Accepted) -> Label:
    """The same return always gets the same number, so that a label made twice is one label."""
    return Label(code=label_code(int(accepted.rma.removeprefix("R-"))))


def label_code(serial: int) -> str:
    """The 13 characters of S10 for ``serial``: service, eight digits, check digit, country."""
    digits = f"{serial:08}"
    return f"{SERVICE}{digits}{check_digit(digits)}{COUNTRY}"


def check_digit(digits: str) -> int:
    """The check digit of S10 over eight digits: 11 minus the weighted sum modulo 11, where 10 is 0 and 11 is 5."""
    rest = 11 - sum(weight * int(digit) for weight, digit in zip(WEIGHTS, digits, strict=True)) % 11
    return {10: 0, 11: 5}.get(rest, rest)
