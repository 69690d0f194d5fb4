"""The scenarios that are there, offered where a command line takes one."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import TYPE_CHECKING, Final

from blackboard.commands.completing import SAFE

if TYPE_CHECKING:
    import click
    from click.shell_completion import CompletionItem

MOST: Final = 2_000
"""entries of a folder that are looked at"""
SUFFIXES: Final = (".yaml", ".yml")


def scenario_names(_ctx: click.Context, _param: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """The shipped scenarios, the folders here and the YAML files; where nothing fits, whatever files the shell sees."""
    from click.shell_completion import CompletionItem

    from scenarios.shipped import shipped_scenarios

    names = [*shipped_scenarios(), *_paths(incomplete)]
    fitting = [name for name in names if name.startswith(incomplete) and SAFE.match(name) and not name.startswith("-")]
    return [*map(CompletionItem, dict.fromkeys(fitting)), CompletionItem(incomplete, type="file")]


def _paths(incomplete: str) -> list[str]:
    """The folders, with ``/``, and the YAML files in the folder that ``incomplete`` has come to; hidden ones if asked."""
    folder, slash, begun = incomplete.rpartition("/")
    try:
        entries = list(itertools.islice(Path(folder + slash or ".").iterdir(), MOST))
    except (OSError, ValueError):
        return []
    shown = sorted(entry.name for entry in entries if begun.startswith(".") or not entry.name.startswith("."))
    within = Path(folder + slash)
    return [
        folder + slash + name + ("/" if is_folder else "")
        for name in shown
        if (is_folder := (within / name).is_dir()) or name.endswith(SUFFIXES)
    ]
