"""What is wrong with a file, where: every finding at once, so that one look at the message mends them all."""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING, Final, NamedTuple

from blackboard.errors import InvalidInput

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

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


def nearest(name: str, known: Iterable[str]) -> str:
    """The name in ``known`` that ``name`` was most likely meant to be, or ``""``."""
    found = difflib.get_close_matches(name[:80].lower(), sorted(known), n=1, cutoff=0.5)
    return found[0] if found else ""


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """``; did you mean 'agents'?`` where something is near, else what there is to choose from."""
    names = sorted(known)
    near = nearest(name, names)
    if near:
        return f"; did you mean {near!r}?"
    listed = ", ".join(names[:12]) + (", …" if len(names) > 12 else "")
    return f"; there is {listed}" if names else ""
