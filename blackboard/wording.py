"""How amounts, durations and errors are put for a person; what reads its own output back uses :mod:`durations`."""

from __future__ import annotations


def counted(number: int, noun: str) -> str:
    """``1 record``, ``2,000 records``."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def seconds(duration_ms: int) -> str:
    """A duration: ``4.2 s``, ``350 ms``."""
    return f"{duration_ms / 1000:.1f} s" if duration_ms >= 1000 else f"{max(duration_ms, 0)} ms"


def first_line(text: str, limit: int = 160) -> str:
    """The first line of an error's text that says something, cut to ``limit`` characters."""
    line = next((line.strip() for line in text.splitlines() if line.strip()), "")
    return line if len(line) <= limit else line[: limit - 1] + "…"


def error_and_place(text: str) -> str:
    """An agent's error as its activation keeps it: what it says first and, behind that, where it arose."""
    last = text.rstrip().rpartition("\n")[2].strip()
    return f"{first_line(text)}, {last}" if last.startswith("at ") else first_line(text)
