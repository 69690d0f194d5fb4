"""Finding a scenario by name or path, and reading it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from blackboard import exit_codes
from blackboard.errors import BlackboardError, InvalidInput
from knowledge_sources.nearest import nearest
from scenarios.scenario import Origin, Scenario
from scenarios.setting import apply_settings
from scenarios.shipped import FILE_NAME, PACKAGE, shipped_scenarios
from scenarios.validation import validate
from scenarios.yaml_reader import MAX_BYTES, read_yaml

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence


class NoSuchScenario(BlackboardError):
    """Neither a file, nor a folder with a ``scenario.yaml``, nor the name of a shipped scenario."""

    exit_code: ClassVar[int] = exit_codes.NOTHING_SELECTED

    def __init__(self, name: str, known: Sequence[str]) -> None:
        self.name = name
        self.known = tuple(known)
        near = nearest(name, known, 1)
        hint = f"did you mean {near[0]!r}? " if near else ""
        super().__init__(
            f"nothing selected: {name!r} is neither a scenario file, nor a folder with a {FILE_NAME}, "
            f"nor a shipped scenario; {hint}shipped: {', '.join(known) or 'none'}"
        )


def find_scenario(name: str | Path) -> Path:
    """The file of the scenario ``name``: a path to it or to its folder, or the name of a shipped one.

    What is there under the working directory comes first, but for a folder without a scenario in it.
    Raises :class:`NoSuchScenario`.
    """
    text = str(name)
    if text and "\0" not in text and len(text) < 4_096:
        path = Path(text)
        if path.is_dir():
            path /= FILE_NAME
        if path.is_file():
            return path
        shipped = PACKAGE / text / FILE_NAME
        if text in shipped_scenarios():
            return shipped
    raise NoSuchScenario(text[:200], shipped_scenarios())


def name_to_run(file: Path) -> str:
    """What ``find_scenario`` finds ``file`` by from everywhere: the name of a shipped one, else the path."""
    shipped = file.name == FILE_NAME and file.resolve().parent.parent == PACKAGE
    return file.resolve().parent.name if shipped else str(file.resolve())


def load_scenario(path_or_name: str | Path, sets: Iterable[str] = ()) -> Scenario:
    """The checked scenario, ``sets`` (``a.b=value``) laid over its file first.

    Raises :class:`NoSuchScenario`, :class:`InvalidScenario` with every problem at its place, and
    :class:`InvalidSetting` for a ``--set`` that cannot be laid over it.
    """
    file = find_scenario(path_or_name)
    content = _read(file)
    shown = _shown_path(file)
    root = read_yaml(content, shown)
    laid_over = tuple(sets)
    apply_settings(root, laid_over)
    lines = content.decode("utf-8").removeprefix("\ufeff").splitlines()
    name = file.parent.name if file.name == FILE_NAME else file.stem
    origin = Origin(name or file.resolve().parent.name, file.resolve(), laid_over, root)
    return validate(root, lines).came_from(origin)


def _read(file: Path) -> bytes:
    try:
        with file.open("rb") as opened:
            return opened.read(MAX_BYTES + 1)  # one more, so that the reader sees that it is too large
    except OSError as error:
        raise InvalidInput(f"cannot be read: {error.strerror}", place=str(file)) from error


def _shown_path(file: Path) -> str:
    """The file as short as it can be said from here: under the working directory, relative to it."""
    try:
        return str(file.resolve().relative_to(Path.cwd()))
    except ValueError:
        return str(file)
