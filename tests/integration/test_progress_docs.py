"""The pages on progress and on the report are true: each command on them is typed again and says what they say."""

from __future__ import annotations

import shlex
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

from blackboard.cli import main
from tests.own_server import OwnServer
from tests.typed_page import commands_of, says

if TYPE_CHECKING:
    import pytest

ROOT = Path(__file__).parents[2]


def _typed_again(page: str, capsys: pytest.CaptureFixture[str]) -> None:
    for command, expected in commands_of(ROOT / "docs" / page):
        main(shlex.split(command))
        output = capsys.readouterr()
        shown = (output.out + output.err).splitlines()
        for line in expected:
            assert says(line, shown), f"{command}: no line like {line!r} in\n{output.out}{output.err}"


def test_every_command_on_the_page_on_progress_says_what_the_page_says(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    shutil.copytree(ROOT / "scenarios" / "deadlock", "scenarios/deadlock", ignore=shutil.ignore_patterns("__pycache__"))
    with OwnServer(appendonly=False) as server:
        monkeypatch.setenv("BLACKBOARD_URL", server.url)
        _typed_again("progress.md", capsys)


def test_every_command_on_the_page_on_the_report_says_what_the_page_says(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    with OwnServer(appendonly=False) as server:
        monkeypatch.setenv("BLACKBOARD_URL", server.url)
        assert main(["run", "money_loop", "-q"]) == 0
        capsys.readouterr()
        _typed_again("report.md", capsys)
