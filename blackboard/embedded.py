"""A private server in a directory, shared by every process that names the directory.

Three locks, all held by processes and given back by the kernel when these die:

- ``users.lock``: every user holds it together with the others.
- ``keeper.lock``: the keeper's.  It waits to hold ``users.lock`` alone, which it can when the last user is gone,
  and stops the server before it lets go; a user that comes meanwhile waits, and then starts the server again.
- ``server.lock``: handed to the server's process.  Who can take it knows that no server runs, and is the only
  one to start one.

The keeper is there before the server, so that nothing stays behind wherever a user is killed.
"""

from __future__ import annotations

import re
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from blackboard.errors import NoBackend
from blackboard.locks import POLL_SECONDS, FileLock
from blackboard.server_binary import find_server
from blackboard.server_directory import ServerDirectory, usable
from blackboard.torn_end import TORN, cut_torn_end

if TYPE_CHECKING:
    from blackboard.server_binary import Version
    from blackboard.settings import Fsync

JOIN_SECONDS = 40.0
"""Longer than the keeper gives a server to stop."""
START_SECONDS = 20.0
STARTS = 3
_KEEPER = Path(__file__).with_name("keeper.py")
_ALWAYS = b"CONFIG SET appendfsync always"
_PLAIN = re.compile(r"[\w/.,@+=-]+\Z", re.ASCII)
State = Literal["absent", "loading", "ready"]


