"""``blackboard completion``."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from blackboard.commands.target import emit, file_options

if TYPE_CHECKING:
    from blackboard.commands.target import Target

SHELLS: Final = ("bash", "zsh", "fish")


@click.command("completion")
@click.argument("shell", type=click.Choice(SHELLS))
@file_options
def command(target: Target, *, shell: str) -> None:
    """Print the script that lets SHELL complete commands, options and what a board holds: its keys, agents, questions.

    Only a server that runs and answers at once is asked for what a board holds. A name with a character that
    means something to a shell is not offered.

    \b
    The line to put into the shell's own file:
      ~/.bashrc                   eval "$(blackboard completion bash)"
      ~/.zshrc, after compinit    eval "$(blackboard completion zsh)"
      ~/.config/fish/config.fish  blackboard completion fish | source

    \b
    Examples:
      blackboard completion bash > ~/.local/share/bash-completion/completions/blackboard
      eval "$(.venv/bin/blackboard completion bash)"
    """
    script = script_for(shell, _program())
    if target.output == "text":
        sys.stdout.write(script)
    else:
        emit(target, {"shell": shell, "script": script}, lambda _: None)


def script_for(shell: str, program: str) -> str:
    """The script for ``shell``, about a program that is typed as ``program``, with a folder before it or not."""
    from blackboard.commands.completing import LINE, PART, SHELL

    text = (Path(__file__).parent / "shells" / f"completion.{shell}").read_text(encoding="utf-8")
    name = re.sub(r"[^A-Za-z0-9_]", "_", program)
    for hole, filling in (("program", program), ("name", name), ("shell", SHELL), ("line", LINE), ("part", PART)):
        text = text.replace(f"{{{{{hole}}}}}", filling)
    return text


def _program() -> str:
    """The name that this program was typed by, without its folder; the usual one where that is not to be had."""
    from blackboard.command_name import NAME

    program = Path(sys.argv[0]).name
    return program if re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_.-]*", program) and not program.endswith(".py") else NAME
