"""``blackboard completion``: a shell completes the command line, quickly, quietly, and with nothing that acts on it."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import pytest

from blackboard.board import Board
from blackboard.cli import COMMANDS, main
from blackboard.commands.completing import SAFE
from blackboard.commands.completion import SHELLS, script_for
from blackboard.connect import connect
from blackboard.control_records import AGENTS, ESCALATIONS
from scenarios.shipped import shipped_scenarios
from tests.control_values import completed
from tests.embedded_remains import is_free
from tests.embedded_users import own_directory
from tests.tmux import Terminal, needs_tmux
from tests.waiting import eventually

if TYPE_CHECKING:
    from collections.abc import Callable

ROOT: Final = Path(__file__).resolve().parents[2]
BREAKS: Final = re.compile(r"[ \t\n\"'><=;|&(:@]")
"""where bash takes words apart"""
HOSTILE: Final = (
    "$(touch$IFS'pwned')", "`id`", ";id", "'", '"', "a&b", "a|b", "<in", "!x", "~x", "#x", "?", "[ab]", "$HOME", "(x)",
    "é", "a,b", "^x",
)  # fmt: skip


def on_the_path(shell: str) -> str:
    found = shutil.which(shell)
    if found is None:
        pytest.skip(f"{shell} is not on the PATH")
    return found


@pytest.fixture
def program(tmp_path: Path) -> Path:
    """A program named ``blackboard`` in a folder of its own, which is a virtual environment's as the shell sees it."""
    path = tmp_path / ".venv" / "bin" / "blackboard"
    path.parent.mkdir(parents=True)
    path.write_text(f'#!/bin/sh\nexec {shlex.quote(sys.executable)} -m blackboard "$@"\n', encoding="utf-8")
    path.chmod(0o755)
    return path


class Bash:
    """Bash without the user's settings, which has read the script; it completes as if TAB was pressed behind a line."""

    def __init__(self, program: Path, folder: Path, **environment: str) -> None:
        self._shell = on_the_path("bash")
        self._folder = folder
        self._environment = {
            **{name: text for name, text in os.environ.items() if not name.startswith("BLACKBOARD_")},
            "PYTHONPATH": str(ROOT),
            "PATH": f"{program.parent}:{os.environ['PATH']}",
            **environment,
        }

    def run(self, script: str) -> str:
        done = subprocess.run(
            [self._shell, "--norc", "-c", script], cwd=self._folder, env=self._environment,
            capture_output=True, text=True, check=False, timeout=60,
        )  # fmt: skip
        assert done.stderr == ""
        return done.stdout

    def offers(self, line: str) -> list[str]:
        """What would take the place of the part that bash replaces: behind the last character that breaks a word."""
        begun = line[max((found.end() for found in BREAKS.finditer(line)), default=0) :]
        typed = line.split()
        words = typed if not line.endswith(" ") else [*typed, ""]
        variables = f"COMP_LINE={shlex.quote(line)} COMP_POINT={len(line)} COMP_CWORD={len(words) - 1}"
        shown = self.run(
            f"source <({shlex.quote(typed[0])} completion bash); {variables} COMP_WORDS=({shlex.join(words)})\n"
            f"_blackboard_completion {shlex.quote(typed[0])} {shlex.quote(begun)} ''\n"
            "printf '%s\\n' \"${COMPREPLY[@]}\""
        )
        return shown.removesuffix("\n").split("\n") if shown != "\n" else []


def in_time(offers: Callable[[str], list[str]], line: str) -> list[str]:
    """What is offered for ``line`` when the server was quick enough: on a machine that is busy it may not be at first."""
    deadline = time.monotonic() + 60
    while not (found := offers(line)):
        assert time.monotonic() < deadline, f"nothing was ever offered behind {line!r}"
    return found


@pytest.fixture
def bash(program: Path, tmp_path: Path) -> Bash:
    """One that knows no server but a private one in a folder that is not there."""
    return Bash(program, tmp_path, BLACKBOARD_URL="embedded:none")


