"""``deadlock``: three agents wait for each other; found before the run, told at its end, broken by a merge agent."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from blackboard.cli import main
from tests.scenarios.in_process import region, run, values_of

if TYPE_CHECKING:
    from collections.abc import Callable

FOLDER = Path(__file__).parents[2] / "scenarios" / "deadlock"


@pytest.fixture
def before(tmp_path: Path) -> Path:
    """A copy of the scenario without its merge agent."""
    shutil.copytree(FOLDER, tmp_path / "copy", ignore=shutil.ignore_patterns("__pycache__"))
    return tmp_path / "copy" / "before.yaml"


async def test_with_the_merge_agent_every_order_comes_through(redis_url: str, board_name: str) -> None:
    finished = await run(redis_url, board_name, "deadlock")
    assert (finished.exit_code, finished.status) == (0, "finished")
    approvals = region(await values_of(redis_url, board_name), "approval")
    assert [approvals[order]["granted"] for order in ("O-1", "O-2", "O-3")] == [True, True, True]


async def test_without_it_the_run_ends_with_who_waits_for_whom(redis_url: str, board_name: str, before: Path) -> None:
    finished = await run(redis_url, board_name, str(before))
    assert (finished.exit_code, finished.status) == (6, "stalled")
    assert "pricing(order=O-1) waits for approval/O-1 from approval(order=O-1)" in finished.ending
    assert [result.passed for result in finished.results] == [False] * 5


def test_the_commands_show_the_graph_as_lines_as_json_and_drawn(
    redis_url: str, board_name: str, before: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    where = ("--url", redis_url, "--board", board_name)
    assert main(["run", str(before), *where, "-q"]) == 6
    capsys.readouterr()
    assert main(["report", *where]) == 0
    report = capsys.readouterr().out
    assert "Waiting for each other" in report
    assert main(["waits", *where, "-o", "json"]) == 0
    graph = json.loads(capsys.readouterr().out)
    assert (len(graph["waits"]), len(graph["edges"]), len(graph["circles"]), graph["cut"]) == (9, 9, 3, False)
    assert main(["waits", *where, "--mermaid"]) == 0
    drawn = capsys.readouterr().out.splitlines()
    assert drawn[0] == "flowchart LR"
    assert sum(":::circle" in line for line in drawn) == 9
    assert main(["waits", *where]) == 0
    assert "circle: approval(order=O-1) → stock(order=O-1) → pricing(order=O-1) → approval(order=O-1)" in (
        capsys.readouterr().out
    )


def test_check_finds_it_and_fix_makes_of_it_what_is_shipped(before: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """One line more, comments and all else as they were."""
    text = before.read_text(encoding="utf-8")
    assert main(["check", str(before)]) == 0
    assert "a deadlock: 'pricing' waits for 'approval' waits for 'stock' waits for 'pricing'" in capsys.readouterr().out
    assert main(["check", str(before), "--fix", "--dry-run"]) == 0
    assert "merge_for_pricing would be added" in capsys.readouterr().out
    assert before.read_text(encoding="utf-8") == text
    assert main(["check", str(before), "--fix"]) == 0
    out = capsys.readouterr().out
    assert "merge_for_pricing added: it supplies approval/{order} and breaks the circle" in out
    assert "warning" not in out
    fixed = before.read_text(encoding="utf-8").splitlines()
    shipped = (FOLDER / "scenario.yaml").read_text(encoding="utf-8").splitlines()
    assert fixed[fixed.index("input: orders.jsonl") :] == shipped[shipped.index("input: orders.jsonl") :]
    assert [line for line in fixed if "library:merge" not in line] == text.splitlines()
    assert main(["check", str(before), "--fix"]) == 0
    assert "no deadlock: nothing to fix" in capsys.readouterr().out


def _flow(text: str) -> str:
    block = text[text.index("agents:\n") : text.index("expect:")]
    names = ", ".join(f'{name}: {{use: "./agents.py:{name}"}}' for name in ("pricing", "stock", "approval"))
    return text.replace(block, f"agents: {{{names}}}\n")


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (_flow, "the agents do not stand in lines of their own; add by hand under agents:"),
        (lambda text: text.replace("version: 1", "version: 2"), "version"),
    ],
    ids=["agents in one line", "not a scenario"],
)
def test_what_cannot_be_edited_is_left_alone_and_said(
    before: Path, change: Callable[[str], str], reason: str, capsys: pytest.CaptureFixture[str]
) -> None:
    before.write_text(change(before.read_text(encoding="utf-8")), encoding="utf-8")
    text = before.read_bytes()
    assert main(["check", str(before), "--fix"]) == 3
    shown = capsys.readouterr()
    assert reason in shown.out + shown.err
    assert before.read_bytes() == text
    assert sorted(file.suffix for file in before.parent.iterdir() if file.is_file()) == [
        ".jsonl",
        ".py",
        ".yaml",
        ".yaml",
    ]


def test_a_file_with_changes_that_git_does_not_know_of_is_not_touched(
    before: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    import subprocess

    def git(*words: str) -> None:
        who = ("-c", "user.name=t", "-c", "user.email=t@example.org")
        subprocess.run(["git", "-C", str(before.parent), *who, *words], check=True, capture_output=True)

    git("init", "-q")
    git("add", "-A")
    git("commit", "-qm", "as it was")
    before.write_text(before.read_text(encoding="utf-8") + "# mine\n", encoding="utf-8")
    assert main(["check", str(before), "--fix"]) == 3
    shown = capsys.readouterr()
    assert "it has changes that are not committed; commit them first, or see --dry-run" in shown.out + shown.err
    git("commit", "-qam", "mine")
    assert main(["check", str(before), "--fix"]) == 0
    assert before.read_text(encoding="utf-8").endswith("# mine\n")


def test_line_endings_stay_as_they_are(before: Path) -> None:
    before.write_bytes(before.read_bytes().replace(b"\n", b"\r\n"))
    assert main(["check", str(before), "--fix"]) == 0
    assert before.read_bytes().count(b"\n") == before.read_bytes().count(b"\r\n")


def test_a_circle_that_has_nothing_else_to_begin_from_is_left_and_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "agents.py").write_text(
        "from knowledge_sources import knowledge_source\n"
        '@knowledge_source("b/{x}", contributes="a/{x}")\nasync def a() -> int: return 1\n'
        '@knowledge_source("a/{x}", contributes="b/{x}")\nasync def b() -> int: return 1\n'
        '@knowledge_source("in/{x}")\nasync def c() -> None: ...\n'
    )
    file = tmp_path / "scenario.yaml"
    agents = "".join(f'  {name}: {{use: "./agents.py:{name}"}}\n' for name in "abc")
    file.write_text(f"version: 1\nrecords: [{{key: in/1, value: 1}}]\nagents:\n{agents}")
    text = file.read_text()
    assert main(["check", str(file), "--fix"]) == 0
    assert "left as it is: the circle of a, b: none of them has another input" in capsys.readouterr().out
    assert file.read_text() == text


def test_fix_takes_no_settings_laid_over_the_file(before: Path) -> None:
    assert main(["check", str(before), "--fix", "--set", "max_running=2"]) == 2
