"""Copies of the source tree to plant bugs in; nothing outside of them is changed."""

from __future__ import annotations

import contextlib
import itertools
import os
import shutil
import signal
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Self

from tests.mutants.witness import PACKAGES, SITECUSTOMIZE

if TYPE_CHECKING:
    from collections.abc import Iterable
    from types import TracebackType

    from tests.mutants.mutant import Edit

ROOT = Path(__file__).resolve().parents[2]


class Plantation:
    """A folder with one clean copy of the source as it stood, and copies of that with a bug each.

    A context manager; at the end every process that runs in a copy is killed and the folder removed.
    """

    def __init__(self, source: Path = ROOT) -> None:
        # Short: sockets lie below it, and their paths have at most 107 bytes.
        self.folder = Path(tempfile.mkdtemp(prefix="bbm-"))
        self.clean = self.folder / "clean"
        self._source = source
        self._numbers = itertools.count(1)

    def __enter__(self) -> Self:
        try:
            for name in (*PACKAGES, "tests"):
                shutil.copytree(self._source / name, self.clean / name, ignore=shutil.ignore_patterns("__pycache__"))
            shutil.copy(self._source / "pyproject.toml", self.clean)
            (self.clean / "sitecustomize.py").write_text(SITECUSTOMIZE, encoding="utf-8")
            temporary_folder(self.clean).mkdir()
        except BaseException:
            self._remove()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._remove()

    def plant(self, edits: Iterable[Edit]) -> Path:
        """A new copy with ``edits`` made; raises :class:`NotPlanted`, and ``SyntaxError`` for an edit that breaks a file."""
        copy = self.folder / str(next(self._numbers))
        for name in (*PACKAGES, "tests"):  # with what is compiled already: a file that is edited gets a new time
            shutil.copytree(self.clean / name, copy / name)
        for name in ("pyproject.toml", "sitecustomize.py"):
            shutil.copy(self.clean / name, copy)
        temporary_folder(copy).mkdir()
        for edit in edits:
            edit.apply(copy)
            if edit.file.endswith(".py"):
                compile((copy / edit.file).read_text(encoding="utf-8"), edit.file, "exec")
        return copy

    def uproot(self, copy: Path) -> None:
        """Kill what still runs in ``copy`` and remove it."""
        kill_processes_in(copy)
        shutil.rmtree(copy)

    def _remove(self) -> None:
        kill_processes_in(self.folder)
        shutil.rmtree(self.folder)


def temporary_folder(copy: Path) -> Path:
    """Where the tests in ``copy`` put their servers and files."""
    return copy / "t"


def kill_processes_in(folder: Path) -> None:
    """Kill every process that works in ``folder`` or below, or that names it on its command line."""
    mark = os.fsencode(folder) + b"/"
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit() or int(entry.name) == os.getpid():
            continue
        with contextlib.suppress(OSError):  # it has ended, or is somebody else's
            where = os.fsencode(os.readlink(entry / "cwd")) + b"/"  # noqa: PTH115  # bytes, as in a command line
            if where.startswith(mark) or mark in (entry / "cmdline").read_bytes():
                os.kill(int(entry.name), signal.SIGKILL)
