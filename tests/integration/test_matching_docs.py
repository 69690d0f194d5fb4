"""The page on matching is true: its Python runs, and each command on it says what the page says, numbers apart."""

from __future__ import annotations

import re
import shlex
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING

from blackboard.cli import main
from knowledge_sources import source_of
from tests.own_server import OwnServer
from tests.typed_page import commands_of, says

if TYPE_CHECKING:
    import pytest

PAGE = Path(__file__).parents[2] / "docs" / "matching.md"


def test_every_agent_on_the_page_can_be_declared() -> None:
    module, text = ModuleType("matching_page"), PAGE.read_text(encoding="utf-8")
    for found in re.finditer(r"^```python\n(.*?)^```$", text, re.DOTALL | re.MULTILINE):
        line = text[: found.start(1)].count("\n")
        exec(compile("\n" * line + found[1], str(PAGE), "exec"), module.__dict__)
    sources = {name: source for name, one in vars(module).items() if (source := source_of(one)) is not None}
    assert sources.keys() == {"decide", "block", "remind", "digest"}
    (votes,) = sources["decide"].collects
    assert votes.sentence == "vote/{tx}/*: 2 of 3 within 5.0 s"
    assert (sources["remind"].after_ms, sources["digest"].every_ms) == (30_000, 600_000)


def test_every_command_on_the_page_says_what_the_page_says(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "200")
    with OwnServer(appendonly=False) as server:
        monkeypatch.setenv("BLACKBOARD_URL", server.url)
        for command, expected in commands_of(PAGE):
            main(shlex.split(command))
            output = capsys.readouterr()
            shown = (output.out + output.err).splitlines()
            for line in expected:
                assert says(line, shown), f"{command}: no line like {line!r} in\n{output.out}"
