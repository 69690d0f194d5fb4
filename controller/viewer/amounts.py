"""How durations, amounts and sentences are put into a cell, where there is room for a few characters."""

from __future__ import annotations

import datetime as dt
from typing import Final

from blackboard.wording import first_line, seconds, span

BY_SECONDS_MS: Final = 59_950
"""durations below are told to the tenth of a second"""
LAST_MS: Final = 253_402_214_400_000
"""the beginning of the last day that a calendar shows wherever one is"""
LONGEST: Final = 400
"""characters of a text that are looked at: there is no room for more"""


def lasted(duration_ms: int) -> str:
    """A duration: ``350 ms``, ``4.2 s``, ``5 min``, ``3 d``; nothing is shorter than 0."""
    return seconds(duration_ms) if duration_ms < BY_SECONDS_MS else span(duration_ms)


def money(amount: float) -> str:
    """An amount in the currency of the scenario's limits, ``0`` for nothing."""
    if not amount:
        return "0"
    if amount >= 1_000_000:
        return f"{amount:.3g}"
    return f"{amount:,.2f}" if amount >= 1 else f"{amount:.4f}"


def thousands(number: int) -> str:
    """A count: ``950``, ``12.3k``, ``4.5M``, ``2.0G``."""
    for size, unit in ((1_000_000_000, "G"), (1_000_000, "M"), (10_000, "k")):
        if number >= size:
            return f"{number / (size if unit != 'k' else 1_000):,.1f}{unit}"
    return f"{number:,}"


def points(number: float) -> str:
    """What something is rated or scored by, to a tenth; whole numbers without it."""
    if abs(number) >= 1_000_000:
        return f"{number:.3g}"
    return f"{number:.0f}" if not number % 1 else f"{number:.1f}"


def sentence(text: str) -> str:
    """What a text says first, however long it is."""
    return first_line(text[:LONGEST], LONGEST)


def clock(time_ms: int) -> str:
    """The time of day of an instant, where the viewer is."""
    return dt.datetime.fromtimestamp(min(time_ms, LAST_MS) / 1000, tz=dt.UTC).astimezone().strftime("%H:%M:%S")
