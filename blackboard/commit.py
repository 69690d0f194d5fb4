"""The one way to change a board: guards and writes that are applied all or nothing.

This module holds the shapes only.  ``commit.lua`` decides, ``store`` sends.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

MAX_WRITES = 3500
"""Writes of one commit: they are one entry of the log, whose fields the script passes at once."""


class At(NamedTuple):
    """The record at ``key`` was last written by ``commit``.  No ABA: a commit's name is never used twice."""

    key: str
    commit: str

    def describe(self) -> str:
        return f"{self.key} was to be at {self.commit}"


class Absent(NamedTuple):
    """No record is at ``key`` now."""

    key: str

    def describe(self) -> str:
        return f"{self.key} was to be absent"


class Present(NamedTuple):
    """Some record is at ``key`` now."""

    key: str

    def describe(self) -> str:
        return f"{self.key} was to be present"


class Unchanged(NamedTuple):
    """No record of ``region`` was written or removed after ``since``, a commit's id or a revision.

    An id also says in which history it was read: where that was lost the guard fails for good.  A revision fails
    only while the board has not come so far again.
    """

    region: str
    since: int | str

    def describe(self) -> str:
        since = f"revision {self.since}" if isinstance(self.since, int) else self.since
        return f"region {self.region} was to be unchanged since {since}"


class Previous(NamedTuple):
    """The commit before this one in the same call was applied (written ``$`` in the design)."""

    def describe(self) -> str:
        return "the commit before was to succeed"


Guard: TypeAlias = At | Absent | Present | Unchanged | Previous


class Put(NamedTuple):
    """Write ``value`` at ``key``; what stood there is replaced.

    ``ttl_ms`` from the commit's time on, it reads as absent and is removed; ``None`` keeps it for good.
    """

    key: str
    value: Any
    ttl_ms: int | None = None
    status: str = ""


class Delete(NamedTuple):
    """Remove the record at ``key``; nothing happens where none is."""

    key: str


class Update(NamedTuple):
    """Put ``fn(present value or None)`` at ``key`` when the commit is made.

    The record is read and guarded at that moment and is not part of what the author saw: on a
    conflict only ``fn`` runs again.  For counters, stock and other hot records.
    """

    key: str
    fn: Callable[[Any], Any]


Write: TypeAlias = Put | Delete


class Once(NamedTuple):
    """A user's idempotency key: the same payload again gets the first result for ``ttl_ms``."""

    key: str
    ttl_ms: int = 24 * 3600 * 1000


class Written(NamedTuple):
    """What became of one write: the commit that now stands at the key, its version, whether it changed."""

    key: str
    commit: str
    version: int
    changed: bool


class Committed(NamedTuple):
    """An applied commit.

    ``commit`` is its name; it is ``""`` where no write changed anything, so that nothing was logged.
    ``repeated`` is true where an idempotency key gave back the first result.
    """

    commit: str
    revision: int
    time_ms: int
    writes: tuple[Written, ...]
    repeated: bool = False
