"""The page on the library is true: its examples load, its commands say what it says, numbers apart."""

from __future__ import annotations

import re
import shlex
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from blackboard.cli import main
from knowledge_sources import library
from scenarios.loading import load_scenario
from scenarios.team import load_team
from tests.own_server import OwnServer
from tests.typed_page import commands_of, says

if TYPE_CHECKING:
    from collections.abc import Iterator

PAGE = Path(__file__).parents[2] / "docs" / "library.md"
AGENTS = """
from knowledge_sources import knowledge_source


@knowledge_source("finding/{id}/{topic}", contributes="decision/{id}")
def decide(finding):
    return {}


def planned(goal, captures, before, done, reason):
    return {}


def fits(value, key, captures, others):
    return 0.9


def rank(item, candidates, captures):
    return []
"""


def examples() -> Iterator[str]:
    for found in re.finditer(r"^```yaml\n(.*?)^```$", PAGE.read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE):
        yield found[1]


@pytest.mark.parametrize("text", list(examples()))
def test_the_agents_of_an_example_can_be_made(text: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOOK_URL", "https://chat.example/hook")
    monkeypatch.setenv("HOOK_SECRET", "s3cret")
    (tmp_path / "agents.py").write_text(AGENTS, encoding="utf-8")
    (tmp_path / "scenario.yaml").write_text("version: 1\n" + text, encoding="utf-8")
    team = load_team(load_scenario(tmp_path))
    assert team.problems == ()
    assert team.sources


def test_a_misspelt_parameter_is_said_as_the_page_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    first = next(examples()).replace("{watches:", "{watchs:")
    (tmp_path / "scenario.yaml").write_text("version: 1\n" + first, encoding="utf-8")
    (told,) = map(str, load_team(load_scenario("scenario.yaml")).problems)
    assert told in PAGE.read_text(encoding="utf-8"), told


def test_every_template_is_in_the_table() -> None:
    table = set(re.findall(r"^\| `(\w+)` \|", PAGE.read_text(encoding="utf-8"), re.MULTILINE))
    assert table == set(library.__all__)


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
