"""What came of each planted bug, after a control run has shown that the same tests pass without it."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal, TypeAlias

from tests.mutants.mutant import NotPlanted
from tests.mutants.trial import Trial, run_tests

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from tests.mutants.mutant import Mutant
    from tests.mutants.planting import Plantation

CONTROL_WITHIN_S: Final = 600.0
MUTANT_WITHIN_S: Final = 150.0

Fate: TypeAlias = Literal["caught", "survived", "not planted", "unusable"]


@dataclass(frozen=True, slots=True)
class Verdict:
    """``trial`` is ``None`` for one that was not planted; ``why`` says what is wrong with any that was not caught."""

    mutant: Mutant
    fate: Fate
    trial: Trial | None = None
    why: str = ""

    @property
    def catcher(self) -> str:
        """The oracle that noticed, else the test; what is wrong where none did."""
        if self.trial is None or self.fate != "caught":
            return f"{self.fate.upper()}: {self.why}"
        return f"oracle: {self.trial.oracle}" if self.trial.oracle else self.trial.test


def control(plantation: Plantation, mutants: Sequence[Mutant], oracles: Iterable[str], jobs: int) -> Trial:
    """All tests that are to catch ``mutants``, on the source as it is."""
    tests = dict.fromkeys(test for mutant in mutants for test in mutant.caught_by)
    return run_tests(plantation.clean, list(tests), oracles, CONTROL_WITHIN_S, jobs=jobs)


def judge_all(
    plantation: Plantation, mutants: Sequence[Mutant], oracles: Iterable[str], jobs: int
) -> Iterator[Verdict]:
    """The verdict on each of ``mutants``, in their order, ``jobs`` at a time."""
    with ThreadPoolExecutor(jobs) as pool:
        try:
            yield from pool.map(lambda mutant: judge(plantation, mutant, oracles), mutants)
        finally:
            pool.shutdown(cancel_futures=True)


def judge(plantation: Plantation, mutant: Mutant, oracles: Iterable[str]) -> Verdict:
    """Plant ``mutant``, run its tests, and take the copy away again."""
    try:
        copy = plantation.plant(mutant.edits)
    except (NotPlanted, SyntaxError) as error:
        return Verdict(mutant, "not planted", why=str(error))
    try:
        trial = run_tests(copy, mutant.caught_by, oracles, MUTANT_WITHIN_S)
    finally:
        plantation.uproot(copy)
    if trial.result == "failed":
        return Verdict(mutant, "caught", trial)
    if trial.result == "passed":
        return Verdict(mutant, "survived", trial, "no test failed")
    return Verdict(mutant, "unusable", trial, trial.said)