def test_bash_completes_commands_their_parts_options_and_choices(bash: Bash) -> None:
    assert bash.offers("blackboard ") == list(COMMANDS)
    assert bash.offers("blackboard esc") == ["escalations"]
    assert bash.offers("blackboard escalations ") == ["answer", "list", "show"]
    assert bash.offers("blackboard override bo") == ["boost"]
    assert bash.offers("blackboard override boost --po") == ["--points"]
    assert bash.offers("blackboard ls --output ") == ["text", "json", "jsonl"]
    assert bash.offers("blackboard ls --output=js") == ["json", "jsonl"]
    assert bash.offers("blackboard completion z") == ["zsh"]
    assert bash.offers("blackboard ls --url emb") == ["embedded:"]


def test_a_group_without_a_command_completes_the_options_of_the_command_that_is_meant(bash: Bash) -> None:
    assert {"--url", "--output", "--help"} <= set(bash.offers("blackboard boards --"))


def test_the_program_is_completed_wherever_it_is_typed(bash: Bash) -> None:
    assert bash.offers(".venv/bin/blackboard esc") == ["escalations"]
    assert bash.run("source <(.venv/bin/blackboard completion bash); complete -p blackboard").endswith(
        "-F _blackboard_completion blackboard\n"
    )


@pytest.mark.parametrize(
    "line", ["blackboard nonsense ", "blackboard get --nonsense x", "blackboard get 'a b", "blackboard \\"]
)
def test_behind_nonsense_nothing_is_offered_and_nothing_said(bash: Bash, line: str) -> None:
    assert bash.offers(line) == []


