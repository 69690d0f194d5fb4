"""What still runs, is locked or lies about in the directory of an embedded server."""

from __future__ import annotations

import contextlib
import fcntl
import os
import signal
import tempfile
from pathlib import Path

from tests.waiting import wait_until

LOCKS = ("users.lock", "keeper.lock", "server.lock")


def processes(directory: Path, *, named: str = "") -> list[int]:
    """The processes that work in ``directory`` or name it on their command line, where that holds ``named``."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            with contextlib.suppress(OSError):
                line = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
                # The server does not show a path that holds a space.
                folder = os.readlink(entry / "cwd")  # noqa: PTH115 - a removed one has a name that is no path
                if named in line and (str(directory) in line or str(directory) in folder):
                    found.append(int(entry.name))
    return found


def is_free(directory: Path) -> bool:
    """Whether no process holds one of the directory's locks."""
    for path in filter(Path.exists, map(directory.joinpath, LOCKS)):
        with path.open("rb") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                return False
    return True


def strays(directory: Path) -> list[str]:
    """The files that a directory which nobody uses should not hold."""
    known = {".gitignore", "server.log", "server.version", *LOCKS}
    return sorted(
        path.name
        for path in directory.iterdir()
        if path.name not in known and path.suffix != ".aof" and path.name != "appendonlydir"
    )


def links_to(directory: Path, *, below: bool = False) -> list[Path]:
    """The short paths that lead to ``directory``, and ``below`` it if asked."""
    folder = Path(tempfile.gettempdir()) / f"blackboard-{os.geteuid()}"
    found = []
    for link in folder.iterdir() if folder.is_dir() else ():
        with contextlib.suppress(FileNotFoundError):  # another directory's, whose keeper removes it
            target = link.readlink()
            if target == directory or (below and target.is_relative_to(directory)):
                found.append(link)
    return found


def kill_server(directory: Path) -> int:
    """Kill the directory's server with SIGKILL; its process id."""
    (pid,) = processes(directory, named="-server")
    os.kill(pid, signal.SIGKILL)
    wait_until(lambda: pid not in processes(directory), f"server {pid} is gone")
    return pid
