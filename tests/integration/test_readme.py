"""The README is true: its files are those that ship, its program and its commands say what it says they say."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from blackboard import exit_codes
from blackboard.cli import COMMANDS, main
from scenarios.loading import load_scenario
from tests.own_server import OwnServer
from tests.typed_page import commands_of, says

if TYPE_CHECKING:
    import pytest

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "README.md"


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", PAGE.read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE)


def test_the_first_scenario_on_the_page_is_the_one_that_ships() -> None:
    shipped = ROOT / "scenarios" / "first_agent"
    assert blocks("python")[0].strip() in (shipped / "agents.py").read_text(encoding="utf-8")
    assert blocks("yaml")[0] == (shipped / "scenario.yaml").read_text(encoding="utf-8")
    assert (shipped / "returns.jsonl").read_text(encoding="utf-8").startswith(blocks("json")[0])


def test_what_the_page_says_of_control_is_what_a_scenario_may_say(tmp_path: Path) -> None:
    (tmp_path / "agents.py").write_text(blocks("python")[0], encoding="utf-8")
    agents = "\n".join(f"  {name}: {{use: './agents.py:clerk'}}" for name in ("card", "bank"))
    text = f"version: 1\nagents:\n{agents}\n{blocks('yaml')[1]}"
    (tmp_path / "scenario.yaml").write_text(text, encoding="utf-8")
    assert load_scenario(str(tmp_path), ()).policy.fair == "customer"


def test_the_program_on_the_page_prints_what_the_page_prints() -> None:
    program = blocks("python")[1]
    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False, timeout=60)
    assert ended.stderr == ""
    assert ended.stdout in blocks("text")


def test_every_command_on_the_page_says_what_the_page_says(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    with OwnServer(appendonly=False) as server:
        monkeypatch.setenv("BLACKBOARD_URL", server.url)
        for command, expected in commands_of(PAGE):
            code = main(shlex.split(command))
            output = capsys.readouterr()
            shown = (output.out + output.err).splitlines()
            for line in expected:
                assert says(line, shown), f"{command}: no line like {line!r} in\n{output.out}{output.err}"
            assert code == (exit_codes.FAILED if any("FAILED" in line for line in expected) else exit_codes.OK)


def test_the_page_names_every_command_and_every_exit_code() -> None:
    text = PAGE.read_text(encoding="utf-8")
    table = text[text.index("## Commands") : text.index("## Working on it")]
    assert set(COMMANDS) <= set(re.findall(r"`([a-z-]+)`", table))
    codes = {value for name, value in vars(exit_codes).items() if name.isupper()}
    assert {int(code) for code in re.findall(r"^\| (\d+) \|", table, re.MULTILINE)} == codes
