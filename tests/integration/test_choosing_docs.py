"""The walk on the page about choosing is true: each command is typed beside a run, and says what the page says."""

from __future__ import annotations

import json
import shlex
import subprocess
import sys
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from blackboard.cli import main
from tests.own_server import OwnServer
from tests.typed_page import commands_of, says
from tests.waiting import wait_until

if TYPE_CHECKING:
    import pytest

PAGE = Path(__file__).parents[2] / "docs" / "choosing.md"
BEGUN = "blackboard run fair_share --recommend --board desk --quiet"


class Typist:
    """Types the commands of the page as ``ann``."""

    def __init__(self, capsys: pytest.CaptureFixture[str]) -> None:
        self._capsys = capsys

    def type(self, command: str) -> list[str]:
        main(self._words(command))
        shown = self._capsys.readouterr()
        return (shown.out + shown.err).splitlines()

    def says_all(self, command: str, expected: list[str]) -> bool:
        shown = self.type(command)
        return all(says(line, shown) for line in expected)

    def _words(self, command: str) -> list[str]:
        words = shlex.split(command)
        if "--choose" in words:  # an id is another one on another board
            main(["agenda", "-o", "json"])
            pending = json.loads(self._capsys.readouterr().out)["pending"]
            chosen = next(one for one in pending if one["case"] == "mail/small/2")
            words[words.index("--choose") + 1] = chosen["activation"][:8]
        return words


def test_every_command_of_the_walk_says_what_the_page_says(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    assert f"```text\n{BEGUN}\n```" in PAGE.read_text(encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("LOGNAME", "ann")
    monkeypatch.setenv("COLUMNS", "300")
    typist = Typist(capsys)
    with OwnServer(appendonly=False) as server:
        monkeypatch.setenv("BLACKBOARD_URL", server.url)
        run = subprocess.Popen([sys.executable, "-m", *shlex.split(BEGUN)], stderr=subprocess.DEVNULL)
        try:
            wait_until(lambda: any("43 activations" in line for line in typist.type("agenda")), "all mail is there", 30)
            for command, expected in commands_of(PAGE):
                if command.startswith(("agenda", "why")):  # the leader shows what has changed a moment later
                    wait_until(partial(typist.says_all, command, expected), f"{command} says {expected}")
                else:
                    shown = typist.type(command)
                    assert all(says(line, shown) for line in expected), f"{command}: {shown}"
            assert run.wait(20) == 0
        finally:
            run.kill()
            run.wait()
