"""Modules of one folder, imported as if the folder were theirs alone.

An agents' file may import its neighbours by their bare names (``from gateway import pay``), as a script
may.  Were the folder put on ``sys.path``, two scenarios that each have a ``gateway.py`` would share
whichever came first.  So each folder becomes a package with a name of its own (``blackboard_agents_<hash of
the path>``), and its modules get an ``__import__`` that looks for a neighbour before anything else: the
statement ``import gateway`` finds ``blackboard_agents_<hash>.gateway``, at the top of a file or later
inside a function.  No path is changed, and no bare name is taken in ``sys.modules``.

``importlib.import_module("gateway")`` is not an import statement and finds no neighbour.  Bytecode is
neither read nor written: a file saved twice within a second must not run as it was before.
"""

from __future__ import annotations

import builtins
import hashlib
import importlib
import importlib.abc
import importlib.machinery
import importlib.util
import sys
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any, Final

from blackboard.errors import InvalidInput

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

_PREFIX: Final = "blackboard_agents_"


def import_file(path: Path) -> ModuleType:
    """The module of ``path``, imported now unless it was before; whatever its code raises goes through."""
    stem = path.stem
    if "." in stem or not stem:
        raise InvalidInput(f"{path.name} cannot be imported: a module's name has no dot")
    package = _package_of(path.parent)
    name = f"{package}.{stem}"
    loaded = sys.modules.get(name)
    return loaded if loaded is not None else importlib.import_module(name)


def forget_file(path: Path) -> None:
    """Import ``path`` anew next time; who holds its module keeps it."""
    sys.modules.pop(f"{_package_of(path.parent)}.{path.stem}", None)


def _package_of(folder: Path) -> str:
    """The name of the package that stands for ``folder``, made if it is the first time."""
    resolved = folder.resolve()
    name = _PREFIX + hashlib.blake2b(str(resolved).encode(), digest_size=8).hexdigest()
    if name not in sys.modules:
        if not any(isinstance(finder, _Finder) for finder in sys.meta_path):
            sys.meta_path.insert(0, _Finder())
        package = ModuleType(name, f"The agents in {resolved}.")
        package.__path__ = [str(resolved)]
        sys.modules[name] = package
    return name


class _Finder(importlib.abc.MetaPathFinder):
    """Finds the modules of the packages made here, and no others."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        del target
        if not fullname.startswith(_PREFIX) or not path:
            return None
        found = _locate(Path(path[0]), fullname.rpartition(".")[2])
        if found is None:
            return None
        inside = [str(found.parent)] if found.name == "__init__.py" else None
        loader = _Loader(fullname, str(found))
        return importlib.util.spec_from_file_location(fullname, found, loader=loader, submodule_search_locations=inside)


class _Loader(importlib.machinery.SourceFileLoader):
    """Runs a module with an ``__import__`` that knows its neighbours."""

    def path_stats(self, path: str) -> Mapping[str, Any]:
        # Without the file's time the import system uses no bytecode.
        raise OSError(f"no bytecode for {path}")

    def exec_module(self, module: ModuleType) -> None:
        package = module.__name__.partition(".")[0]
        folder = Path(sys.modules[package].__path__[0])
        module.__dict__["__builtins__"] = {**vars(builtins), "__import__": _importing(package, folder)}
        super().exec_module(module)


def _locate(folder: Path, name: str) -> Path | None:
    for candidate in (folder / name / "__init__.py", folder / f"{name}.py"):
        if candidate.is_file():
            return candidate
    return None


def _importing(package: str, folder: Path) -> Callable[..., Any]:
    """``__import__`` for the modules in ``folder``; its names are those that the interpreter calls it with."""

    def import_(
        name: str,
        globals: Mapping[str, object] | None = None,  # noqa: A002
        locals: Mapping[str, object] | None = None,  # noqa: A002
        fromlist: Sequence[str] | None = (),
        level: int = 0,
    ) -> ModuleType:
        first = name.partition(".")[0]
        if level or _locate(folder, first) is None:
            return builtins.__import__(name, globals, locals, fromlist or (), level)
        module = builtins.__import__(f"{package}.{name}", globals, locals, fromlist or (), 0)
        # Without a fromlist the statement binds the first name, which is the neighbour and not our package.
        return module if fromlist else sys.modules[f"{package}.{first}"]

    return import_
