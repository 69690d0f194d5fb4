"""Libraries that a server preloads: a disk that forgets, a disk that is full, a clock that is set.

Each is a C file beside this one, compiled into a directory of the test, and a few numbers in a mapped file that the
test and the server share.  The numbers are there after a SIGKILL, and may be changed while the server runs.
"""

from __future__ import annotations

import mmap
import os
import shutil
import signal
import struct
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final

import pytest

from blackboard.server_binary import find_server
from blackboard.torn_end import cut_torn_end

if TYPE_CHECKING:
    import random

    from tests.own_server import OwnServer

SOURCES: Final = Path(__file__).parent
_SLOT: Final = struct.Struct("=Qq")
_SLOTS: Final = 256
_NUMBER: Final = struct.Struct("=q")


def compiler() -> str:
    """A C compiler on the PATH.

    Without one, or where libraries are not preloaded as on Linux, the test is skipped, and in CI it fails.
    """
    found = next((path for name in ("cc", "gcc", "clang") if (path := shutil.which(name))), None)
    if found is None or not sys.platform.startswith("linux"):
        missing = "a C compiler (cc, gcc or clang) on the PATH, on Linux, to build what the server preloads"
        if os.environ.get("CI") == "true":
            pytest.fail(f"there must be {missing}")
        pytest.skip(f"needs {missing}")
    return found


class Shim:
    """One library, compiled into ``directory``, and its numbers."""

    NAME: str
    """of the C file; its variable in the environment is ``BLACKBOARD_SHIM_`` and this in capitals"""
    BYTES = 8

    def __init__(self, directory: Path) -> None:
        self.library = directory / f"{self.NAME}.so"
        if not self.library.exists():
            source = SOURCES / f"{self.NAME}.c"
            command = [compiler(), "-shared", "-fPIC", "-O2", "-o", str(self.library), str(source), "-ldl"]
            subprocess.run(command, check=True, capture_output=True, text=True)
        number = len(list(directory.glob(f"{self.NAME}.*.numbers")))
        self._path = directory / f"{self.NAME}.{number}.numbers"
        self._path.write_bytes(bytes(self.BYTES))
        with self._path.open("r+b") as file:
            self._numbers = mmap.mmap(file.fileno(), self.BYTES)

    def _get(self, place: int) -> int:
        return int(_NUMBER.unpack_from(self._numbers, place * _NUMBER.size)[0])

    def _set(self, place: int, value: int) -> None:
        _NUMBER.pack_into(self._numbers, place * _NUMBER.size, value)

    @property
    def variable(self) -> tuple[str, str]:
        """The variable that tells the library where its numbers are, and its value."""
        return f"BLACKBOARD_SHIM_{self.NAME.upper()}", str(self._path)


def preloading(*shims: Shim) -> dict[str, str]:
    """The environment of a process that is to run with ``shims``."""
    return {"LD_PRELOAD": " ".join(str(shim.library) for shim in shims), **dict(shim.variable for shim in shims)}


class ForgetfulDisk(Shim):
    """Knows how much of each file outlives a power loss: what was there when its last ``fsync`` began."""

    NAME = "fsync"
    BYTES = _SLOT.size * _SLOTS

    def durable_bytes(self, path: Path) -> int:
        """How many bytes of ``path`` are on the disk; 0 where it was never synced."""
        inode = path.stat().st_ino
        lengths = {owner: length for owner, length in _SLOT.iter_unpack(self._numbers[:]) if owner}
        return min(int(lengths.get(inode, 0)), path.stat().st_size)

    def unsynced_bytes(self, server: OwnServer) -> int:
        """How many bytes of what ``server`` stores a power loss would take now."""
        return sum(path.stat().st_size - self.durable_bytes(path) for path in server.stored())

    def lose_power(self, server: OwnServer, torn: random.Random | None = None) -> int:
        """Kill ``server`` and cut its files to what is on the disk; returns how many bytes that took.

        With ``torn``, some of the bytes that were not synced are there: a part of them from the front on, and a
        transaction that this cuts in two is taken away, as an embedded server's user does it.
        """
        os.killpg(server.pid, signal.SIGKILL)  # a child that rewrites the log holds the clients' connections
        server.kill()
        taken = 0
        for path in server.stored():
            size, length = path.stat().st_size, self.durable_bytes(path)
            if torn is not None:
                length = torn.randint(length, size)
            os.truncate(path, length)
            taken += size - length
        if torn is not None:
            cut_torn_end(find_server(), server.directory)
        for path in server.stored():
            self._is_durable(path)
        return taken

    def _is_durable(self, path: Path) -> None:
        """What is there when the power is back is on the disk."""
        found = path.stat()
        for place in range(0, self.BYTES, _SLOT.size):
            owner, _ = _SLOT.unpack_from(self._numbers, place)
            if owner in (0, found.st_ino):
                _SLOT.pack_into(self._numbers, place, found.st_ino, found.st_size)
                return


class SmallDisk(Shim):
    """A disk on which only :attr:`room` more bytes fit, or that is broken or slow where it is to sync."""

    NAME = "full"
    BYTES = 24

    def __init__(self, directory: Path) -> None:
        super().__init__(directory)
        self.room = -1

    @property
    def room(self) -> int:
        """Bytes that still fit; below 0 without a limit."""
        return self._get(0)

    @room.setter
    def room(self, value: int) -> None:
        self._set(0, value)

    @property
    def broken(self) -> bool:
        """Whether syncing fails with an error of the device."""
        return bool(self._get(1))

    @broken.setter
    def broken(self, value: bool) -> None:
        self._set(1, int(value))

    @property
    def slow_ms(self) -> int:
        """How much longer syncing takes."""
        return self._get(2)

    @slow_ms.setter
    def slow_ms(self, value: int) -> None:
        self._set(2, value)


class SetClock(Shim):
    """A wall clock that is :attr:`ahead_ms` of the machine's."""

    NAME = "clock"

    @property
    def ahead_ms(self) -> int:
        return self._get(0)

    @ahead_ms.setter
    def ahead_ms(self, value: int) -> None:
        self._set(0, value)
