"""Evidence that a process imports a planted copy and not the installed source.

A copy holds a ``sitecustomize`` that calls :func:`watch`, and ``PYTHONPATH`` leads to it, so that this happens in
every Python process that a test starts as well.  An import from elsewhere is written down and refused.
"""

from __future__ import annotations

import os
import sys
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Sequence
    from types import ModuleType

PACKAGES: Final = ("blackboard", "knowledge_sources", "controller", "scenarios")
SITECUSTOMIZE: Final = (
    "from pathlib import Path\n\nfrom tests.mutants.witness import watch\n\nwatch(Path(__file__).parent)\n"
)
SEEN: Final = "imported-here"
STRAYED: Final = "imported-elsewhere"


class _Witness(MetaPathFinder):
    def __init__(self, root: Path) -> None:
        self._root = root

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if fullname not in PACKAGES:
            return None
        spec = PathFinder.find_spec(fullname, path, target)
        origin = spec.origin if spec is not None and spec.origin is not None else ""
        here = Path(origin).is_relative_to(self._root)
        with (self._root / (SEEN if here else STRAYED)).open("a", encoding="utf-8") as notes:
            notes.write(f"{os.getpid()} {fullname} {origin}\n")
        if not here:
            raise ImportError(f"{fullname} would be imported from {origin or 'nowhere'} instead of {self._root}")
        return spec


def watch(root: Path) -> None:
    """Hold this process to the packages below ``root`` from now on."""
    sys.meta_path.insert(0, _Witness(root.resolve()))


def processes_seen(root: Path) -> int:
    """How many processes imported the packages of ``root``."""
    return len({line.split()[0] for line in _lines(root / SEEN)})


def strays(root: Path) -> list[str]:
    """``pid package origin`` of each import from elsewhere."""
    return _lines(root / STRAYED)


def _lines(path: Path) -> list[str]:
    return path.read_text(encoding="utf-8").splitlines() if path.exists() else []
