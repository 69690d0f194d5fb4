"""A suggested command can be copied: it names the program as the shell finds it."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import pytest

from blackboard.command_name import command_name

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of programs with this interpreter and the command in it."""
    for name in ("python", "blackboard"):
        (tmp_path / name).write_text("")
        (tmp_path / name).chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(tmp_path / "python"))
    monkeypatch.setenv("PATH", "/nowhere")
    return tmp_path


def test_a_command_that_is_on_the_path_is_typed_by_its_name(programs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(programs))
    for typed in (str(programs / "blackboard"), str(programs / "__main__.py")):
        monkeypatch.setattr(sys, "argv", [typed])
        assert command_name() == "blackboard"


@pytest.mark.parametrize("elsewhere", [False, True], ids=["none on the PATH", "another on the PATH"])
def test_a_command_that_the_shell_does_not_find_is_typed_as_it_was(
    programs: Path, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch, elsewhere: bool
) -> None:
    """After ``make demo`` no virtual environment is active, and ``blackboard`` alone is not found."""
    if elsewhere:
        other = tmp_path_factory.mktemp("bin") / "blackboard"
        other.write_text("")
        other.chmod(0o755)
        monkeypatch.setenv("PATH", str(other.parent))
    monkeypatch.setattr(sys, "argv", [".venv/bin/blackboard", "run"])
    assert command_name() == ".venv/bin/blackboard"
    monkeypatch.setattr(sys, "argv", ["my venv/bin/blackboard"])
    assert command_name() == "'my venv/bin/blackboard'"
    monkeypatch.setattr(sys, "argv", ["/here/blackboard/__main__.py"])
    assert command_name() == f"{programs / 'python'} -m blackboard"


def test_a_program_that_calls_the_command_line_gets_the_plain_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "argv", ["/usr/bin/pytest"])
    monkeypatch.setenv("PATH", "/nowhere")
    assert command_name() == "blackboard"
