"""The page on seeing is true: each command on it is typed again and says what the page says, numbers apart."""

from __future__ import annotations

import re
import shlex
from pathlib import Path
from typing import TYPE_CHECKING

from blackboard.cli import main
from tests.own_server import OwnServer

if TYPE_CHECKING:
    import pytest

PAGE = Path(__file__).parents[2] / "docs" / "seeing.md"
LEFT_OUT = "…"


def blocks() -> list[tuple[str, list[str]]]:
    """Each command of the page with the lines under it."""
    found: list[tuple[str, list[str]]] = []
    for console in re.findall(r"^```console\n(.*?)^```$", PAGE.read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE):
        for line in console.splitlines():
            if line.startswith("$ blackboard "):
                found.append((line.removeprefix("$ blackboard "), []))
            else:
                found[-1][1].append(line)
    return found


def blurred(line: str) -> str:
    """``line`` without what differs between two runs: ids, numbers, units of time, the width of columns."""
    line = re.sub(r"\b[0-9a-f]{8,24}\b", "ID", line)
    line = re.sub(r"[0-9][0-9.,]*( ms| s)?", "0", line)
    line = line.replace("-0", "0")
    return re.sub(r" +", " ", line).strip()


def says(wanted: str, shown: list[str]) -> bool:
    """Whether one of the ``shown`` lines is ``wanted``, or begins with it where its end is left out."""
    if wanted.strip().startswith(("not chosen then", "chosen at")):  # who else was eligible is a matter of timing
        wanted = wanted.partition(":" if "not" in wanted else ",")[0] + LEFT_OUT
    cut = wanted.endswith(LEFT_OUT)
    looked_for = blurred(wanted.removesuffix(LEFT_OUT))
    lines = [blurred(line) for line in shown]
    return any(line.startswith(looked_for) for line in lines) if cut else looked_for in lines


def test_every_command_on_the_page_says_what_the_page_says(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    with OwnServer(appendonly=False) as server:
        monkeypatch.setenv("BLACKBOARD_URL", server.url)
        assert main(["run", "process_return"]) == 0
        capsys.readouterr()
        for command, expected in blocks():
            main(shlex.split(command))
            output = capsys.readouterr()
            shown = (output.out + output.err).splitlines()
            for line in expected:
                assert line == LEFT_OUT or says(line, shown), f"{command}: no line like {line!r} in\n{output.out}"
