"""The page on failure is true: each command on it is typed again and says what the page says, numbers apart."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import TYPE_CHECKING

from blackboard.cli import main
from controller.recovery import TREATMENTS
from tests.own_server import OwnServer
from tests.typed_page import commands_of, says

if TYPE_CHECKING:
    import pytest

PAGE = Path(__file__).parents[2] / "docs" / "failure.md"


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
                assert says(line, shown), f"{command}: no line like {line!r} in\n{output.out}"


def test_the_table_of_classes_says_what_each_is_treated_with() -> None:
    rows = {
        row.split("`")[1]: [cell.strip() for cell in row.split("|")[3:6]]
        for row in PAGE.read_text(encoding="utf-8").splitlines()
        if row.startswith("| `")
    }
    assert rows.keys() == TREATMENTS.keys()
    for failure, how in TREATMENTS.items():
        again, another, then = rows[failure]
        assert (again == "no") == (how.retried == "never")
        assert ("while it fails in new words" in again) == (how.retried == "while it learns")
        assert (another == "no") == (not how.passed_on)
        assert then.endswith("person")
