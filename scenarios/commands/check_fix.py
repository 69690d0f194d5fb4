"""``blackboard check --fix``: deadlocks are broken in the scenario's file."""

from __future__ import annotations

import os
import subprocess
import tempfile
from contextlib import suppress
from difflib import unified_diff
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from blackboard.errors import InvalidInput
from scenarios.mending import mended, mends

if TYPE_CHECKING:
    from scenarios.mending import Mend, Unmended
    from scenarios.scenario import Scenario


class Fix(NamedTuple):
    """What was, or would be, added to the file."""

    added: tuple[Mend, ...]
    left: tuple[Unmended, ...]
    diff: str


def fix_deadlocks(scenario: Scenario, *, dry_run: bool) -> Fix:
    """Add a merge agent for each deadlock of ``scenario`` to its file; with ``dry_run``, only say which.

    The file is written as a whole or not at all.  Raises :class:`InvalidInput` where it cannot be read or written,
    has changes that git does not know of yet, has changed since it was read, or would not be what it should be.
    """
    from scenarios.team import load_team
    from scenarios.wiring import dependencies_of

    found = dependencies_of(scenario, load_team(scenario).sources)
    added, left = mends(found)
    file = scenario.file
    before = _read(file)
    if not added:
        return Fix((), tuple(left), "")
    after = mended(scenario, before, added)
    if after is None:
        lines = "".join(f"\n  {mend.line}" for mend in added)
        raise InvalidInput(
            f"the agents do not stand in lines of their own; add by hand under agents:{lines}", place=str(file)
        )
    diff = "".join(
        unified_diff(before.splitlines(keepends=True), after.splitlines(keepends=True), str(file), str(file))
    )
    if not dry_run:
        _check_clean(file)
        _check_mended(file, after, expected=len(left))
        _replace(file, before, after)
    return Fix(tuple(added), tuple(left), diff)


def _read(file: Path) -> str:
    try:
        return file.read_bytes().decode("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidInput(f"cannot be read: {error}", place=str(file)) from error


def _check_clean(file: Path) -> None:
    """Refuse a file in a git work tree with changes that are not committed: they would be mixed with ours."""
    command = ["git", "-C", str(file.parent), "status", "--porcelain", "--untracked-files=no", "--", file.name]
    try:
        told = subprocess.run(command, capture_output=True, timeout=10, check=False)  # noqa: S603 - no shell, our words
    except (OSError, subprocess.TimeoutExpired):
        return  # no git: nothing is known of changes
    if told.returncode == 0 and told.stdout.strip():
        raise InvalidInput(
            "it has changes that are not committed; commit them first, or see --dry-run", place=str(file)
        )


def _check_mended(file: Path, after: str, *, expected: int) -> None:
    """What is to be written is a scenario without those deadlocks: shown on a copy beside it."""
    from scenarios.loading import load_scenario
    from scenarios.team import load_team
    from scenarios.wiring import dependencies_of

    copy = _written_beside(file, after)
    try:
        scenario = load_scenario(copy)
        team = load_team(scenario)
        if team.problems or len(dependencies_of(scenario, team.sources).deadlocks) > expected:
            reason = team.problems[0].message if team.problems else "the deadlock would still be there"
            raise InvalidInput(f"not fixed: {reason}", place=str(file))
    finally:
        with suppress(OSError):
            copy.unlink()


def _replace(file: Path, before: str, after: str) -> None:
    if _read(file) != before:
        raise InvalidInput("it has changed meanwhile; look at it again", place=str(file))
    copy = _written_beside(file, after)
    try:
        copy.chmod(file.stat().st_mode & 0o7777)
        copy.replace(file)
    except OSError as error:
        with suppress(OSError):
            copy.unlink()
        raise InvalidInput(f"cannot be written: {error.strerror}", place=str(file)) from error


def _written_beside(file: Path, text: str) -> Path:
    try:
        handle, name = tempfile.mkstemp(prefix=f".{file.name[:50]}.", suffix=".yaml", dir=file.parent)
        with os.fdopen(handle, "wb") as opened:
            opened.write(text.encode("utf-8"))
    except OSError as error:
        raise InvalidInput(f"cannot be written: {error.strerror}", place=str(file)) from error
    return Path(name)