def test_scenarios_are_completed_by_name_and_by_path(bash: Bash, tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    for name in ("scenario.yaml", "notes.txt", "$(touch pwned).yaml", "a b.yaml", "two\nlines.yaml"):
        (tmp_path / "mine" / name).touch()
    for command in ("run", "check", "graph"):
        assert bash.offers(f"blackboard {command} proc") == ["process_return"]
        assert bash.offers(f"blackboard {command} mi") == ["mine/"]
        assert bash.offers(f"blackboard {command} mine/") == ["mine/scenario.yaml"]
    assert set(shipped_scenarios()) <= {word.rstrip() for word in bash.offers("blackboard run ")}
    assert bash.offers("blackboard run process_return double") == ["double_refund"]


async def test_what_a_board_holds_is_completed(redis_url: str, board: Board, program: Path, tmp_path: Path) -> None:
    bash = Bash(program, tmp_path, BLACKBOARD_URL=redis_url, BLACKBOARD_BOARD=board.name)
    for key in ("refund/R-1", "refund/R-2", "refund/deep/er", "refused/a@b", "alone"):
        await board.put(key, 1)
    await board.put(f"{AGENTS}gateway", completed(f"{AGENTS}x", {"name": "gateway"}))
    for name, status in (("0123ab", "open"), ("4567cd", "answered")):
        await board.put(f"{ESCALATIONS}{name}", completed(f"{ESCALATIONS}x", {"status": status}))
    assert in_time(bash.offers, "blackboard get re") == ["refund/", "refused/"]
    assert in_time(bash.offers, "blackboard why refund/") == ["refund/R-1 ", "refund/R-2 ", "refund/deep/"]
    assert in_time(bash.offers, "blackboard history refund/d") == ["refund/deep/"]
    assert in_time(bash.offers, "blackboard history refund/deep/") == ["refund/deep/er"]
    assert in_time(bash.offers, "blackboard get refused/a@") == ["b"]
    assert in_time(bash.offers, "blackboard get al") == ["alone"]
    assert in_time(bash.offers, "blackboard agents info ") == ["gateway"]
    assert in_time(bash.offers, "blackboard why-not ga") == ["gateway"]
    assert in_time(bash.offers, "blackboard escalations answer ") == ["0123ab"]
    assert in_time(bash.offers, f"blackboard ls --board {board.name[:4]}") == [board.name]
    assert in_time(bash.offers, f"blackboard ls --board={board.name[:4]}") == [board.name]
    assert in_time(bash.offers, f"blackboard boards remove {board.name[:4]}") == [board.name]


async def test_the_line_says_which_server_and_board_are_asked(
    redis_url: str, board_name: str, program: Path, tmp_path: Path
) -> None:
    bash = Bash(program, tmp_path, BLACKBOARD_URL="embedded:none")
    async with await Board.open(redis_url, f"{board_name}@7") as board:
        await board.put("refund/R-1", 1)
        line = f"blackboard get --url {redis_url} --board {board_name}@"
        assert in_time(bash.offers, line) == ["7"]
        assert in_time(bash.offers, f"{line}7 refund/R") == ["refund/R-1"]


async def test_a_name_that_means_something_to_a_shell_is_never_offered(
    redis_url: str, board: Board, program: Path, tmp_path: Path
) -> None:
    bash = Bash(program, tmp_path, BLACKBOARD_URL=redis_url, BLACKBOARD_BOARD=board.name)
    await board.put("case/good", 1)
    for name in HOSTILE:
        await board.put(f"case/{name}", 1)
        await board.put(f"{name}/x", 1)
    await board.put("-rf/x", 1)
    assert in_time(bash.offers, "blackboard get case/") == ["case/good"]
    assert in_time(bash.offers, "blackboard get ") == ["case/"]
    assert list(tmp_path.iterdir()) == [tmp_path / ".venv"]


async def test_more_keys_than_anybody_reads_are_none(board: Board, monkeypatch: pytest.MonkeyPatch) -> None:
    """A part of them would tell the shell that there is nothing else, and it would complete to that."""
    from blackboard import names
    from blackboard.backend import Backend

    async with await connect(board.store.backend.url) as backend:
        assert isinstance(backend, Backend)
        for number in range(5):
            await board.put(f"case/{number}", 1)
        assert len(await names.keys_beginning(backend, board.name, "case/")) == 5
        monkeypatch.setattr(names, "MOST", 4)
        assert await names.keys_beginning(backend, board.name, "case/") == []


def test_without_a_server_nothing_is_offered_and_nothing_is_made(program: Path, tmp_path: Path) -> None:
    for url in ("embedded:.blackboard", "embedded:none", "memory:", f"unix://{tmp_path}/none.sock", "nonsense"):
        bash = Bash(program, tmp_path, BLACKBOARD_URL=url)
        assert bash.offers("blackboard ls --board ") == []
        assert bash.offers("blackboard get a") == []
    assert list(tmp_path.iterdir()) == [tmp_path / ".venv"]


async def test_a_private_server_is_asked_where_it_runs_and_never_started(program: Path, tmp_path: Path) -> None:
    with own_directory() as directory:
        bash = Bash(program, tmp_path, BLACKBOARD_URL=f"embedded:{directory}")
        async with await connect(f"embedded:{directory}") as backend, await Board.open(backend, "mine@1") as board:
            await board.put("a/1", 1)
            assert in_time(bash.offers, "blackboard ls --board m") == ["mine@1"]
        await eventually(lambda: is_free(directory), "the server was stopped")
        before = sorted(directory.iterdir())
        assert bash.offers("blackboard ls --board m") == []
        assert is_free(directory)
        assert sorted(directory.iterdir()) == before


def test_a_server_that_never_answers_is_not_waited_for(program: Path, tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as silent:
        silent.bind(str(tmp_path / "silent.sock"))
        silent.listen()
        bash = Bash(program, tmp_path, BLACKBOARD_URL=f"unix://{tmp_path}/silent.sock")
        began = time.monotonic()
        assert bash.offers("blackboard get a") == []
        # Far from the third of a second that it takes, and from the ten that a command waits for its server.
        assert time.monotonic() - began < 8


def test_the_script_that_is_printed_is_the_one_for_that_shell(capsys: pytest.CaptureFixture[str]) -> None:
    for shell in SHELLS:
        assert main(["completion", shell]) == 0
        assert capsys.readouterr().out == script_for(shell)
        assert "{{" not in script_for(shell)
    assert main(["completion", "tcsh"]) == 2


def test_no_module_of_a_board_is_loaded_to_complete_a_command(program: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-X", "importtime", "-m", "blackboard"], capture_output=True, text=True, check=True, timeout=60,
        env={**os.environ, "PYTHONPATH": str(ROOT), "_BLACKBOARD_COMPLETE": "fish", "_BLACKBOARD_LINE": "blackboard "},
    )  # fmt: skip
    assert [line.partition("\t")[0] for line in done.stdout.splitlines()] == list(COMMANDS)
    loaded = {line.rpartition("|")[2].strip() for line in done.stderr.splitlines()}
    assert loaded.isdisjoint({"redis", "pydantic", "rich", "asyncio", "controller", "scenarios", "knowledge_sources"})


def test_what_stands_in_a_help_cannot_break_the_line_of_its_word() -> None:
    from blackboard.cli import Entry, build_root
    from blackboard.commands.completing import words

    root = build_root({"good": Entry("x:y", "one\ttwo\nthree \x1b[2J\u202e " + "long " * 50), "b ad": Entry("x:y", "")})
    [line] = words(root, {"_BLACKBOARD_COMPLETE": "fish", "_BLACKBOARD_LINE": "blackboard "})
    assert line.startswith("good\tone two three \\x1b[2J\\u202e long")
    assert len(line) < 100


def test_only_characters_without_a_meaning_are_safe() -> None:
    for character in " \t\n\"'$`\\!*?[]{}()<>|&;#~^,\x1b\x00é":
        assert SAFE.match(f"a{character}b") is None
        assert SAFE.match(f"a{character}") is None
        assert SAFE.match(character) is None
    assert SAFE.match("process_return@1") is not None


# What each shell is started with, and the line that has it complete.
INTERACTIVE: Final[dict[str, tuple[list[str], str]]] = {
    "bash": (["--norc", "--noprofile", "-i"], 'eval "$(.venv/bin/blackboard completion bash)"'),
    "zsh": (["-f", "-i"], 'autoload -Uz compinit; compinit -u -D; eval "$(.venv/bin/blackboard completion zsh)"'),
    "fish": (["--no-config", "-i"], ".venv/bin/blackboard completion fish | source"),
}


@needs_tmux
@pytest.mark.parametrize("shell", INTERACTIVE)
async def test_a_person_who_presses_tab_gets_the_command_the_board_and_the_key(
    shell: str, redis_url: str, board_name: str, program: Path, tmp_path: Path
) -> None:
    started_with, evaluated = INTERACTIVE[shell]
    found = on_the_path(shell)
    environment = {"BLACKBOARD_URL": redis_url, "HOME": str(tmp_path), "PS1": "> ", "PATH": os.environ["PATH"]}
    async with await Board.open(redis_url, f"{board_name}@1") as board:
        await board.put("refund/R-1001", {"amount": 20})
        await board.put("refund/$(touch$IFS'pwned')", 1)
        with Terminal([found, *started_with], width=150, environment=environment, folder=tmp_path) as terminal:

            def tab(typed: str, wanted: str) -> None:
                """Type, press TAB, and again where the server was not quick enough, until the line is completed."""
                terminal.write(typed)
                for _ in range(20):
                    terminal.send("Tab")
                    try:
                        terminal.wait_for(wanted, 3)
                    except AssertionError:
                        continue
                    return
                terminal.wait_for(wanted)

            terminal.wait_for(">")
            terminal.write(f"{evaluated}; echo re''ady")
            terminal.send("Enter")
            terminal.wait_for("ready")
            tab(".venv/bin/blackboard hist", "blackboard history")
            tab(f"--board {board_name}", f"--board {board_name}@1")
            tab("ref", f"{board_name}@1 refund/")
            tab("R", f"{board_name}@1 refund/R-1001")
            terminal.send("Enter")
            terminal.wait_for('{"amount": 20}')
    assert not (tmp_path / "pwned").exists()


def test_output_as_json_holds_the_script(capsys: pytest.CaptureFixture[str]) -> None:
    import json

    assert main(["completion", "fish", "-o", "json"]) == 0
    told: dict[str, Any] = json.loads(capsys.readouterr().out)
    assert told == {"shell": "fish", "script": script_for("fish")}
