"""The page on people is true: each command on it is typed again and says what the page says, numbers apart."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import TYPE_CHECKING

from blackboard.cli import main
from tests.own_server import OwnServer
from tests.typed_page import commands_of, says

if TYPE_CHECKING:
    import pytest

PAGE = Path(__file__).parents[2] / "docs" / "people.md"


def test_every_command_on_the_page_says_what_the_page_says(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    with OwnServer(appendonly=False) as server:
        monkeypatch.setenv("BLACKBOARD_URL", server.url)
        for command, expected in commands_of(PAGE):
            main(shlex.split(command))
            output = capsys.readouterr()
            shown = (output.out + output.err).splitlines()
            for line in expected:
                assert says(line, shown), f"{command}: no line like {line!r} in\n{output.out}{output.err}"