class EmbeddedServer:
    """This process's use of a directory's server: while it is open, the server is not stopped.

    All methods block, for some 50 ms where they start the server.
    """

    def __init__(self, directory: ServerDirectory, users: FileLock, fsync: Fsync) -> None:
        self._directory = directory
        self._users = users
        self._fsync: Fsync = fsync

    @classmethod
    def join(cls, path: Path, fsync: Fsync = "everysec") -> EmbeddedServer:
        """Become a user of the server in ``path`` and return when it answers.

        ``fsync="always"`` makes every acknowledged commit outlive a power loss, for all users of the
        directory until the server stops.  Raises ``NoBackend``.
        """
        directory = ServerDirectory.prepare(path)
        with usable(directory.path):
            server = cls(directory, _use(directory), fsync)
        try:
            server.revive()
        except BaseException:
            server._users.close()
            raise
        return server

    @property
    def path(self) -> Path:
        """The directory, resolved."""
        return self._directory.path

    @property
    def socket(self) -> Path:
        """Where the server listens, short enough to connect to."""
        alias = self._directory.alias()
        return (alias or self.path) / self._directory.socket.name

    @property
    def version(self) -> Version:
        """The version of the server that runs."""
        found = self._directory.written_by()
        if found is None:
            raise NoBackend(f"{self.path} was removed")
        return found

    def revive(self) -> None:
        """See that a server answers and a keeper watches, starting what is missing; raises ``NoBackend``.

        Cheap when both are there, and safe to call from many processes at once.
        """
        with usable(self.path):
            if not self._users.is_current():
                # Somebody removed the directory.  What was in it is gone; a new board begins in a new one.
                self._directory = ServerDirectory.prepare(self.path)
                former, self._users = self._users, _use(self._directory)
                former.close()
            self._see_to_keeper()
            self._see_to_server()

    def close(self) -> None:
        """Stop using the server.  Where this was the last user, the keeper stops it."""
        if self._users.fd < 0:
            return
        try:
            if self._users.is_current():
                # A keeper that was killed would leave the server running.
                self._see_to_keeper()
        finally:
            self._users.close()

    def _see_to_keeper(self) -> None:
        for _ in range(STARTS):
            lock = FileLock.exclusive(self._directory.keeper_lock)
            if lock is None:
                return
            with lock:
                started = self._start_keeper(lock)
            if started.returncode == 0:
                return
            if started.returncode > 0:
                break
            # It was killed, perhaps with others that were not meant to live; another has as good a chance.
        reason = started.stderr.decode(errors="replace").strip() or f"it ended with {started.returncode}"
        raise NoBackend(f"the process that stops the server of {self.path} did not start: {reason}")

    def _start_keeper(self, lock: FileLock) -> subprocess.CompletedProcess[bytes]:
        """Start a keeper that holds ``lock``; it has ended with 0 where it goes on as a process of its own."""
        alias = self._directory.alias()
        return subprocess.run(  # noqa: S603
            [sys.executable, "-I", "-S", str(_KEEPER), str(lock.fd), str(self.path), str(alias or "")],
            cwd=self.path,
            pass_fds=[lock.fd],
            start_new_session=True,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            check=False,
        )

    def _see_to_server(self) -> None:
        deadline = time.monotonic() + START_SECONDS
        starts = 0
        while True:
            lock = FileLock.exclusive(self._directory.server_lock)
            if lock is not None:
                with lock:
                    if starts == STARTS:
                        raise NoBackend(f"the server in {self.path} ends as it starts:\n{self._directory.end_of_log()}")
                    self._start(lock)
                    starts += 1
            state = _state(self.socket)
            # Whoever started it may have wanted less; a server that does not confirm may lose what was acknowledged.
            if state == "ready" and (self._fsync != "always" or _ask(self.socket, _ALWAYS).startswith(b"+OK")):
                break
            if state == "loading":
                deadline = time.monotonic() + START_SECONDS
            if time.monotonic() > deadline:
                raise NoBackend(f"the server in {self.path} runs but does not answer; see {self._directory.log}")
            time.sleep(POLL_SECONDS)
        self._tell_keeper_the_pid()

    def _start(self, lock: FileLock) -> None:
        """Start the server as a process of its own that holds ``lock``; it may not answer yet."""
        former = self._directory.written_by()
        try:
            binary = find_server(None if former is None else lambda version: version.reads_what(former))
        except NoBackend as error:
            if former is None:
                raise
            raise NoBackend(
                f"{self.path} was written by {former}; an older server would show it as an empty board. {error}"
            ) from error
        self._directory.record_version(binary.version)
        if TORN in self._directory.end_of_log():
            cut_torn_end(binary, self.path)
        self._directory.clear_for_start()
        started = subprocess.run(  # noqa: S603
            [binary.path, *self._arguments()],
            cwd=self.path,
            pass_fds=[lock.fd],
            start_new_session=True,
            umask=0o077,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            check=False,
        )
        # One that was killed is tried again, as one that dies a moment later is.
        if started.returncode > 0:
            reason = started.stderr.decode(errors="replace").strip() or self._directory.end_of_log()
            raise NoBackend(f"{binary.path} did not start in {self.path}: {reason}")

    def _arguments(self) -> list[str]:
        """The server's settings.  Paths are relative to the directory: a socket's path must be short."""
        settings = {
            "dir": str(self.path),
            "port": "0",
            "unixsocket": self._directory.socket.name,
            "unixsocketperm": "700",
            "databases": "1",
            "appendonly": "yes",
            "appendfsync": self._fsync,
            "aof-load-truncated": "no",
            "save": "",
            "maxmemory-policy": "noeviction",
            "daemonize": "yes",
            "pidfile": self._directory.pid.name,
            "logfile": self._directory.log.name,
            "loglevel": "notice",
        }
        if _PLAIN.match(str(self.path)):
            # So that a list of processes shows whose server it is.
            settings["proc-title-template"] = f"{{title}} blackboard {self.path}"
        return [word for name, value in settings.items() for word in (f"--{name}", value)]

    def _tell_keeper_the_pid(self) -> None:
        # For the case that the directory is removed, and with it the way to the socket.  Every user looks, since
        # the one that started the server may have been killed before he told.  Where the file is gone already,
        # another user starts the server anew and tells.
        try:
            pid = self._directory.pid.read_text(encoding="ascii").strip()
            if self._directory.server_lock.read_text(encoding="ascii") != pid:
                self._directory.server_lock.write_text(pid, encoding="ascii")
        except FileNotFoundError:
            return


def _use(directory: ServerDirectory) -> FileLock:
    users = FileLock.shared(directory.users_lock, JOIN_SECONDS)
    if users is None:
        raise NoBackend(f"the server of {directory.path} is being stopped and does not end; see {directory.log}")
    return users


def _state(path: Path) -> State:
    answer = _ask(path, b"PING")
    if not answer:
        return "absent"
    return "loading" if answer.startswith(b"-LOADING") else "ready"


def _ask(path: Path, command: bytes) -> bytes:
    """The beginning of the server's answer; ``b""`` when nobody answers within a second."""
    try:
        with socket.socket(socket.AF_UNIX) as link:
            link.settimeout(1.0)
            link.connect(str(path))
            link.sendall(command + b"\r\n")
            return link.recv(256)
    except OSError:
        return b""
