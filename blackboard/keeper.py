"""The process that stops the server of an embedded directory when its last user is gone.

Run as a file by :mod:`blackboard.embedded`: ``python -I -S keeper.py FD DIR ALIAS`` in ``DIR``.  ``FD`` is an open
file on which the one keeper of ``DIR`` holds an exclusive lock.  It imports nothing of the package and no
``pathlib``, so that it starts quickly and stays small, and it trusts no path once ``DIR`` may have been removed
and made anew.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import signal
import socket
import sys
import time

STOP_SECONDS = 30.0
SILENT_SECONDS = 0.5


def main(fd: int, alias: str) -> None:
    """Wait until nobody uses the directory, stop its server, and end."""
    if os.fork():
        # Whoever started this waits for us, and nobody has to wait for the keeper.
        os._exit(0)
    os.dup2(0, 2)
    users = _open_above(fd, "users.lock")
    server = _open_above(fd, "server.lock")
    fcntl.flock(users, fcntl.LOCK_EX)
    stop(users, server)
    tidy(users, alias)
    # The keeper's lock first: a user that comes now must find that there is no keeper any more.  A kill closes
    # in the order of the numbers, which is the same one.
    os.close(fd)
    os.close(users)


def _open_above(floor: int, name: str) -> int:
    """Open ``name`` with a number above ``floor``."""
    opened = os.open(name, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        return fcntl.fcntl(opened, fcntl.F_DUPFD_CLOEXEC, floor + 1)
    finally:
        os.close(opened)


def stop(users: int, server: int) -> None:
    """Have the server write what it holds and end; return when its process, which holds ``server``, is gone."""
    begun = time.monotonic()
    while not _lock(server):
        waited = time.monotonic() - begun
        if not _is_current(users):
            # The directory was removed, and what the server holds with it.  Stopping in good order it would remove
            # the socket of the next server by name.
            _signal(server, signal.SIGKILL)
        elif not shut_down() and waited > SILENT_SECONDS:
            _signal(server, signal.SIGTERM)
        if waited > STOP_SECONDS:
            _signal(server, signal.SIGKILL)
            return
        time.sleep(0.01)


def tidy(users: int, alias: str) -> None:
    """Remove what a server that was killed left, and the short path to the directory; one that was stopped did."""
    current = _is_current(users)
    left = ["server.sock", "server.pid"] if current else []
    # A directory that was made anew at the same place is reached by the same short path.
    if alias and (current or not os.path.exists(f"{alias}/users.lock")):  # noqa: PTH110
        left.append(alias)
    for name in left:
        with contextlib.suppress(OSError):
            os.unlink(name)  # noqa: PTH108


def _is_current(users: int) -> bool:
    """Whether the socket in this directory is our server's: only while it is the directory that was locked."""
    try:
        return os.path.samestat(os.stat("users.lock"), os.fstat(users))  # noqa: PTH116
    except OSError:
        return False


def _lock(fd: int) -> bool:
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def shut_down() -> bool:
    """Ask the server at the socket in this directory to stop; whether it was there to be asked."""
    try:
        with socket.socket(socket.AF_UNIX) as link:
            link.settimeout(1.0)
            link.connect("server.sock")
            link.sendall(b"SHUTDOWN\r\n")
            # It answers only when it refuses; else the connection ends with the process.
            link.recv(256)
    except OSError:
        return False
    return True


def _signal(server: int, number: signal.Signals) -> None:
    """Send ``number`` to the process whose id its starter wrote into the lock file, if that process has the file."""
    text = os.pread(server, 32, 0)
    if not text.isdigit():
        return
    with contextlib.suppress(OSError):
        if _has_open(int(text), server):
            os.kill(int(text), number)


def _has_open(pid: int, file: int) -> bool:
    # Ids are used again, and mean another process in another container: the open lock file is the proof.
    folder = f"/proc/{pid}/fd"
    if not os.path.isdir("/proc/self/fd"):  # noqa: PTH112
        return True
    wanted = os.fstat(file)
    for name in os.listdir(folder):  # noqa: PTH208
        with contextlib.suppress(OSError):
            if os.path.samestat(os.stat(f"{folder}/{name}"), wanted):  # noqa: PTH116
                return True
    return False


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[3])
