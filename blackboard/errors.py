"""Every error this package raises on purpose, as one tree.

Each class composes its own message from its fields, so that a caller can read
the fields and a person can read the message.  ``exit_code`` is what the command
line ends with when the error reaches it.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, ClassVar, Final

from blackboard import exit_codes

if TYPE_CHECKING:
    from collections.abc import Sequence

    from blackboard.commit import Guard
    from blackboard.record import Record


_SCRIPT_PLACE: Final = re.compile(
    r"\A(?:ERR )?Error running script \(call to \S+\): @user_script:?\s*\d+: (?:@user_script: ?\d+: )?-?"
    r"| script: [0-9a-f]{40}, on @user_script:\d+\.?\Z"
)
"""what Redis 6.2 puts in front of an error inside a script, and Redis 7 behind it"""
_SCRIPT_LINE: Final = re.compile(r"\A(?:ERR )?user_script:\d+: ")
"""an error of Lua itself, which the script raises where a key does not hold what it should"""


class BlackboardError(Exception):
    """The root: catch this to catch everything the runtime refuses."""

    exit_code: ClassVar[int] = exit_codes.INTERNAL


class UsageError(BlackboardError):
    """The caller asked for something that cannot be asked for."""

    exit_code = exit_codes.USAGE


class InvalidInput(BlackboardError):
    """A text, file or value from outside that does not parse.

    ``place`` is ``file:line:col`` where it is known, and comes first in the message.
    """

    exit_code = exit_codes.INVALID

    def __init__(self, reason: str, *, place: str = "") -> None:
        self.reason = reason
        self.place = place
        super().__init__(f"{place}: {reason}" if place else reason)


class InvalidName(InvalidInput):
    """A board name or a key that breaks the grammar of names."""


class InvalidValue(InvalidInput):
    """A value that a record cannot hold; ``place`` is the path inside the value."""


class SchemaMismatch(InvalidInput):
    """A record that is not what the schema of its key asks for; nothing was written.  ``fault`` names the field."""

    def __init__(self, key: str, schema: str, fault: str, *, place: str = "") -> None:
        self.key = key
        self.schema = schema
        self.fault = fault
        super().__init__(f"{key} is not the {schema} that its schema asks for: {fault}", place=place)


class PatternError(InvalidInput):
    """A pattern or predicate that does not parse.

    ``column`` counts code points from 1; the message shows the text with a caret under it.
    """

    def __init__(self, reason: str, *, text: str, column: int) -> None:
        self.text = text
        self.column = column
        shown = text if len(text) <= 200 else text[max(0, column - 100) : column + 100]
        caret = column if len(text) <= 200 else min(column, 101)
        super().__init__(f"{reason} (column {column})\n  {shown}\n  {' ' * (caret - 1)}^")
        self.reason = reason


class NoBackend(BlackboardError):
    """No server answers, or no server binary exists, where one is needed."""

    exit_code = exit_codes.NO_BACKEND


class GuardFailure:
    """One guard that did not hold: the guard, the present commit (``""``: absent), the present record.

    ``record`` is ``None`` where the key is absent, where the guard names no key, and where
    the refusal would have grown past 64 KiB.
    """

    __slots__ = ("commit", "guard", "record")

    def __init__(self, guard: Guard, commit: str, record: Record | None) -> None:
        self.guard = guard
        self.commit = commit
        self.record = record

    def __repr__(self) -> str:
        return f"GuardFailure({self.guard!r}, commit={self.commit!r})"

    def sentence(self) -> str:
        """The failure in words, with the author of the present record when it is known."""
        present = f"is now at {self.commit}" if self.commit else "is absent"
        if not self.commit and not hasattr(self.guard, "key"):
            present = "was refused"  # the commit before it in the call
        if self.record is not None and self.record.author:
            present += f", written by {self.record.author}"
        return f"{self.guard.describe()}, but it {present}"


class Conflict(BlackboardError):
    """A commit refused because guards did not hold; nothing of it was applied."""

    exit_code = exit_codes.FAILED

    def __init__(self, failures: Sequence[GuardFailure]) -> None:
        self.failures = tuple(failures)
        super().__init__("conflict: " + "; ".join(f.sentence() for f in self.failures))


class OnceMismatch(BlackboardError):
    """The idempotency key was used before with another payload; nothing was applied."""

    exit_code = exit_codes.USAGE

    def __init__(self, key: str) -> None:
        self.key = key
        super().__init__(f"idempotency key {key!r} was used before with another payload")


class TooLarge(BlackboardError):
    """A commit above the limits of one call: 4,096 guards and writes."""

    exit_code = exit_codes.INVALID


class Unknown(BlackboardError):
    """The server stayed away: whether the commit was applied is not known."""

    exit_code = exit_codes.NO_BACKEND

    def __init__(self, reason: str) -> None:
        self.reason = reason
        super().__init__(f"the outcome is unknown: {reason}")


class HistoryLost(BlackboardError):
    """The server no longer has a commit that this client saw.

    Everything read before is void, and nothing guarded by it is applied from now on.  Of a commit that was under
    way ``unknown`` is true: it may have been applied before, in the part of the history that is left.
    """

    exit_code = exit_codes.NO_BACKEND

    def __init__(self, seen: str, head: str, *, unknown: bool = False) -> None:
        self.seen = seen
        self.head = head
        self.unknown = unknown
        tail = "; whether this commit was applied before is not known" if unknown else ""
        super().__init__(f"history was lost: commit {seen} was seen, the server's head is {head}{tail}")


class Corrupt(BlackboardError):
    """Bytes in the server that this format does not explain; the board refuses to go on.

    A commit that this is raised for was not applied, unless the message says that this is not known.
    """

    exit_code = exit_codes.NO_BACKEND


class Gap(BlackboardError):
    """Changes that a reader asked for are gone from the log: ``since`` is below ``oldest``."""

    exit_code = exit_codes.NO_BACKEND

    def __init__(self, since: int, oldest: int) -> None:
        self.since = since
        self.oldest = oldest
        super().__init__(f"the log no longer holds the changes after revision {since}; the oldest kept is {oldest}")


class BeforeHorizon(BlackboardError):
    """A moment was asked for that the log no longer reaches: ``revision`` is below ``horizon``."""

    exit_code = exit_codes.NOTHING_SELECTED

    def __init__(self, revision: int, horizon: int) -> None:
        self.revision = revision
        self.horizon = horizon
        super().__init__(f"revision {revision} is gone: the log of this board was trimmed up to revision {horizon}")


class NothingSelected(BlackboardError):
    """What was named or asked for is not there: no such board, record, agent or escalation."""

    exit_code = exit_codes.NOTHING_SELECTED


class WaitTimeout(BlackboardError):
    """What was waited for did not come in time."""

    exit_code = exit_codes.NO_REST

    def __init__(self, what: str, seconds: float) -> None:
        self.what = what
        self.seconds = seconds
        super().__init__(f"nothing matched {what} within {seconds:g} s")


class ServerRefused(BlackboardError):
    """The server answered with an error that is about the server: memory, role, access; nothing was applied.

    ``answer`` is what it said, without the place in a script that Redis puts around it.
    """

    exit_code = exit_codes.NO_BACKEND

    def __init__(self, answer: str) -> None:
        self.answer = _SCRIPT_PLACE.sub("", answer)
        self.code = self.answer.partition(" ")[0]
        super().__init__(f"the server refused: {self.answer}")


def refusal_of(answer: str, about: str) -> ServerRefused | Corrupt:
    """What the error that the server answered with means: it refuses, or ``about`` holds what it should not."""
    said = _SCRIPT_PLACE.sub("", answer)
    if said.startswith("WRONGTYPE") or _SCRIPT_LINE.match(said):
        return Corrupt(f"{about} does not hold what it should: {said}")
    return ServerRefused(answer)


def raised_in_script(answer: str) -> bool:
    """Whether the server answered with an error inside a script: what the script wrote before that stands."""
    return _SCRIPT_PLACE.search(answer) is not None
