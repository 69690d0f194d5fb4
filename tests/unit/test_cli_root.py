"""The root command: what it costs, what it says, and the contract of exit codes."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING

import click
import pytest

from blackboard import errors
from blackboard.cli import COMMANDS, Entry, LazyGroup, build_root, main

if TYPE_CHECKING:
    from collections.abc import Callable

HEAVY = {"redis", "pydantic", "rich", "msgpack", "asyncio", "yaml", "watchfiles", "importlib.metadata"}


def run_python(program: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, **environment},
        timeout=60,
    )


@pytest.mark.parametrize("option", ["--version", "--help"])
def test_version_and_help_import_neither_client_nor_models_nor_any_command(option: str) -> None:
    done = run_python(
        f"import sys; from blackboard.cli import main; code = main([{option!r}])\n"
        "print(*sorted(sys.modules), file=sys.stderr); sys.exit(code)"
    )
    loaded = set(done.stderr.split())
    assert done.returncode == 0
    assert loaded.isdisjoint(HEAVY)
    assert not [name for name in loaded if ".commands." in name or name.startswith(("controller", "scenarios"))]


def test_help_names_every_command_with_its_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--help"]) == 0
    shown = " ".join(capsys.readouterr().out.split())
    for name, entry in COMMANDS.items():
        assert f"{name} {entry.summary}" in shown


def test_version_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--version"]) == 0
    assert capsys.readouterr().out == "blackboard 0.1.0\n"


def test_a_misspelt_command_is_a_usage_error_that_names_the_nearest(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["hystory"]) == 2
    shown = capsys.readouterr()
    assert "Did you mean 'history'?" in shown.err
    assert shown.out == ""


def root_that_raises(error: Callable[[], BaseException]) -> click.Command:
    @click.command("fail")
    def fail() -> None:
        raise error()

    return fail


def nested(error: Exception) -> BaseException:
    return ExceptionGroup("tasks", [ExceptionGroup("tasks", [error])])


# The contract: what a failure ends with, whoever raises it.
EXITS: dict[str, tuple[Callable[[], BaseException], int]] = {
    "usage": (lambda: errors.UsageError("no"), 2),
    "usage of click": (lambda: click.UsageError("no"), 2),
    "other error of click": (lambda: click.ClickException("no"), 2),
    "invalid file": (lambda: errors.InvalidInput("no", place="x.yaml:1:2"), 3),
    "invalid name": (lambda: errors.InvalidName("no"), 3),
    "invalid value": (lambda: errors.InvalidValue("no"), 3),
    "invalid pattern": (lambda: errors.PatternError("no", text="a", column=1), 3),
    "too large": (lambda: errors.TooLarge("no"), 3),
    "no backend": (lambda: errors.NoBackend("no"), 4),
    "server refused": (lambda: errors.ServerRefused("no"), 4),
    "nothing selected": (lambda: errors.NothingSelected("no"), 5),
    "time-out": (lambda: errors.WaitTimeout("refund/*", 10), 6),
    "lost race": (lambda: errors.Conflict([]), 1),
    "history lost": (lambda: errors.HistoryLost("1-9", "1-2"), 4),
    "not known": (lambda: errors.Unknown("no"), 4),
    "corrupt": (lambda: errors.Corrupt("no"), 4),
    "trimmed": (lambda: errors.Gap(1, 7), 4),
    "internal": (lambda: ZeroDivisionError("no"), 70),
    "a scenario's code exits": (lambda: SystemExit(0), 70),
    "interrupted": (KeyboardInterrupt, 130),
    "aborted prompt": (click.Abort, 130),
    "in a task group": (lambda: nested(errors.NoBackend("no")), 4),
}


@pytest.mark.parametrize("name", EXITS)
def test_a_failure_is_one_message_on_stderr_and_its_exit_code(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    error, expected = EXITS[name]
    assert main([], root=root_that_raises(error)) == expected
    shown = capsys.readouterr()
    assert shown.out == ""
    assert shown.err
    assert "Traceback" not in shown.err


@pytest.mark.parametrize(("code", "returned"), [(0, None), (0, 0), (1, 1), (6, 6)])
def test_what_a_command_returns_is_its_exit_code(code: int, returned: int | None) -> None:
    assert main([], root=click.command("answer")(lambda: returned)) == code


def test_an_internal_error_says_how_to_see_where_and_then_shows_it(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    root = root_that_raises(lambda: ZeroDivisionError("of nothing"))
    monkeypatch.delenv("BLACKBOARD_TRACEBACK", raising=False)
    main([], root=root)
    expected = "blackboard: internal error: ZeroDivisionError: of nothing (BLACKBOARD_TRACEBACK=1 shows where)\n"
    assert capsys.readouterr().err == expected
    monkeypatch.setenv("BLACKBOARD_TRACEBACK", "1")
    main([], root=root)
    assert "Traceback" in capsys.readouterr().err


def test_a_message_with_data_in_it_cannot_drive_the_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    main([], root=root_that_raises(lambda: errors.NothingSelected("no record \x1b]52;c;eA==\x07")))
    main(["\x1b[2J"])
    shown = capsys.readouterr().err
    assert "\x1b" not in shown
    assert r"\x1b]52;c;eA==\x07" in shown


def test_a_reader_that_goes_away_ends_the_command_quietly() -> None:
    program = (
        "import sys, click; from blackboard.cli import main\n"
        "@click.command()\n"
        "def talk():\n"
        "    for _ in range(100_000): print('line')\n"
        "sys.exit(main([], root=talk))"
    )
    with subprocess.Popen(
        [sys.executable, "-c", program], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as talker:
        assert talker.stdout is not None
        assert talker.stderr is not None
        talker.stdout.readline()
        talker.stdout.close()
        assert talker.wait(timeout=60) == 141
        assert talker.stderr.read() == ""


def test_what_the_terminal_cannot_encode_is_shown_and_not_raised() -> None:
    program = "import click; from blackboard.cli import main\nmain([], root=click.command()(lambda: print('€')))"
    done = run_python(program, PYTHONIOENCODING="ascii")
    assert (done.returncode, done.stdout, done.stderr) == (0, "\\u20ac\n", "")


def test_an_entry_that_names_no_command_is_an_internal_error(capsys: pytest.CaptureFixture[str]) -> None:
    root = build_root({"odd": Entry("blackboard.cli:COMMANDS", "Odd.")})
    assert isinstance(root, LazyGroup)
    assert main(["odd"], root=root) == 70
    assert "blackboard.cli:COMMANDS is not a command" in capsys.readouterr().err


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_and_each_of_its_parts_shows_an_example_and_has_every_form_of_output(name: str) -> None:
    root = build_root()
    command = root.get_command(click.Context(root), name)
    assert command is not None
    parts = list(command.commands.values()) if isinstance(command, click.Group) else []
    for each in parts or [command]:
        assert f"  blackboard {name}" in (each.help or ""), f"{name} {each.name}: no example"
        [output] = [option for option in each.params if option.name == "output"]
        assert isinstance(output.type, click.Choice)
        assert set(output.type.choices) >= {"json", "jsonl"}
    assert f"  blackboard {name}" in (command.help or "")
