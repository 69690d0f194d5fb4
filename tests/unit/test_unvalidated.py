"""What would wait for ever for a validator is told before the run, and the drawing shows who validates what."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from blackboard.cli import main

if TYPE_CHECKING:
    from pathlib import Path

AGENTS = """
from knowledge_sources import Pass, knowledge_source

@knowledge_source("topic/{t}", contributes="draft/{t}")
async def writer(topic): ...

@knowledge_source(validates="draft/{t} where size(text) > 3")
async def editor(draft):
    return Pass()

@knowledge_source("draft/{t}")
async def reader(draft): ...
"""
WRITER = "writer: {use: ./agents.py:writer, proposed: on}"
PLAIN = "writer: {use: ./agents.py:writer}"
EDITOR = "editor: {use: ./agents.py:editor}"


@pytest.mark.parametrize(
    ("agents", "rule", "told"),
    [
        ((WRITER,), "[]", "agents.writer: draft/{t} waits for a validator, and no agent validates it"),
        ((PLAIN,), "[draft/*]", "validate[0]: draft/* waits for a validator, and no agent validates it"),
        (
            (PLAIN, EDITOR),
            "[]",
            "agents.editor: 'editor' validates draft/{t} where size(text) > 3, and nothing is proposed",
        ),
        ((WRITER, EDITOR), "[]", ""),
        ((PLAIN, EDITOR), "[draft/*]", ""),
    ],
)
def test_check_warns_of_what_nobody_validates_and_of_who_has_nothing_to(
    agents: tuple[str, ...], rule: str, told: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "agents.py").write_text(AGENTS)
    team = ", ".join((*agents, "reader: {use: ./agents.py:reader}"))
    (tmp_path / "scenario.yaml").write_text(f"version: 1\ncase: topic/{{t}}\nvalidate: {rule}\nagents: {{{team}}}\n")
    assert main(["check", str(tmp_path)]) == 0
    shown = capsys.readouterr().out
    assert told in shown
    assert bool(told) is ("valid" in shown.replace("scenario.yaml is valid", ""))
    assert main(["graph", str(tmp_path)]) == 0
    drawn = capsys.readouterr().out
    assert ("-->|proposed|" in drawn) is (EDITOR in agents)
    assert "control/proposals" not in drawn
