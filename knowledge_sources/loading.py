"""Agents from where a scenario says they are: ``./agents.py:refund``, ``module:attribute`` or ``library:name``.

A file is found from the scenario's folder, and its modules are kept apart from those of other folders;
``isolation`` says how.  A module is imported as Python imports it.
"""

from __future__ import annotations

import dataclasses
import importlib
import importlib.util
import itertools
import traceback as tracebacks
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from blackboard.errors import InvalidInput
from knowledge_sources.declaration import place_of
from knowledge_sources.errors import DeclarationError, LoadingError
from knowledge_sources.isolation import import_file
from knowledge_sources.nearest import did_you_mean
from knowledge_sources.source import source_of
from knowledge_sources.template import Template

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import ModuleType, TracebackType

    from knowledge_sources.source import KnowledgeSource

LIBRARY: Final = "library"
"""where the agents are that come with the runtime"""


def load_source(use: str, base: Path) -> KnowledgeSource:
    """The agent that ``use`` names; a path in it starts at the folder ``base``.

    Its ``source`` is ``use``.  Raises :class:`LoadingError`: nothing is there, it is no agent, or its file
    raised; then ``place`` is ``file:line:col`` and ``traceback`` is the text.
    """
    found = load_agent(use, base)
    if isinstance(found, Template):
        raise LoadingError(f"{use!r} is a template: it becomes an agent by what it is given")
    return found


def load_agent(use: str, base: Path) -> KnowledgeSource | Template[Any]:
    """The agent, or the template of one, that ``use`` names; ``library:name`` is one that comes with the runtime.

    Raises as :func:`load_source` does.
    """
    where, attribute = _parted(use, "agent")
    if where == LIBRARY:
        return _template(attribute)
    module = _load_module_of(where, base)
    found = _agent_in(module, attribute)
    return dataclasses.replace(found, source=use) if not isinstance(found, Template) else found


def load_function(use: str, base: Path | None) -> Any:
    """What ``./file.py:name`` or ``module:name`` is called; raises :class:`LoadingError`, as above."""
    return load_object(use, base, "function")


def load_object(use: str, base: Path | None, what: str) -> Any:
    """:func:`load_function` for something else, which ``what`` says in an error."""
    where, attribute = _parted(use, what)
    module = _load_module_of(where, base or Path())
    if not hasattr(module, attribute):
        names = [name for name, value in vars(module).items() if callable(value) and not name.startswith("_")]
        raise LoadingError(f"there is no {attribute!r}{did_you_mean(attribute, names)}", place=f"{module.__file__}:1")
    return getattr(module, attribute)


def _parted(use: str, what: str) -> tuple[str, str]:
    where, colon, attribute = use.rpartition(":")
    if not colon or not where or not attribute.isidentifier():
        raise LoadingError(f"{use!r} names no {what}: write ./file.py:name or module:name")
    return where, attribute


def _load_module_of(where: str, base: Path) -> ModuleType:
    return load_file(base / where) if _is_path(where) else _load_module(where)


def _template(name: str) -> Template[Any]:
    library = importlib.import_module("knowledge_sources.library")
    names: list[str] = library.__all__
    if name not in names:
        hint = did_you_mean(name, names) or f"; there is {', '.join(names)}"
        raise LoadingError(f"the library has no {name!r}{hint}")
    found: Template[Any] = getattr(library, name)
    return found


def load_file(path: Path) -> ModuleType:
    """The module of the file ``path``; raises :class:`LoadingError` with the place in it."""
    path = resolved(path)
    if not path.is_file():
        files = [each.name for each in path.parent.glob("*.py")] if path.parent.is_dir() else []
        raise LoadingError(f"there is no file {path}{did_you_mean(path.name, files)}")
    return _guarded(lambda: import_file(path), path)


def resolved(path: Path) -> Path:
    """``path`` without links; raises :class:`LoadingError` where it can lead nowhere: a loop of links, or a NUL in it."""
    try:
        return path.resolve()
    except (OSError, RuntimeError, ValueError) as error:
        raise LoadingError(f"{path} is no path: {error}") from error


