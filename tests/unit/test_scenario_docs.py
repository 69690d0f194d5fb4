"""Every example of docs/scenarios.md is what the page says, and every key of the format has one."""

from __future__ import annotations

import re
import shlex
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from blackboard.cli import main
from scenarios.loading import load_scenario
from scenarios.problem import InvalidScenario
from scenarios.scenario import Scenario
from scenarios.validation import _alias, _models_in

if TYPE_CHECKING:
    from collections.abc import Iterator

PAGE = Path(__file__).resolve().parents[2] / "docs" / "scenarios.md"
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
BLOCKS = [(match[1], match[2]) for match in BLOCK.finditer(PAGE.read_text(encoding="utf-8"))]


def examples() -> Iterator[tuple[str, str]]:
    """Each YAML block as a whole file, and the message in the block after it, ``""`` where it is fine."""
    for index, (language, text) in enumerate(BLOCKS):
        if language == "yaml":
            follower, message = BLOCKS[index + 1] if index + 1 < len(BLOCKS) else ("", "")
            yield _whole(text), message if follower == "text" else ""


def _whole(text: str) -> str:
    if text.startswith("version:"):
        return text
    return "version: 1\n" + ("" if "agents" in text else "agents: {clerk: {use: ./agents.py:clerk}}\n") + text


@pytest.mark.parametrize(("text", "message"), list(examples()))
def test_an_example_loads_or_is_refused_as_shown(
    text: str, message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    file = Path("scenario.yaml")
    file.write_text(text, encoding="utf-8")
    if not message:
        assert isinstance(load_scenario(file), Scenario)
        return
    with pytest.raises(InvalidScenario) as refused:
        load_scenario(file)
    assert str(refused.value) == message.rstrip("\n")


def test_every_key_of_the_format_is_in_an_example() -> None:
    shown = " ".join(text for language, text in BLOCKS if language == "yaml")
    keys = sorted({_alias(model, field) for model in _models_in(Scenario) for field in model.model_fields})
    missing = [key for key in keys if not re.search(rf"(?:^|[\s{{]){key}:", shown)]
    assert missing == []


@pytest.mark.parametrize(
    "line", [line for language, text in BLOCKS if language == "console" for line in text.splitlines()]
)
def test_a_command_of_the_page_works(line: str) -> None:
    prompt, name, *arguments = shlex.split(line)
    assert (prompt, name) == ("$", "blackboard")
    assert main(arguments) == 0
