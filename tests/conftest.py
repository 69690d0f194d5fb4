"""A real, private Redis server for each test session, and boards on it that leave nothing behind."""

from __future__ import annotations

import ctypes
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import uuid
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import pytest_asyncio
import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from blackboard.server_binary import ServerBinary, find_server
from tests.waiting import wait_until

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator

    from blackboard.board import Board

START_SECONDS = 20.0


class RedisServer:
    """One server process on a Unix socket; ``stop`` ends it and removes its directory."""

    def __init__(self, binary: ServerBinary) -> None:
        self.binary = binary.path
        self.version = binary.version
        # A socket's path has at most 107 bytes, and TMPDIR may be long.
        base = tempfile.gettempdir()
        self.directory = Path(tempfile.mkdtemp(prefix="bbtest-", dir=base if len(base) < 60 else "/tmp"))
        self.socket = self.directory / "redis.sock"
        self.url = f"unix://{self.socket}"
        arguments = ["--port", "0", "--save", "", "--appendonly", "no", "--unixsocketperm", "700"]
        self._process = subprocess.Popen(
            [
                self.binary,
                *arguments,
                "--unixsocket",
                self.socket,
                "--dir",
                self.directory,
                "--logfile",
                self.directory / "log",
            ],
            stdin=subprocess.DEVNULL,
            start_new_session=True,
            preexec_fn=_die_with_parent(),  # noqa: PLW1509 - no thread runs yet; nothing else survives a kill -9
        )
        try:
            wait_until(self._answers, "the test server answers", START_SECONDS)
        except BaseException:
            self.stop()
            raise

    def client(self) -> redis.Redis:
        """A blocking client that gives bytes and never sends a command twice; close it, or use ``with``."""
        return redis.Redis(unix_socket_path=str(self.socket), protocol=2, retry=Retry(NoBackoff(), 0))

    def keys(self, pattern: str = "*") -> list[bytes]:
        """The keys there are, sorted."""
        with self.client() as client:
            return sorted(client.scan_iter(match=pattern, count=1000))

    def remove(self, *patterns: str) -> None:
        """Delete every key that one of ``patterns`` matches."""
        with self.client() as client:
            for pattern in patterns:
                found = list(client.scan_iter(match=pattern, count=1000))
                if found:
                    client.delete(*found)

    def stop(self) -> None:
        self._process.kill()
        self._process.wait()
        shutil.rmtree(self.directory, ignore_errors=True)

    def _answers(self) -> bool:
        if self._process.poll() is not None:
            log = (self.directory / "log").read_text(errors="replace")
            raise AssertionError(f"{self.binary} ended with {self._process.returncode}:\n{log[-2000:]}")
        try:
            with self.client() as client:
                return bool(client.ping())
        except redis.ConnectionError:
            return False


def _die_with_parent() -> Callable[[], None] | None:
    """A killed test session must not leave its server; Linux alone can promise that."""
    if not sys.platform.startswith("linux"):
        return None
    prctl = ctypes.CDLL(None).prctl
    parent = os.getpid()

    def ask() -> None:
        prctl(1, signal.SIGKILL)
        if os.getppid() != parent:
            os._exit(1)

    return ask


@pytest.fixture(scope="session")
def redis_server() -> Iterator[RedisServer]:
    """A server of this session's own; at the end no test may have left a key on it."""
    server = RedisServer(find_server())
    try:
        yield server
        left = server.keys()
        assert not left, f"tests left {len(left)} keys behind, among them {left[:10]}"
    finally:
        server.stop()


@pytest.fixture
def redis_url(redis_server: RedisServer) -> str:
    """``unix://…`` of the session's server."""
    return redis_server.url


@pytest.fixture
def board_name(redis_server: RedisServer) -> Iterator[str]:
    """A name that no other test has; its board, and its runs ``name@n``, are removed afterwards."""
    name = f"t-{uuid.uuid4().hex[:12]}"
    yield name
    # Braces mean nothing in Redis' globs, and the other characters of a board's name neither.
    redis_server.remove(f"bb:{{{name}}}:*", f"bb:{{{name}@*")


@pytest_asyncio.fixture
async def board(redis_url: str, board_name: str) -> AsyncIterator[Board]:
    """An open board on the session's server."""
    # Imported late, so that tests that need no board run where it cannot be imported.
    from blackboard.board import Board

    async with await Board.open(redis_url, board_name) as opened:
        yield opened
