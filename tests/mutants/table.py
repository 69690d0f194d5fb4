"""The table of planted bugs, for the terminal and for the documentation."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from tests.mutants.mutant import PROMISES

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tests.mutants.mutant import Mutant
    from tests.mutants.verdict import Verdict

_HEAD: Final = """\
# Planted bugs

Tests that cannot fail prove nothing. `make mutants` plants each of these {count} bugs in a copy of the source, runs the
tests that must notice it, and names the oracle or the test that did. A control run shows first that the same tests pass
on the source as it is. In each run every Python process that comes by the packages through its path refuses to take them
from anywhere but the copy. It ends with 1 when a bug goes unnoticed, when an edit no longer fits the source, or when the
control run fails. The seconds are of a machine that was busy; where they are 30 and more, the bug made a test wait for
ever, or left a server running that the test waits for.

`python -m tests.mutants NAME...` plants some of them, `--list` tells what there is, and `--write docs/mutants.md` wrote
this page.

| bug | promise | what it breaks | caught by | s |
|---|---|---|---|---:|
"""


def line(verdict: Verdict, width: int) -> str:
    """One row for a terminal; ``width`` is that of the names."""
    seconds = f"{verdict.trial.seconds:5.1f}" if verdict.trial is not None else "    -"
    return f"{verdict.mutant.name:<{width}}  {verdict.mutant.promise}  {seconds} s  {verdict.catcher}"


def listed(mutants: Sequence[Mutant]) -> str:
    """What there is to plant, one line each."""
    width = max(len(mutant.name) for mutant in mutants)
    return "\n".join(f"{mutant.name:<{width}}  {mutant.promise}  {mutant.breaks}" for mutant in mutants)


def page(verdicts: Sequence[Verdict]) -> str:
    """The page of the documentation."""
    rows = [
        f"| `{v.mutant.name}` | {v.mutant.promise} | {v.mutant.breaks} | {_caught(v)} | {_seconds(v)} |"
        for v in verdicts
    ]
    promises = "\n".join(f"- **{name}**: {text}" for name, text in PROMISES.items())
    return f"{_HEAD.format(count=len(verdicts))}" + "\n".join(rows) + f"\n\nThe promises in short:\n\n{promises}\n"


def _caught(verdict: Verdict) -> str:
    if verdict.fate != "caught" or verdict.trial is None:
        return f"**{verdict.catcher}**"
    name = verdict.trial.test.partition("[")[0].removeprefix("test_").replace("_", " ")
    return f"oracle *{verdict.trial.oracle}*, in: {name}" if verdict.trial.oracle else name


def _seconds(verdict: Verdict) -> str:
    return f"{verdict.trial.seconds:.0f}" if verdict.trial is not None else "-"
