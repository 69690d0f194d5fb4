"""What a person likes: theme, sorts, hidden columns, kept in a file of the user's own between two sessions.

The file is a convenience: one that cannot be read, or holds something else, is as one that is not there.
"""

from __future__ import annotations

import contextlib
import json
import os
from dataclasses import asdict, dataclass, field
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import TYPE_CHECKING, Any, Final

from blackboard.errors import InvalidInput
from blackboard.strict_json import parse_json

if TYPE_CHECKING:
    from collections.abc import Mapping

MAX_BYTES: Final = 1 << 16
NAME: Final = "viewer.json"
THEMES: Final = ("textual-dark", "textual-light", "ansi-dark", "ansi-light", "nord", "gruvbox", "solarized-light")
"""in the order in which ``T`` takes them; those called ansi leave the colours to the terminal"""


@dataclass(slots=True)
class Preferences:
    """All of it may be missing or of another version: what is not known here is left alone."""

    theme: str = ""
    """``""``: as the terminal suggests"""
    sorts: dict[str, str] = field(default_factory=dict)
    """view → what it is sorted by"""
    hidden: dict[str, list[str]] = field(default_factory=dict)
    """view → columns that are not shown"""


def place(environ: Mapping[str, str] | None = None) -> Path:
    """Where they are kept: in ``$XDG_CONFIG_HOME/blackboard``, else in ``~/.config/blackboard``."""
    variables = os.environ if environ is None else environ
    base = variables.get("XDG_CONFIG_HOME", "")
    home = Path(base) if base.startswith("/") else Path(variables.get("HOME", "~")).expanduser() / ".config"
    return home / "blackboard" / NAME


def load(path: Path) -> Preferences:
    """Those at ``path``, as far as they are what :func:`save` writes."""
    try:
        with path.open("rb") as opened:
            text = opened.read(MAX_BYTES + 1).decode()
        found: Any = parse_json(text, place=str(path)) if len(text) <= MAX_BYTES else {}
    except (OSError, UnicodeDecodeError, InvalidInput):
        return Preferences()
    if not isinstance(found, dict):
        return Preferences()
    theme, sorts, hidden = found.get("theme"), found.get("sorts"), found.get("hidden")
    return Preferences(
        theme if isinstance(theme, str) else "",
        {k: v for k, v in sorts.items() if isinstance(v, str)} if isinstance(sorts, dict) else {},
        {k: [one for one in v if isinstance(one, str)] for k, v in hidden.items() if isinstance(v, list)}
        if isinstance(hidden, dict)
        else {},
    )


def save(preferences: Preferences, path: Path) -> None:
    """Keep them at ``path``, all or nothing; where that cannot be written to they are not kept."""
    with contextlib.suppress(OSError):
        path.parent.mkdir(parents=True, exist_ok=True)
        with NamedTemporaryFile("w", dir=path.parent, prefix=NAME, delete=False, encoding="utf-8") as opened:
            json.dump(asdict(preferences), opened, indent=2)
        Path(opened.name).replace(path)
