"""``blackboard completion``."""

from __future__ import annotations

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
    script = script_for(shell)
    if target.output == "text":
        sys.stdout.write(script)
    else:
        emit(target, {"shell": shell, "script": script}, lambda _: None)


def script_for(shell: str) -> str:
    """The script for ``shell``, about this program, whether it is typed with a folder before it or not."""
    from blackboard.command_name import NAME
    from blackboard.commands.completing import LINE, PART, SHELL

    text = (Path(__file__).parent / "shells" / f"completion.{shell}").read_text(encoding="utf-8")
    for hole, filling in (("program", NAME), ("shell", SHELL), ("line", LINE), ("part", PART)):
        text = text.replace(f"{{{{{hole}}}}}", filling)
    return text
