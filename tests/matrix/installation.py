"""A wheel of this tree in an environment of its own, with the tests beside no source."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from typing import TYPE_CHECKING

from tests.matrix.combination import ROOT

if TYPE_CHECKING:
    from pathlib import Path

_WITHIN_S = 900.0
_TREE = ("tests", "pyproject.toml")
"""what the tests need of the tree"""


class NotInstalled(Exception):
    """Building or installing failed; the text is what the tool said."""


def install(folder: Path) -> tuple[Path, Path]:
    """Build the wheel and install it with the tools of the tests under ``folder``.

    Returns the environment's Python and the folder from which the tests are to be run.
    Raises :class:`NotInstalled`.
    """
    wheels, environment, root = folder / "wheels", folder / "environment", folder / "beside-no-source"
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "--quiet"]
    _run([*pip, "wheel", "--no-deps", "--wheel-dir", str(wheels), str(ROOT)])
    wheel = next(wheels.glob("blackboard_runtime-*.whl"))
    _run([sys.executable, "-m", "venv", str(environment)])
    python = environment / "bin" / "python"
    _run([str(python), *pip[1:], "install", f"blackboard-runtime[dev] @ {wheel.as_uri()}"])
    root.mkdir()
    for name in _TREE:
        source = ROOT / name
        if source.is_dir():
            shutil.copytree(source, root / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(source, root / name)
    return python, root


def _run(command: list[str]) -> None:
    environment = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
    try:
        done = subprocess.run(
            command, env=environment, capture_output=True, text=True, errors="replace", timeout=_WITHIN_S, check=False
        )
    except subprocess.TimeoutExpired as error:
        raise NotInstalled(f"{' '.join(command)}: not done within {_WITHIN_S:g} s") from error
    if done.returncode != 0:
        raise NotInstalled(f"{' '.join(command)}:\n{done.stdout}{done.stderr}")
