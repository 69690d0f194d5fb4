"""Files that cannot be read are said so at once: pipes and devices, loops of links, names that are no names."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from blackboard.errors import InvalidInput
from knowledge_sources.agent_folder import AgentFolder
from knowledge_sources.errors import LoadingError
from knowledge_sources.loading import load_source
from scenarios.input import read_rows
from scenarios.loading import load_scenario

if TYPE_CHECKING:
    from pathlib import Path


def test_a_pipe_or_a_device_is_no_input(tmp_path: Path) -> None:
    """Nobody may ever write to the one, and the other has no end: the run hung."""
    pipe, device = tmp_path / "pipe.jsonl", tmp_path / "device.csv"
    os.mkfifo(pipe)
    device.symlink_to("/dev/zero")
    for file in (pipe, device):
        with pytest.raises(InvalidInput, match="no regular file"):
            next(read_rows(file))


def test_a_loop_of_links_is_neither_input_nor_agents(tmp_path: Path) -> None:
    for name in ("loop.jsonl", "loop.py"):
        (tmp_path / name).symlink_to(tmp_path / name)
    with pytest.raises(InvalidInput, match="cannot be read"):
        next(read_rows(tmp_path / "loop.jsonl"))
    with pytest.raises(LoadingError):
        AgentFolder(tmp_path / "loop.py")
    with pytest.raises(LoadingError):
        load_source("./loop.py:agent", tmp_path)


@pytest.mark.parametrize("line", ['input: "a\\0.jsonl"', 'agents_dir: "a\\0"', 'records: [{from: "a\\0.csv", key: x}]'])
def test_a_file_name_with_a_nul_is_refused_at_its_place(line: str, tmp_path: Path) -> None:
    (tmp_path / "scenario.yaml").write_text(f"version: 1\nagents: {{a: {{use: os:path}}}}\n{line}\n")
    with pytest.raises(InvalidInput, match=r"scenario\.yaml:3:\d+: .*NUL"):
        load_scenario(str(tmp_path), ())


def test_an_agents_file_with_a_nul_in_its_name_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(LoadingError, match="no path"):
        load_source("./a\0b.py:agent", tmp_path)
