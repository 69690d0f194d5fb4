"""A planted bug: the smallest edit that breaks one promise of the runtime, and the tests that must notice."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal, TypeAlias

if TYPE_CHECKING:
    from pathlib import Path

Promise: TypeAlias = Literal["P1", "P2", "P3", "P4", "P5", "P6", "P7", "P8"]

PROMISES: Final[dict[Promise, str]] = {
    "P1": "a commit is all there or not at all, and the log tells all of it",
    "P2": "compare-and-set is linearizable; revisions are dense and no commit's name is used twice",
    "P3": "what was acknowledged survives as its durability class says, and lost history is detected",
    "P4": "one contribution for each activation",
    "P5": "a reader sees every change once, in order, or an explicit gap",
    "P6": "a stale writer, worker or controller never changes the board",
    "P7": "every call ends as done, refused or unknown, and nothing is applied twice",
    "P8": "no input crashes a process, hangs it or takes its memory",
}


class NotPlanted(Exception):
    """The text that an edit replaces is not there exactly once: the source has moved on without the catalogue."""


@dataclass(frozen=True, slots=True)
class Edit:
    """One replacement in ``file``, a path from the root of the source tree; ``old`` occurs there exactly once."""

    file: str
    old: str
    new: str

    def apply(self, root: Path) -> None:
        """Make the replacement in the tree at ``root``; raises :class:`NotPlanted`."""
        path = root / self.file
        path.write_text(self.applied(path.read_text(encoding="utf-8")), encoding="utf-8")

    def applied(self, text: str) -> str:
        """``text`` after the replacement; raises :class:`NotPlanted`."""
        count = text.count(self.old)
        if count != 1:
            raise NotPlanted(f"{self.file} holds {count} times, not once: {self.old!r}")
        return text.replace(self.old, self.new)


@dataclass(frozen=True, slots=True)
class Mutant:
    """A bug by name; ``breaks`` says in one sentence what the program does wrong with it.

    ``caught_by`` are node ids of pytest, run in this order until one fails.
    """

    name: str
    promise: Promise
    breaks: str
    edits: tuple[Edit, ...]
    caught_by: tuple[str, ...]
