"""What clients did and what they were told, in the order in which each of them knew it.

A history outlives those who made it: with a journal, each operation is a line of a file before it is sent,
and another line once it is answered, so that a killed process leaves an operation whose outcome is unknown.
Times are nanoseconds of the machine's monotonic clock, which all processes share.
"""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import astuple, dataclass, field
from typing import IO, TYPE_CHECKING, Any, Literal, Self, TypeAlias, cast

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

Outcome: TypeAlias = Literal["done", "refused", "unknown"]
NEVER = (1 << 63) - 1
"""the end of an operation that was not answered"""


@dataclass(slots=True)
class Commit:
    """One commit as its client knows it.  ``(client, number)`` names it."""

    client: str
    number: int
    start_ns: int
    author: str
    guards: tuple[tuple[str, str, str], ...]
    """kind, key or region, argument: ``at key commit``, ``absent key -``, ``present key -``, ``unchanged region
    revision``, ``previous - -``, with an empty text for ``-``"""
    writes: tuple[tuple[str, str], ...]
    """key and mark of the bytes that were sent (:func:`tests.proof.dump.mark_of`); an empty mark removes"""
    once: str = ""
    payload: str = ""
    """digest of what the idempotency key ``once`` was used with"""
    end_ns: int = NEVER
    outcome: Outcome = "unknown"
    commit: str = ""
    """its name; empty where nothing changed, and where it is not done"""
    repeated: bool = False
    results: tuple[tuple[str, int, bool], ...] = ()
    """per write: the commit that stands there, its version (0: none), whether it changed"""
    error: str = ""
    """the class of what it was refused with, or of why that is not known"""
    failures: tuple[tuple[int, str], ...] = ()
    """of a conflict: number of the guard that did not hold, the commit that it met"""


@dataclass(slots=True)
class Read:
    """One answered read of one key; ``commit`` is empty where nothing stood there.

    Under the empty key it is a read of the board's revision, with the name of the epoch it was read in.
    """

    client: str
    number: int
    start_ns: int
    end_ns: int
    key: str
    commit: str


@dataclass(slots=True)
class Told:
    """One change that a reader of all changes was given; an empty ``mark`` removes."""

    client: str
    number: int
    at_ns: int
    commit: str
    key: str
    mark: str


@dataclass(slots=True)
class Shown:
    """The state that a replica showed after ``revision``: key and commit of each record."""

    client: str
    number: int
    at_ns: int
    revision: int
    records: tuple[tuple[str, str], ...]


@dataclass(slots=True)
class Event:
    """Something that happened: to a client ``reads`` (detail: the revision it starts after), ``gap``, ``lost``;
    to the server, in a fault test's words; two count: ``lagging`` and ``promoted``, between which history is lost."""

    client: str
    number: int
    at_ns: int
    what: str
    detail: str = ""


Item: TypeAlias = Commit | Read | Told | Shown | Event
_KINDS: dict[str, type[Item]] = {"commit": Commit, "read": Read, "told": Told, "shown": Shown, "event": Event}
_NAMES = {kind: name for name, kind in _KINDS.items()}


@dataclass
class History:
    """Everything that was recorded; per client in its order."""

    commits: list[Commit] = field(default_factory=list)
    reads: list[Read] = field(default_factory=list)
    told: list[Told] = field(default_factory=list)
    shown: list[Shown] = field(default_factory=list)
    events: list[Event] = field(default_factory=list)
    journal: IO[str] | None = field(default=None, compare=False)
    """where each item is written to, at once, when it is added and when it is answered"""
    _numbers: dict[str, int] = field(default_factory=dict, compare=False)

    def next_number(self, client: str) -> int:
        """1, 2, 3 … for the items of ``client``."""
        number = self._numbers[client] = self._numbers.get(client, 0) + 1
        return number

    def add(self, item: Item) -> None:
        self._list_of(item).append(item)
        self.note(item)

    def note(self, item: Item) -> None:
        """Write ``item`` to the journal, again where it was written before: the later line counts."""
        if self.journal is not None:
            self.journal.write(_line(item))
            self.journal.flush()

    def save(self, path: Path) -> None:
        """Write the whole history as one JSON array a line."""
        with path.open("w", encoding="utf-8") as file:
            file.writelines(_line(item) for item in self.items())

    def items(self) -> Iterable[Item]:
        for items in (self.commits, self.reads, self.told, self.shown, self.events):
            yield from cast("list[Item]", items)

    def summary(self) -> str:
        """How much of what there is, in a line."""
        outcomes = Counter(f"{commit.outcome} {commit.error}".rstrip() for commit in self.commits)
        counted = ", ".join(f"{count:,} {outcome}" for outcome, count in sorted(outcomes.items()))
        return f"{len(self.commits):,} commits ({counted}), {len(self.reads):,} reads, {len(self.told):,} changes told"

    @classmethod
    def load(cls, *paths: Path) -> Self:
        """The histories in ``paths`` as one.  A last line that breaks off was never acted on, and is left out."""
        found: dict[tuple[str, int], Item] = {}
        for path in paths:
            with path.open(encoding="utf-8") as file:
                for line in file:
                    if line.endswith("\n"):
                        item = _parsed(line)
                        found[item.client, item.number] = item
        history = cls()
        for item in found.values():
            history._list_of(item).append(item)
        return history

    def take(self, other: History) -> None:
        """Add what ``other`` recorded of other clients."""
        for item in other.items():
            self._list_of(item).append(item)

    def _list_of(self, item: Item) -> list[Any]:
        lists: dict[type[Item], list[Any]] = {
            Commit: self.commits,
            Read: self.reads,
            Told: self.told,
            Shown: self.shown,
            Event: self.events,
        }
        return lists[type(item)]


def _line(item: Item) -> str:
    return json.dumps([_NAMES[type(item)], *astuple(item)]) + "\n"


def _parsed(line: str) -> Item:
    name, *fields = json.loads(line)
    return _KINDS[name](*(_frozen(value) for value in fields))


def _frozen(value: Any) -> Any:
    return tuple(_frozen(item) for item in value) if isinstance(value, list) else value
