"""``python -m tests.mutants``: plant bugs and name what catches each; ends with 1 where one is not caught."""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Final

from tests.mutants.catalogue import CATALOGUE
from tests.mutants.planting import Plantation
from tests.mutants.table import line, listed, page
from tests.mutants.verdict import control, judge_all
from tests.proof.oracles import ORACLES

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tests.mutants.mutant import Mutant
    from tests.mutants.verdict import Verdict

NAMES_OF_ORACLES: Final = tuple(oracle.__name__ for oracle in ORACLES)


def main(words: Sequence[str]) -> int:
    """The exit code."""
    options = _parser().parse_args(words)
    if options.list:
        _say(listed(CATALOGUE))
        return 0
    unknown = sorted(set(options.names) - {mutant.name for mutant in CATALOGUE})
    if unknown:
        _say(f"no planted bug is called {', '.join(unknown)}; --list tells what there is")
        return 2
    mutants = [mutant for mutant in CATALOGUE if not options.names or mutant.name in options.names]
    verdicts = examine(mutants, options.jobs, verbose=options.verbose)
    if verdicts is None:
        return 1
    if options.write is not None:
        options.write.write_text(page(verdicts), encoding="utf-8")
    return 0 if all(verdict.fate == "caught" for verdict in verdicts) else 1


def examine(mutants: Sequence[Mutant], jobs: int, *, verbose: bool = False) -> list[Verdict] | None:
    """Judge ``mutants`` and tell of each as it is judged; ``None`` where the tests fail on the source as it is."""
    started = time.monotonic()
    width = max(len(mutant.name) for mutant in mutants)
    with Plantation() as plantation:
        clean = control(plantation, mutants, NAMES_OF_ORACLES, jobs)
        if clean.result != "passed":
            _say(f"{clean.output}\nthe tests fail without any bug planted: {clean.test} {clean.said}")
            return None
        _say(
            f"control: the same tests pass on the source as it is, in {clean.seconds:.0f} s;"
            f" {clean.processes} processes imported the copy, and none anything else"
        )
        verdicts = []
        for verdict in judge_all(plantation, mutants, NAMES_OF_ORACLES, jobs):
            verdicts.append(verdict)
            _say(line(verdict, width))
            if verdict.trial is not None and (verbose or verdict.fate != "caught"):
                _say(verdict.trial.said if verdict.fate == "caught" else verdict.trial.output)
    caught = sum(verdict.fate == "caught" for verdict in verdicts)
    _say(f"{caught} of {len(verdicts)} caught, in {time.monotonic() - started:.0f} s")
    return verdicts


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m tests.mutants", description="Plant bugs and name what catches each."
    )
    parser.add_argument("names", nargs="*", metavar="NAME", help="plant these only")
    parser.add_argument("--list", action="store_true", help="tell what there is, and plant nothing")
    parser.add_argument("--write", type=Path, metavar="FILE", help="write the table as a page")
    parser.add_argument("--jobs", type=int, default=2, metavar="N", help="how many run at once (2)")
    parser.add_argument("--verbose", action="store_true", help="show what each catcher said")
    return parser


def _say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
