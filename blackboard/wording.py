"""How amounts, durations and errors are put for a person; what reads its own output back uses :mod:`durations`."""

from __future__ import annotations

from itertools import pairwise
from typing import Final

_UNITS: Final = ((86_400, "d"), (3_600, "h"), (60, "min"), (1, "s"))
"""of time, in seconds, the largest first"""


def counted(number: int, noun: str) -> str:
    """``1 record``, ``2,000 records``."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def seconds(duration_ms: int) -> str:
    """A duration, in two units at most: ``350 ms``, ``4.2 s``, ``10 min``, ``1 h 30 min``, ``2 d 3 h``; never below 0."""
    if duration_ms < 1_000:
        return f"{max(duration_ms, 0)} ms"
    # What would be told as 60.0 s is a minute.
    if duration_ms < 59_950:
        return f"{duration_ms / 1000:.1f} s"
    left = (duration_ms + 500) // 1000
    for (size, unit), (smaller, part) in pairwise(_UNITS):
        if left >= size:
            rest = left % size // smaller
            return f"{left // size} {unit}" + (f" {rest} {part}" if rest else "")
    raise AssertionError(duration_ms)


def span(duration_ms: int) -> str:
    """How long ago, in the largest unit that says something: ``5 s``, ``3 min``, ``2 h``, ``4 d``."""
    whole = max(0, duration_ms // 1000)
    return next((f"{whole // size} {unit}" for size, unit in _UNITS if whole >= size), "0 s")


def first_line(text: str, limit: int = 160) -> str:
    """The first line of an error's text that says something, cut to ``limit`` characters."""
    line = next((line.strip() for line in text.splitlines() if line.strip()), "")
    return line if len(line) <= limit else line[: limit - 1] + "…"


def error_and_place(text: str) -> str:
    """An agent's error as its activation keeps it: what it says first and, behind that, where it arose."""
    last = text.rstrip().rpartition("\n")[2].strip()
    return f"{first_line(text)}, {last}" if last.startswith("at ") else first_line(text)
