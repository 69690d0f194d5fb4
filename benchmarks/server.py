"""A Redis of one measurement's own: set up as the embedded one is, gone with its directory afterwards."""

from __future__ import annotations

import contextlib
import shutil
import subprocess
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

if TYPE_CHECKING:
    from collections.abc import Iterator

    from blackboard.server_binary import ServerBinary

START_S = 20.0


class Counters(NamedTuple):
    """What a server has done since it started."""

    calls: int
    """of scripts"""
    script_us: int
    """time inside scripts"""
    cpu_s: float
    """processor time of the whole server: scripts, sockets, append-only file"""
    received: int
    """bytes from all clients"""

    def since(self, before: Counters) -> Counters:
        """The difference."""
        return Counters(
            self.calls - before.calls,
            self.script_us - before.script_us,
            self.cpu_s - before.cpu_s,
            self.received - before.received,
        )


class PrivateServer:
    """A running server on a Unix socket, append-only file flushed every second."""

    def __init__(self, binary: ServerBinary, directory: Path) -> None:
        self.socket = directory / "s"
        self.url = f"unix://{self.socket}"
        settings = {
            "dir": directory,
            "port": "0",
            "unixsocket": self.socket,
            "databases": "1",
            "appendonly": "yes",
            "appendfsync": "everysec",
            "save": "",
            "maxmemory-policy": "noeviction",
            "logfile": "log",
        }
        arguments = [str(word) for name, value in settings.items() for word in (f"--{name}", value)]
        self._process = subprocess.Popen([binary.path, *arguments], stdin=subprocess.DEVNULL, start_new_session=True)  # noqa: S603
        self._client = redis.Redis(unix_socket_path=str(self.socket), protocol=2, retry=Retry(NoBackoff(), 0))

    def wait(self) -> None:
        """Return when it answers."""
        deadline = time.monotonic() + START_S
        while True:
            try:
                self._client.ping()
            except redis.ConnectionError:
                if self._process.poll() is not None or time.monotonic() > deadline:
                    raise
                time.sleep(0.01)
            else:
                return

    def counters(self) -> Counters:
        """What it has done so far; blocks, so not while something is timed."""
        scripts = self._client.info("commandstats").get("cmdstat_evalsha", {"calls": 0, "usec": 0})
        cpu = self._client.info("cpu")
        received = self._client.info("stats")["total_net_input_bytes"]
        return Counters(scripts["calls"], scripts["usec"], cpu["used_cpu_user"] + cpu["used_cpu_sys"], received)

    def stop(self) -> None:
        self._client.close()
        self._process.kill()
        self._process.wait()


@contextlib.contextmanager
def private_server(binary: ServerBinary) -> Iterator[PrivateServer]:
    """An empty server that answers; its files are removed with it."""
    # A socket's path has at most 107 bytes, and TMPDIR may be long.
    base = tempfile.gettempdir()
    directory = Path(tempfile.mkdtemp(prefix="bbbench-", dir=base if len(base) < 60 else "/tmp"))  # noqa: S108
    try:
        server = PrivateServer(binary, directory)
        try:
            server.wait()
            yield server
        finally:
            server.stop()
    finally:
        shutil.rmtree(directory, ignore_errors=True)
