"""Locks between processes that the kernel gives back when their holder dies, however it dies."""

from __future__ import annotations

import fcntl
import os
import time
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from pathlib import Path
    from types import TracebackType

POLL_SECONDS = 0.005


class FileLock:
    """An ``flock`` on an open file.  A child that is given ``fd`` holds the same lock, beyond this object's life.

    A lock is held on the file that was opened: when somebody removes the directory and makes it
    anew, ``is_current`` turns false and others may hold the lock of the new file.
    """

    def __init__(self, path: Path, fd: int) -> None:
        self.path = path
        self.fd = fd

    @classmethod
    def shared(cls, path: Path, seconds: float) -> FileLock | None:
        """Hold ``path`` together with others; ``None`` when somebody holds it alone for ``seconds``."""
        deadline = time.monotonic() + seconds
        while (lock := cls._attempt(path, fcntl.LOCK_SH)) is None:
            if time.monotonic() > deadline:
                return None
            time.sleep(POLL_SECONDS)
        return lock

    @classmethod
    def exclusive(cls, path: Path) -> FileLock | None:
        """Hold ``path`` alone; ``None`` at once when anybody holds it."""
        return cls._attempt(path, fcntl.LOCK_EX)

    @classmethod
    def _attempt(cls, path: Path, operation: int) -> FileLock | None:
        fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
        lock = cls(path, fd)
        try:
            fcntl.flock(fd, operation | fcntl.LOCK_NB)
        except BlockingIOError:
            lock.close()
            return None
        if lock.is_current():
            return lock
        lock.close()
        return None

    def is_current(self) -> bool:
        """Whether ``path`` still names the file that is locked."""
        try:
            return os.path.samestat(self.path.stat(), os.fstat(self.fd))
        except (FileNotFoundError, NotADirectoryError):
            return False

    def close(self) -> None:
        """Let go of this copy; the lock ends with the last one."""
        if self.fd >= 0:
            os.close(self.fd)
            self.fd = -1

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
