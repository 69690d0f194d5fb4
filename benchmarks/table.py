"""Measures with their spread, as a table for people or a document for programs."""

from __future__ import annotations

import platform
from os import cpu_count, getloadavg
from statistics import median
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Sequence


class Measure(NamedTuple):
    """One figure of every round."""

    name: str
    unit: str
    values: list[float]

    def document(self) -> dict[str, Any]:
        """The figure with its spread, and every round's."""
        return {
            "name": self.name,
            "unit": self.unit,
            "median": round(median(self.values), 2),
            "min": round(min(self.values), 2),
            "max": round(max(self.values), 2),
            "rounds": [round(value, 2) for value in self.values],
        }


def machine(server: str) -> dict[str, Any]:
    """What the figures belong to.  ``load`` is how many processes wanted a processor in the last minute."""
    return {
        "cores": cpu_count(),
        "load": round(getloadavg()[0], 2),
        "system": f"{platform.system()} {platform.release()} {platform.machine()}",
        "python": f"{platform.python_implementation()} {platform.python_version()}",
        "server": server,
        "durability": "append-only file, fsync every second",
    }


def percentile(values: Sequence[float], share: float) -> float:
    """The least of ``values`` that at least ``share`` of them do not pass."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def table(measures: Sequence[Measure]) -> str:
    """One line per measure: name, median, least and greatest, unit."""
    cells = [("", "median", "min – max", "")]
    for measure in measures:
        values = measure.values
        spread = f"{_number(min(values))} – {_number(max(values))}"
        cells.append((measure.name, _number(median(values)), spread, measure.unit))
    widths = [max(len(row[column]) for row in cells) for column in range(3)]
    return "\n".join(
        f"{name:<{widths[0]}}  {middle:>{widths[1]}}  {spread:>{widths[2]}}  {unit}".rstrip()
        for name, middle, spread, unit in cells
    )


def _number(value: float) -> str:
    decimals = 0 if abs(value) >= 100 else 1 if abs(value) >= 1 else 3
    return f"{value:,.{decimals}f}"