def sources_in(module: ModuleType) -> list[KnowledgeSource]:
    """The agents that ``module`` itself declares, in order; those that it imports are not among them."""
    found = [source_of(value) for value in vars(module).values()]
    own = [source for source in found if source is not None and source.fn.__module__ == module.__name__]
    return list(dict.fromkeys(own))


def _is_path(where: str) -> bool:
    return where.endswith(".py") or "/" in where


def _load_module(name: str) -> ModuleType:
    def load() -> ModuleType:
        return importlib.import_module(name)

    if not all(part.isidentifier() for part in name.split(".")):
        raise LoadingError(f"{name!r} is no module; a file is written ./file.py:name")
    try:
        found = importlib.util.find_spec(name)
    except (ImportError, ValueError):
        found = None
    if found is None:
        raise LoadingError(f"there is no module {name!r}; a file beside the scenario is written ./{name}.py:name")
    return _guarded(load, Path(found.origin or name))


def _guarded(load: Callable[[], ModuleType], path: Path) -> ModuleType:
    """What ``load`` gives; whatever the file raises becomes a :class:`LoadingError` at its place."""
    try:
        return load()
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # the code of a file may raise anything, sys.exit included
        place, frames = _place_in(error, path)
        told_by_place = isinstance(error, DeclarationError) and error.place
        text = f"{error}\n" if told_by_place else "".join(tracebacks.format_exception(type(error), error, frames))
        raise LoadingError(_said(error), place=place, traceback=text) from error


def _said(error: BaseException) -> str:
    if isinstance(error, InvalidInput):
        return str(error) if not isinstance(error, DeclarationError) else error.reason
    if isinstance(error, SyntaxError):
        return f"{type(error).__name__}: {error.msg}"
    return f"{type(error).__name__}: {error}"


def _place_in(error: BaseException, path: Path) -> tuple[str, TracebackType | None]:
    """Where in the folder of ``path`` the error arose, and its traceback from there on."""
    frames = error.__traceback__
    while frames is not None and not _is_beside(frames.tb_frame.f_code.co_filename, path):
        frames = frames.tb_next
    if isinstance(error, SyntaxError) and error.filename and error.lineno:
        return f"{error.filename}:{error.lineno}:{error.offset or 1}", frames
    if isinstance(error, DeclarationError) and error.place:
        return f"{error.place}:1", frames
    last = frame = frames
    while frame is not None:
        last = frame if _is_beside(frame.tb_frame.f_code.co_filename, path) else last
        frame = frame.tb_next
    if last is None:
        return str(path), frames
    return f"{last.tb_frame.f_code.co_filename}:{last.tb_lineno}:{_column_of(last)}", frames


def _column_of(frame: TracebackType) -> int:
    positions = itertools.islice(frame.tb_frame.f_code.co_positions(), frame.tb_lasti // 2, None)
    column = next(positions, (None, None, None, None))[2]
    return 1 if column is None else column + 1


def _is_beside(filename: str, path: Path) -> bool:
    return Path(filename).is_relative_to(path.parent)


def _agent_in(module: ModuleType, attribute: str) -> KnowledgeSource | Template[Any]:
    file = module.__file__ or module.__name__
    names = [name for name, value in vars(module).items() if source_of(value) is not None]
    if not hasattr(module, attribute):
        declared = f"; it declares {', '.join(names)}" if names else "; it declares no agent"
        raise LoadingError(f"there is no {attribute!r}{did_you_mean(attribute, names)}{declared}", place=f"{file}:1")
    value = getattr(module, attribute)
    if isinstance(value, Template):
        return value
    source = source_of(value)
    if source is None:
        reason = f"{attribute!r} is no agent: put @knowledge_source(watches=…) or @supervisor(…) on it"
        # What was imported is defined elsewhere, where nobody wants to put anything.
        own = getattr(value, "__module__", None) == module.__name__
        raise LoadingError(reason, place=(place_of(value) if own else "") or f"{file}:1")
    return source
