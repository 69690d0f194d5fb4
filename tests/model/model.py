"""A board as plain Python: what each call must answer and what the log must then say.

Nothing here is taken from the board's own code but the shapes of guards and outcomes.  Which of the records that
are due a call removes is the server's choice; the model is told and judges whether it was free to.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, NamedTuple, Self, TypeAlias

from blackboard.commit import Absent, At, Committed, Present, Unchanged, Written

if TYPE_CHECKING:
    from collections.abc import Sequence

    from blackboard.commit import Guard

SWEPT_AT_MOST = 16


class Violation(AssertionError):
    """The board did what the model does not allow."""


class Held(NamedTuple):
    """A record as it stands; ``text`` tells ``1``, ``1.0`` and ``True`` apart, which Python calls equal."""

    key: str
    commit: str
    version: int
    time_ms: int
    author: str
    case: str
    status: str
    expires_ms: int
    value: Any
    text: str


class Told(NamedTuple):
    """One change of a commit as the log tells it."""

    key: str
    operation: str
    previous: str
    held: Held | None


class Entry(NamedTuple):
    """One commit of the log."""

    commit: str
    time_ms: int
    author: str
    changes: tuple[Told, ...]


class Write(NamedTuple):
    """What a commit puts at a key, or that it removes what is there."""

    key: str
    value: Any = None
    status: str = ""
    expires_ms: int = 0
    case: str = ""
    removes: bool = False


class Asked(NamedTuple):
    """One commit as its caller asks for it; ``payload`` is what makes two uses of ``once`` the same."""

    author: str
    guards: tuple[Guard, ...]
    writes: tuple[Write, ...]
    once: str = ""
    payload: object = None


class Failed(NamedTuple):
    """A guard that did not hold, the commit that it met, the record that stands there."""

    guard: Guard
    commit: str
    held: Held | None


class Refused(NamedTuple):
    """A commit of which nothing was applied, and every guard that is to blame."""

    failures: tuple[Failed, ...]


class Mismatch(NamedTuple):
    """The idempotency key was used with another payload."""

    once: str


Outcome: TypeAlias = Committed | Refused | Mismatch


def region_of(key: str) -> str:
    """The text before the first slash."""
    return key.split("/", 1)[0]


class Model:
    """One board: its records, its log, the idempotency keys that were used."""

    def __init__(self) -> None:
        self.epoch = 1
        self.began = {1: 0}
        """epoch -> revision that it began after"""
        self.revision = 0
        self.now_ms = 0
        self.records: dict[str, Held] = {}
        self.regions: dict[str, int] = {}
        self.log: list[Entry] = []
        self.used: dict[str, tuple[object, Committed]] = {}

    def copy(self) -> Self:
        """The same board, to try on what may not have happened."""
        other = type(self)()
        other.epoch, other.revision, other.now_ms = self.epoch, self.revision, self.now_ms
        other.records, other.regions = self.records.copy(), self.regions.copy()
        other.log, other.used, other.began = self.log.copy(), self.used.copy(), self.began.copy()
        return other

    def is_due(self, held: Held) -> bool:
        """Whether its time is over, so that it reads as absent."""
        return 0 < held.expires_ms <= self.now_ms

    def due(self) -> list[str]:
        """The keys of what is due and was not removed yet."""
        return [key for key, held in self.records.items() if self.is_due(held)]

    def get(self, key: str) -> Held | None:
        """What a reader finds at ``key``."""
        held = self.records.get(key)
        return None if held is None or self.is_due(held) else held

    def head(self) -> str:
        """The name that a commit at the present revision would have."""
        return f"{self.epoch}-{self.revision}"

    def sweep(self, entry: Entry) -> None:
        """Remove the one record that ``entry`` says was due; raises :class:`Violation` where it was not."""
        (change,) = entry.changes if len(entry.changes) == 1 else (None,)
        held = self.records.get(change.key) if change is not None else None
        if held is None or not self.is_due(held):
            raise Violation(f"{entry} removes what was not due")
        self._log("", [Told(held.key, "expire", held.commit, None)])

    def judge(self, asked: Asked, *, previous_applied: bool) -> Outcome:
        """Apply ``asked``, or say why not."""
        named = [guard.key for guard in asked.guards if isinstance(guard, At | Absent | Present)]
        for key in [*named, *(write.key for write in asked.writes)]:
            if key in self.records and self.is_due(self.records[key]):
                raise Violation(f"{key} was due and a call that names it did not remove it")
        if asked.once in self.used:
            payload, first = self.used[asked.once]
            return first._replace(repeated=True) if payload == asked.payload else Mismatch(asked.once)
        failures = [self._failed(guard) for guard in asked.guards if not self._holds(guard, previous_applied)]
        if failures:
            return Refused(tuple(failures))
        done = self._apply(asked.author, asked.writes)
        if asked.once:
            self.used[asked.once] = (asked.payload, done)
        return done

    def _holds(self, guard: Guard, previous_applied: bool) -> bool:
        if isinstance(guard, At):
            held = self.records.get(guard.key)
            return held is not None and held.commit == guard.commit
        if isinstance(guard, Absent):
            return guard.key not in self.records
        if isinstance(guard, Present):
            return guard.key in self.records
        if isinstance(guard, Unchanged):
            return self.regions.get(guard.region, 0) <= self._reached(guard.since)
        return previous_applied

    def _reached(self, since: int | str) -> float:
        """The revision of ``since``, where this history came so far in that epoch; else less than any."""
        if isinstance(since, int):
            return since if since <= self.revision else -math.inf
        epoch, revision = (int(part) for part in since.split("-"))
        end = self.revision if epoch == self.epoch else self.began.get(epoch + 1, -1)
        return revision if revision <= end else -math.inf

    def rise(self) -> None:
        """Another epoch begins here."""
        self.epoch += 1
        self.began[self.epoch] = self.revision

    def _failed(self, guard: Guard) -> Failed:
        if isinstance(guard, Unchanged):
            return Failed(guard, f"{self.epoch}-{self.regions.get(guard.region, 0)}", None)
        held = self.records.get(guard.key) if isinstance(guard, At | Absent | Present) else None
        return Failed(guard, held.commit if held is not None else "", held)

    def _apply(self, author: str, writes: Sequence[Write]) -> Committed:
        commit = f"{self.epoch}-{self.revision + 1}"
        changes: list[Told] = []
        written = []
        for write in writes:
            before = self.records.get(write.key)
            previous = before.commit if before is not None else ""
            if write.removes:
                if before is None:
                    written.append(Written(write.key, "", 0, False))
                else:
                    changes.append(Told(write.key, "delete", previous, None))
                    written.append(Written(write.key, commit, 0, True))
                continue
            text = repr(write.value)
            if before is not None and (before.text, before.status, before.expires_ms) == (
                text,
                write.status,
                write.expires_ms,
            ):
                written.append(Written(write.key, previous, before.version, False))
                continue
            version = before.version + 1 if before is not None else 1
            what = (write.status, write.expires_ms, write.value, text)
            held = Held(write.key, commit, version, self.now_ms, author, write.case, *what)
            changes.append(Told(write.key, "put", previous, held))
            written.append(Written(write.key, commit, version, True))
        if not changes:
            return Committed("", 0, self.now_ms, tuple(written))
        self._log(author, changes)
        return Committed(commit, self.revision, self.now_ms, tuple(written))

    def _log(self, author: str, changes: Sequence[Told]) -> None:
        self.revision += 1
        self.log.append(Entry(self.head(), self.now_ms, author, tuple(changes)))
        for change in changes:
            self.regions[region_of(change.key)] = self.revision
            if change.held is None:
                del self.records[change.key]
            else:
                self.records[change.key] = change.held
