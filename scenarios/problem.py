"""What is wrong with a file, where: every finding at once, so that one look at the message mends them all."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from blackboard.errors import InvalidInput

if TYPE_CHECKING:
    from collections.abc import Sequence

MAX_SHOWN: Final = 20


class Problem(NamedTuple):
    """One finding: ``place`` is ``file:line:col`` (or the ``--set`` it came from), ``path`` is ``agents.boss.use``."""

    place: str
    path: str
    message: str

    def __str__(self) -> str:
        return ": ".join(part for part in (self.place, self.path, self.message) if part)


class InvalidScenario(InvalidInput):
    """A scenario that cannot be run; ``problems`` holds every finding, the message the first 20."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        self.problems = tuple(problems)
        shown = [str(problem) for problem in self.problems[:MAX_SHOWN]]
        if len(self.problems) > MAX_SHOWN:
            shown.append(f"and {len(self.problems) - MAX_SHOWN:,} more")
        super().__init__("\n".join(shown))
        self.place = self.problems[0].place if self.problems else ""
