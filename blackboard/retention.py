"""How much of a board's log is kept."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from blackboard.durations import format_duration
from blackboard.errors import Corrupt, InvalidInput

DEFAULT_REVISIONS: Final = 250_000
"""about 250 MB of a server's memory, or 100,000 activations"""
MAX_REVISIONS: Final = 10**12

_SIZE: Final = re.compile(r"([0-9]{1,9})(KB|MB|GB)\Z")
_UNIT_BYTES: Final = {"KB": 1 << 10, "MB": 1 << 20, "GB": 1 << 30}
_STORED: Final = re.compile(r"([0-9]{1,18}) ([0-9]{1,18}) ([0-9]{1,18})\Z")


@dataclass(frozen=True, slots=True)
class Retention:
    """The log's limits, each 0 for none: what is past any of them may be trimmed.

    The limits say what may go, never what must be gone: readers and snapshots hold it back.
    """

    revisions: int = DEFAULT_REVISIONS
    """the newest that are kept"""
    age_ms: int = 0
    """how old a commit may grow, in milliseconds of the server's time"""
    size_bytes: int = 0
    """of the server's memory, as far as the server measures it"""

    def __post_init__(self) -> None:
        if min(self.revisions, self.age_ms, self.size_bytes) < 0 or self.revisions > MAX_REVISIONS:
            raise InvalidInput(f"{self}: a limit is 0, for none, or more, and at most {MAX_REVISIONS:,} revisions")

    @property
    def limited(self) -> bool:
        """Whether anything may ever go."""
        return bool(self.revisions or self.age_ms or self.size_bytes)

    def stored(self) -> str:
        """As the board's meta hash holds it."""
        return f"{self.revisions} {self.age_ms} {self.size_bytes}"

    def __str__(self) -> str:
        parts = [f"{self.revisions:,} revisions"] if self.revisions else []
        parts += [format_duration(self.age_ms)] if self.age_ms else []
        parts += [format_size(self.size_bytes)] if self.size_bytes else []
        return ", ".join(parts) or "everything"


EVERYTHING: Final = Retention(revisions=0)


def parse_stored(text: str | None) -> Retention:
    """The retention that the meta hash holds, the default where it holds none; raises :class:`Corrupt`."""
    if text is None:
        return Retention()
    match = _STORED.match(text)
    if match is None:
        raise Corrupt(f"the board's retention does not parse: {text[:60]!r}")
    return Retention(int(match[1]), int(match[2]), int(match[3]))


def parse_size(text: str) -> int:
    """The bytes in ``256MB``: a whole number with KB, MB or GB, which are powers of 1,024."""
    match = _SIZE.match(text)
    if match is None:
        raise InvalidInput(f"{text[:40]!r} is not a size: write a whole number and KB, MB or GB, like 256MB")
    return int(match[1]) * _UNIT_BYTES[match[2]]


def format_size(size_bytes: int) -> str:
    """The shortest text that :func:`parse_size` reads as ``size_bytes``, or the bytes."""
    for unit in ("GB", "MB", "KB"):
        if size_bytes % _UNIT_BYTES[unit] == 0:
            return f"{size_bytes // _UNIT_BYTES[unit]}{unit}"
    return f"{size_bytes:,} bytes"
