"""Other processes that use an embedded server, and a directory for one that is empty of them at the end."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from tests.embedded_remains import is_free, processes
from tests.waiting import wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

ROOT = Path(__file__).parents[1]
USER = Path(__file__).with_name("integration") / "embedded_user.py"


@contextmanager
def own_directory() -> Iterator[Path]:
    """A directory for a server; at the end nothing may run in it."""
    path = Path(tempfile.mkdtemp(prefix="bbtest-emb-")) / "board"
    try:
        yield path
    finally:
        for pid in processes(path, named=USER.name):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        try:
            wait_until(lambda: processes(path) == [], f"no process runs in {path}: {processes(path)}", 20)
            if (path / "users.lock").exists():
                # A process loses its command line before its locks.
                wait_until(lambda: is_free(path), "no process holds a lock")
                assert not (path / "server.sock").exists()
        finally:
            for pid in processes(path):
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            shutil.rmtree(path.parent)


class User:
    """Another process that uses the directory's server."""

    def __init__(self, directory: Path, *, by: Sequence[str] = ()) -> None:
        """``by`` is the command that runs it."""
        self._process = subprocess.Popen(
            [*by, sys.executable, str(USER), str(directory)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            start_new_session=True,
        )
        self.pid = self._process.pid

    def says(self) -> str:
        """Its next line; ``""`` when it has ended."""
        assert self._process.stdout is not None
        return self._process.stdout.readline().decode().strip()

    def tell(self, command: str) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(command.encode() + b"\n")
        self._process.stdin.flush()

    def interrupt(self) -> None:
        """Press Ctrl-C where it runs: its whole process group is signalled."""
        os.killpg(self.pid, signal.SIGINT)
        self._end()

    def kill(self) -> None:
        self._process.kill()
        self._end()

    def leave(self) -> None:
        with contextlib.suppress(BrokenPipeError):
            self.tell("leave")
        self._end()

    def _end(self) -> None:
        with contextlib.suppress(BrokenPipeError):
            self._process.communicate(timeout=60)


def refusal(directory: Path, *, by: Sequence[str] = ()) -> str:
    """What a user in another process is told that must be refused."""
    refused = User(directory, by=by)
    said = refused.says()
    refused.leave()
    assert said.startswith("refused"), said
    return said
