"""A server that a test kills, starts again, empties, or sets otherwise than the session's."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Self

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from blackboard.server_binary import find_server
from tests.conftest import _die_with_parent
from tests.waiting import wait_until

if TYPE_CHECKING:
    from collections.abc import Mapping
    from types import TracebackType


class OwnServer:
    """A server on a Unix socket of its own, with an append-only file unless told otherwise.

    ``environment`` is what its process sees besides this one's, such as a library that is to be preloaded.
    """

    def __init__(self, *arguments: str, appendonly: bool = True, environment: Mapping[str, str] | None = None) -> None:
        base = tempfile.gettempdir()
        self.directory = Path(tempfile.mkdtemp(prefix="bbown-", dir=base if len(base) < 60 else "/tmp"))
        self.socket = self.directory / "redis.sock"
        self.url = f"unix://{self.socket}"
        self._arguments = [*arguments, "--appendonly", "yes" if appendonly else "no"]
        self._environment = dict(environment or {})
        self._process: subprocess.Popen[bytes] | None = None
        self.start()

    def start(self) -> None:
        """Start it on what its directory holds; returns when it answers."""
        fixed = ["--port", "0", "--save", "", "--unixsocketperm", "700", "--logfile", str(self.directory / "log")]
        self._process = subprocess.Popen(
            [find_server().path, *fixed, "--unixsocket", self.socket, "--dir", self.directory, *self._arguments],
            stdin=subprocess.DEVNULL,
            start_new_session=True,
            env={**os.environ, **self._environment},
            preexec_fn=_die_with_parent(),  # noqa: PLW1509 - as the session's server
        )
        wait_until(self._answers, "the test's own server answers", 20)

    def kill(self) -> None:
        """End it with SIGKILL, if it runs."""
        assert self._process is not None
        self._process.kill()
        self._process.wait()

    @property
    def pid(self) -> int:
        """The process that was started last."""
        assert self._process is not None
        return self._process.pid

    def exited(self) -> int | None:
        """How it ended by itself or was ended, ``None`` while it runs."""
        assert self._process is not None
        return self._process.poll()

    def stored(self) -> list[Path]:
        """Every file that holds what it stores, those in a directory of append-only files included."""
        found = [path for top in self._stored() for path in ([top] if top.is_file() else sorted(top.iterdir()))]
        return [path for path in found if path.is_file()]

    def keep_files(self) -> Path:
        """A copy of what it stored, for :meth:`restore`."""
        kept = self.directory / "kept"
        shutil.rmtree(kept, ignore_errors=True)
        kept.mkdir()
        for path in self._stored():
            (shutil.copytree if path.is_dir() else shutil.copy)(path, kept / path.name)
        return kept

    def restore(self, kept: Path | None) -> None:
        """Put back what ``kept`` holds, or nothing, in the place of what is stored; only while it is down."""
        for path in self._stored():
            if path.is_dir():
                shutil.rmtree(path)
            else:
                path.unlink()
        for path in kept.iterdir() if kept is not None else ():
            (shutil.copytree if path.is_dir() else shutil.copy)(path, self.directory / path.name)

    def client(self) -> redis.Redis:
        """A blocking client that sends each command once; use it with ``with``."""
        return redis.Redis(unix_socket_path=str(self.socket), protocol=2, retry=Retry(NoBackoff(), 0))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.kill()
        shutil.rmtree(self.directory, ignore_errors=True)

    def _stored(self) -> list[Path]:
        return [*self.directory.glob("appendonly*"), *self.directory.glob("*.rdb")]

    def _answers(self) -> bool:
        assert self._process is not None
        if self._process.poll() is not None:
            raise AssertionError((self.directory / "log").read_text(errors="replace")[-2000:])
        try:
            with self.client() as client:
                return bool(client.ping())
        except (redis.ConnectionError, redis.exceptions.BusyLoadingError):
            return False
