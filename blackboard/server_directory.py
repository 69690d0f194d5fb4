"""The directory that an embedded server lives in: its files, its path for sockets, the version that wrote it."""

from __future__ import annotations

import contextlib
import hashlib
import os
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from blackboard.errors import NoBackend
from blackboard.server_binary import Version

if TYPE_CHECKING:
    from collections.abc import Iterator

NAME = ".blackboard"
MAX_SOCKET_PATH = 103
"""Bytes: Linux takes 107, macOS 103."""
MAX_LOG_BYTES = 1 << 20


class ServerDirectory:
    """The files of one embedded board, in a directory that is its owner's alone."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.users_lock = path / "users.lock"
        """shared by every process that uses the server; held alone by the keeper while it stops the server"""
        self.keeper_lock = path / "keeper.lock"
        """held by the keeper"""
        self.server_lock = path / "server.lock"
        """held by the server's process; holds its id for the keeper"""
        self.socket = path / "server.sock"
        self.log = path / "server.log"
        self.pid = path / "server.pid"
        self.version = path / "server.version"

    @classmethod
    def prepare(cls, path: Path) -> ServerDirectory:
        """The directory at ``path``, made where there is none, open to its owner only and ignored by git.

        Raises ``NoBackend`` where it cannot be made or written, where it holds something else already, and where
        another user could have written what it holds.
        """
        with usable(path):
            path = path.expanduser().resolve()
            path.mkdir(mode=0o700, parents=True, exist_ok=True)
            directory = cls(path)
            ignore = path / ".gitignore"
            foreign = any(entry != ignore for entry in path.iterdir())
            if foreign and not directory.users_lock.exists() and not directory.version.exists():
                raise NoBackend(f"{path} is not empty and holds no board; name a new directory: embedded:DIR")
            directory._close_to_others()
            # The lock's file is the mark of a directory of ours, so it comes before all others.
            directory.users_lock.touch(mode=0o600)
            if not ignore.exists():
                ignore.write_text("*\n", encoding="utf-8")
        return directory

    def _close_to_others(self) -> None:
        # Whoever can write here says which records this user's agents see.  Files that root made would in turn
        # shut out the one whose directory it is.
        held = self.path.stat()
        if held.st_uid != os.geteuid():
            raise NoBackend(f"{self.path} belongs to another user; name a directory of your own: embedded:DIR")
        if held.st_mode & 0o077:
            self.path.chmod(0o700)
            for entry in self.path.iterdir():
                if entry.lstat().st_uid != os.geteuid():
                    raise NoBackend(f"{entry} was put there by another user; name another directory: embedded:DIR")

    def is_ours(self) -> bool:
        """Whether it is there and this user's, so that what answers in it is no other user's server."""
        try:
            return self.path.stat().st_uid == os.geteuid()
        except OSError:
            return False

    def written_by(self) -> Version | None:
        """The server that last wrote here; ``None`` in a new directory."""
        try:
            text = self.version.read_text(encoding="utf-8")
        except FileNotFoundError:
            return None
        found = Version.parse(text)
        if found is None:
            raise NoBackend(f"{self.version} does not name a server's version: {text[:80]!r}")
        return found

    def record_version(self, version: Version) -> None:
        """Write down, before it starts, which server writes here from now on."""
        fresh = self.version.with_suffix(".new")
        fresh.write_text(f"{version}\n", encoding="utf-8")
        fresh.replace(self.version)

    def clear_for_start(self) -> None:
        """Remove what a killed server left, and a log that has grown long; the server's lock is held."""
        self.socket.unlink(missing_ok=True)
        self.pid.unlink(missing_ok=True)
        if self.log.exists() and self.log.stat().st_size > MAX_LOG_BYTES:
            self.log.unlink()

    def end_of_log(self, lines: int = 5) -> str:
        """The last ``lines`` that the server logged."""
        try:
            text = self.log.read_text(encoding="utf-8", errors="replace")
        except OSError:
            return "(no server.log)"
        return "\n".join(text.splitlines()[-lines:])

    def alias(self) -> Path | None:
        """A short path that leads to this directory, where the socket's own is too long for the kernel; else ``None``.

        It is a link in a folder of this user's under the temporary directory; each process may make its own,
        since all lead to the same place.
        """
        if len(os.fsencode(self.socket)) <= MAX_SOCKET_PATH:
            return None
        name = hashlib.sha256(os.fsencode(self.path)).hexdigest()[:16]
        for base in (Path(tempfile.gettempdir()), Path("/tmp")):  # noqa: S108 - ownership and mode are checked
            alias = base / f"blackboard-{os.geteuid()}" / name
            if len(os.fsencode(alias / self.socket.name)) <= MAX_SOCKET_PATH:
                _make_alias(alias, self.path)
                return alias
        raise NoBackend(f"{self.path} is too long for a Unix socket, and so is the temporary directory; set TMPDIR")


@contextlib.contextmanager
def usable(path: Path) -> Iterator[None]:
    """What the system refuses meanwhile is a ``NoBackend`` that names ``path`` and the reason."""
    try:
        yield
    except (OSError, RuntimeError) as error:
        raise NoBackend(
            f"no board can be kept in {path}: {_reason(error)}; name another directory: embedded:DIR"
        ) from error


def _reason(error: Exception) -> str:
    if isinstance(error, FileExistsError | NotADirectoryError):
        return "a file stands in the way"
    return (error.strerror if isinstance(error, OSError) else None) or str(error)


def _make_alias(alias: Path, target: Path) -> None:
    folder = alias.parent
    try:
        folder.mkdir(mode=0o700, exist_ok=True)
        held = folder.lstat()
        if folder.is_symlink() or held.st_uid != os.geteuid() or held.st_mode & 0o077:
            raise NoBackend(f"{folder} is not a directory of this user's alone; remove it or set TMPDIR")
        # Made under its own name, so that a process killed here leaves nothing that no other would use.
        with contextlib.suppress(FileExistsError):
            alias.symlink_to(target)
        if alias.readlink() != target:
            raise NoBackend(f"{alias} leads elsewhere than to {target}; remove it")
    except OSError as error:
        raise NoBackend(f"no short path to {target} can be made at {alias}: {error.strerror}") from error


def directory_of(rest: str) -> Path:
    """The directory that ``embedded:`` and then ``rest`` mean: ``.blackboard`` and nothing are the nearest there is."""
    return Path(rest).expanduser() if rest not in ("", NAME) else find_directory(Path.cwd())


def find_directory(start: Path) -> Path:
    """The nearest ``.blackboard`` at or above ``start`` that is this user's, else the one to make in ``start``."""
    start = start.resolve()
    for folder in (start, *start.parents):
        found = folder / NAME
        # Another user's would let him run this one's agents on his board.
        if found.is_dir() and found.stat().st_uid == os.geteuid():
            return found
    return start / NAME
