"""The page on grounding is true: its Python declares what it says, and its commands say what it shows, numbers apart."""

from __future__ import annotations

import re
import shlex
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING

from blackboard.cli import main
from knowledge_sources.source import source_of
from tests.own_server import OwnServer
from tests.typed_page import commands_of, says

if TYPE_CHECKING:
    import pytest

PAGE = Path(__file__).parents[2] / "docs" / "grounding.md"


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


def test_the_agents_on_the_page_are_declared_as_it_says() -> None:
    module = ModuleType("grounding_page")
    for block in re.findall(r"^```python\n(.*?)^```$", PAGE.read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE):
        exec(block, module.__dict__)
    declared = {name: source for name, value in vars(module).items() if (source := source_of(value)) is not None}
    assert {name: (one.cites, one.logical, one.proposed, one.validates) for name, one in declared.items()} == {
        "answer": (True, False, False, None),
        "writer": (False, False, True, None),
        "editor": (False, False, False, "draft/{t}"),
        "flag": (False, True, False, None),
    }
    assert [schema.pattern.text for schema in module.settings.schemas] == ["order/{order}"]
