"""The walk is true: its run is killed again, each of its commands typed again, and its films are there and small."""

from __future__ import annotations

import asyncio
import json
import os
import shlex
import subprocess
import xml.etree.ElementTree as ET
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from blackboard.cli import main
from tests.docs_walk import BOARD, MOST_BYTES, RUN, WALKS, until
from tests.own_server import OwnServer
from tests.typed_page import commands_of, says

if TYPE_CHECKING:
    from collections.abc import Iterator

PAGE = Path(__file__).parents[2] / "docs" / "walk.md"
FILMS = PAGE.parent / "pictures"


@pytest.fixture
def killed(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[None]:
    """A server on which a run of process_return was killed in its middle."""
    monkeypatch.chdir(tmp_path)
    with OwnServer(appendonly=False) as server:
        monkeypatch.setenv("BLACKBOARD_URL", server.url)
        run = subprocess.Popen([*RUN, "--board", BOARD], env={**os.environ, "PYTHONPATH": str(PAGE.parents[1])})
        try:
            asyncio.run(until(os.environ, "payment/*", 20))
        finally:
            run.kill()
            run.wait()
        yield


def test_every_command_of_the_walk_says_what_it_says(killed: None, capsys: pytest.CaptureFixture[str]) -> None:
    for command, expected in commands_of(PAGE):
        main(shlex.split(command))
        output = capsys.readouterr()
        shown = (output.out + output.err).splitlines()
        for line in expected:
            assert says(line, shown), f"{command}: no line like {line!r} in\n{output.out}{output.err}"


@pytest.mark.parametrize("name", WALKS)
def test_each_film_is_there_small_and_whole(name: str) -> None:
    assert f"(pictures/walk-{name}.svg)" in PAGE.read_text(encoding="utf-8")
    moving, recorded = (FILMS / f"walk-{name}{ending}" for ending in (".svg", ".cast"))
    assert max(moving.stat().st_size, recorded.stat().st_size) < MOST_BYTES
    assert ET.parse(moving).getroot().tag == "{http://www.w3.org/2000/svg}svg"
    head, *events = [json.loads(line) for line in recorded.read_text(encoding="utf-8").splitlines()]
    assert head["version"] == 2
    assert [event[0] for event in events] == sorted(event[0] for event in events)
