"""What a user has set, and where: a flag counts before the environment, that before a file.

The file is the nearest ``blackboard.toml``, or ``pyproject.toml`` with a table ``[tool.blackboard]``, at or above
the working directory.
"""

from __future__ import annotations

import difflib
import os
import re
import tomllib
from dataclasses import dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal, get_args

from blackboard.errors import InvalidInput, UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping

PREFIX = "BLACKBOARD_"
MAX_REPLICAS = 100
DEFAULT_URL = "embedded:.blackboard"
MAX_BYTES: Final = 1 << 18
"""of a settings file"""
MAX_DOTS: Final = 200
"""in one of its lines"""
Fsync = Literal["everysec", "always"]
Resp = Literal["2", "3"]


@dataclass(frozen=True, slots=True)
class Settings:
    """The settings in force."""

    url: str = DEFAULT_URL
    """the backend"""
    board: str = ""
    """the board that a command means; empty: the newest"""
    fsync: Fsync = "everysec"
    """of an embedded server: ``everysec`` may lose 2 s in a power loss, ``always`` nothing that was acknowledged"""
    protocol: Resp = "2"
    """the version of Redis' protocol that is spoken where the URL names none"""
    replicas: str = "0"
    """how many replicas of a server must have a commit before it is acknowledged, where the URL names no number"""


NAMES = tuple(field.name for field in fields(Settings))


def load_settings(
    flags: Mapping[str, str | None] | None = None,
    *,
    environ: Mapping[str, str] | None = None,
    start: Path | None = None,
) -> Settings:
    """The settings from ``flags`` (``None``: not given), ``environ`` and the nearest file at or above ``start``.

    Raises ``InvalidInput`` with the file and line, ``UsageError`` for a flag or variable.
    """
    chosen: dict[str, str] = {}
    chosen.update(_from_file(Path.cwd() if start is None else start))
    chosen.update(_from_environment(os.environ if environ is None else environ))
    for name, value in (flags or {}).items():
        if name not in NAMES:
            raise UsageError(f"--{name}: {_unknown(name)}")
        if value is not None:
            check_setting(name, value, f"--{name}", UsageError)
            chosen[name] = value
    return Settings(**chosen)  # type: ignore[arg-type]  # check_setting saw to fsync and protocol


def _from_environment(environ: Mapping[str, str]) -> dict[str, str]:
    found = {}
    known = {PREFIX + name.upper(): name for name in NAMES}
    for variable in sorted(environ):
        if variable in known:
            check_setting(known[variable], environ[variable], variable, UsageError)
            found[known[variable]] = environ[variable]
        elif variable.startswith(PREFIX):
            # Other variables with this prefix may belong to others; one that looks like ours is a slip.
            near = difflib.get_close_matches(variable.removeprefix(PREFIX), [n.upper() for n in NAMES], n=1, cutoff=0.6)
            if near:
                raise UsageError(f"{variable}: no such setting; did you mean {PREFIX}{near[0]}?")
    return found


def _from_file(start: Path) -> dict[str, str]:
    for folder in (start.resolve(), *start.resolve().parents):
        for name, table in (("blackboard.toml", ()), ("pyproject.toml", ("tool", "blackboard"))):
            path = folder / name
            if path.is_file():
                found = _read(path, table)
                if found is not None:
                    return found
    return {}


def _read(path: Path, table: tuple[str, ...]) -> dict[str, str] | None:
    """The settings in ``table`` of the file; ``None`` when it has no such table."""
    try:
        with path.open("rb") as opened:
            content = opened.read(MAX_BYTES + 1)
        if table and table[-1].encode() not in content:
            return None
        _check_size(content, path)
        text = content.decode("utf-8")
        document: Any = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        at = re.search(r"at line (\d+), column (\d+)", str(error))
        place = f"{path}:{at.group(1)}:{at.group(2)}" if at else str(path)
        raise InvalidInput(f"not TOML: {error}", place=place) from error
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidInput(f"cannot be read: {error}", place=str(path)) from error
    except (ValueError, RecursionError) as error:  # the parser lets int() and Python's stack speak for themselves
        raise InvalidInput(f"not TOML that can be read: {error}", place=str(path)) from error
    for name in table:
        document = document.get(name) if isinstance(document, dict) else None
    if document is None:
        return None
    if not isinstance(document, dict):
        raise InvalidInput("must be a table", place=f"{path}: {'.'.join(table)}")
    for name, value in document.items():
        place = f"{path}:{_line_of(name, text, table)}"
        if name not in NAMES:
            raise InvalidInput(_unknown(name), place=place)
        if not isinstance(value, str):
            raise InvalidInput(f"{name}: must be a text in quotes", place=place)
        check_setting(name, value, place, InvalidInput)
    return {name: _from_here(name, value, path.parent) for name, value in document.items()}


def _check_size(content: bytes, path: Path) -> None:
    """The parser needs time that grows with the square of a key's parts: 100,000 of them took a minute."""
    if len(content) > MAX_BYTES:
        raise InvalidInput(f"larger than {MAX_BYTES >> 10} KiB", place=str(path))
    for number, line in enumerate(content.splitlines(), 1):
        if line.count(b".") > MAX_DOTS:
            raise InvalidInput(f"more than {MAX_DOTS} dots in a line", place=f"{path}:{number}")


def _from_here(name: str, value: str, folder: Path) -> str:
    """A directory in a file is meant from the file's folder, wherever the command was typed."""
    scheme, _, rest = value.partition(":")
    if name == "url" and scheme == "embedded" and rest and not rest.startswith("~"):
        return f"embedded:{folder / rest}"
    return value


def _line_of(name: str, text: str, table: tuple[str, ...]) -> int:
    lines = text.splitlines()
    header = f"[{'.'.join(table)}]"
    first = next((n for n, line in enumerate(lines) if table and line.strip().startswith(header)), 0)
    wanted = re.compile(rf"""\s*["']?{re.escape(name)}["']?\s*=""")
    return next((n + 1 for n in range(first, len(lines)) if wanted.match(lines[n])), first + 1)


def check_setting(name: str, value: str, place: str, error: type[InvalidInput | UsageError]) -> None:
    """Raise ``error``, with ``place`` in front, where the setting ``name`` cannot be ``value``."""
    if name == "fsync" and value not in get_args(Fsync):
        raise error(f"{place}: fsync: {value!r} is neither everysec nor always")
    if name == "replicas" and not (value.isdecimal() and int(value) <= MAX_REPLICAS):
        raise error(f"{place}: replicas: {value!r} is no number from 0 to {MAX_REPLICAS}")
    if name == "protocol" and value not in get_args(Resp):
        raise error(f"{place}: protocol: {value!r} is neither 2 nor 3")
    if name == "url" and not value:
        raise error(f"{place}: url: must not be empty")


def _unknown(name: str) -> str:
    near = difflib.get_close_matches(name, NAMES, n=1, cutoff=0.5)
    hint = f"; did you mean {near[0]!r}?" if near else f"; there are {', '.join(NAMES)}"
    return f"no setting {name!r}{hint}"
