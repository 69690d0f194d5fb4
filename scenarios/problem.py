"""What is wrong with a file, where: every finding at once, so that one look at the message mends them all."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from blackboard.errors import InvalidInput

if TYPE_CHECKING:
    from collections.abc import Sequence

MAX_SHOWN: Final = 20
MAX_PROBLEMS: Final = 100
"""that are worked out: each costs a search for the nearest name"""


class Problem(NamedTuple):
    """One finding: ``place`` is ``file:line:col`` (or the ``--set`` it came from), ``path`` is ``agents.boss.use``."""

    place: str
    path: str
    message: str

    def __str__(self) -> str:
        return ": ".join(part for part in (self.place, self.path, self.message) if part)


class InvalidScenario(InvalidInput):
    """A scenario that cannot be run; ``problems`` holds the first hundred findings, the message the first 20.

    ``total`` counts those, too, that were not worked out into a problem.
    """

    def __init__(self, problems: Sequence[Problem], *, total: int = 0) -> None:
        self.problems = tuple(problems)
        self.total = max(total, len(self.problems))
        shown = [str(problem) for problem in self.problems[:MAX_SHOWN]]
        if self.total > MAX_SHOWN:
            shown.append(f"and {self.total - MAX_SHOWN:,} more")
        super().__init__("\n".join(shown))
        self.place = self.problems[0].place if self.problems else ""
