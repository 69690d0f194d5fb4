"""``python -m benchmarks.viewing``: what it costs to look at a large board that is changing."""

from __future__ import annotations

import argparse

from benchmarks.screen import measure_screen
from benchmarks.table import Measure, machine, table
from benchmarks.viewing_details import measure_details
from benchmarks.viewing_panes import measure_panes
from benchmarks.viewing_work import measure_work

RECORDS = 100_000


def main() -> None:
    """Measure, and print what was found."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.viewing", description=__doc__)
    parser.add_argument("--rounds", type=int, default=3, help="how often everything is measured (default: 3)")
    parser.add_argument("--records", type=int, default=RECORDS, help="records on the board (default: 100,000)")
    parser.add_argument("--screen", action="store_true", help="only the screen: processor time and answers to keys")
    parser.add_argument("--seconds", type=float, default=10.0, help="how long a rate is watched (default: 10)")
    options = parser.parse_args()
    measures: dict[str, Measure] = {}

    def note(name: str, unit: str, value: float) -> None:
        measures.setdefault(name, Measure(name, unit, [])).values.append(value)

    for _ in range(options.rounds):
        measure_screen(options.records, options.seconds, note)
        if not options.screen:
            measure_panes(options.records, note)
            measure_work(options.records, note)
            measure_details(options.records, note)
    facts = {name: value for name, value in machine("none").items() if name not in ("server", "durability")}
    print(", ".join(f"{name} {value}" for name, value in facts.items()) + f", {options.records:,} records\n")
    print(table(list(measures.values())))


if __name__ == "__main__":
    main()
