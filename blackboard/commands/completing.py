"""Answering a shell that completes a line: which words can stand where the cursor is.

The shell's function passes the line up to the cursor in :data:`LINE` and, where the shell takes words apart that are
one here (bash, at ``@``, ``:`` and ``=``), the part that it will replace in :data:`PART`.  An answer is one word a
line, each of :data:`SAFE` characters: what comes from a board stands in a command line as it is, so that nothing a
shell gives a meaning to may be in it.
"""

from __future__ import annotations

import contextlib
import os
import re
import sys
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    import click
    from click.shell_completion import CompletionItem

SHELL: Final = "_BLACKBOARD_COMPLETE"
"""the variable that names the shell that asks; where it is not empty the program answers and does nothing else"""
LINE: Final = "_BLACKBOARD_LINE"
PART: Final = "_BLACKBOARD_PART"

SAFE: Final = re.compile(r"[A-Za-z0-9_./-][A-Za-z0-9_./@:+%=-]{0,511}\Z")
OPEN_ENDED: Final = ("/", ":", "=")
"""what a word ends with that goes on, so that no blank follows it"""
FILES: Final = ":files"
"""a line of its own: the shell may offer its files"""
NO_BLANK: Final = ":no-blank"
"""as above: no blank is to be put behind the word"""
_ASSIGNMENT: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*=")


def answer(root: click.Command) -> None:
    """Write the words that the environment asks for on stdout and end the process; never an error.

    The process ends at once, because a server that does not answer may still be waited for.
    """
    with contextlib.suppress(BaseException):
        for line in words(root, os.environ):
            sys.stdout.write(line + "\n")
        sys.stdout.flush()
    os._exit(0)


def words(root: click.Command, environ: Mapping[str, str]) -> list[str]:
    """The lines of the answer to what ``environ`` asks."""
    from click.shell_completion import ShellComplete, split_arg_string

    # The word at the cursor may be empty; with a letter on it it is not, and is split like the others.
    line = environ.get(LINE, "")
    if line.endswith("\\"):  # it would be taken for the letter's
        return []
    *typed, last = split_arg_string(line + "x")
    while typed and _ASSIGNMENT.match(typed[0]):
        del typed[0]
    incomplete = last[:-1]
    if not typed:  # the program's own name is being typed
        return []
    items = ShellComplete(root, {}, "blackboard", SHELL).get_completions(typed[1:], incomplete)
    option, equals, _ = incomplete.partition("=")
    before = option + equals if equals and option.startswith("-") else ""
    found = [item for item in items if item.type == "plain" and _fits(before + item.value, incomplete)]
    if not found and any(item.type in ("file", "dir") for item in items):
        return [FILES]
    return _FORMS[environ[SHELL]]([(before + item.value, _told(item)) for item in found], incomplete, environ)


def _fits(word: str, incomplete: str) -> bool:
    return word.startswith(incomplete) and SAFE.match(word) is not None


def _told(item: CompletionItem) -> str:
    """The help of a word on one short line."""
    from blackboard.terminal import sanitize

    text = sanitize(" ".join((item.help or "").split()))
    return text if len(text) <= 80 else text[:79] + "…"


def _for_bash(found: Sequence[tuple[str, str]], incomplete: str, environ: Mapping[str, str]) -> list[str]:
    """What takes the place of the part that bash replaces: whole words without what stands in front of that."""
    part = environ.get(PART, incomplete)
    stays = len(incomplete) - len(part) if incomplete.endswith(part) else 0
    if not any(word.endswith(OPEN_ENDED) for word, _ in found):
        return [word[stays:] for word, _ in found]
    return [NO_BLANK, *(word[stays:] + ("" if word.endswith(OPEN_ENDED) else " ") for word, _ in found)]


def _for_zsh(found: Sequence[tuple[str, str]], _incomplete: str, _environ: Mapping[str, str]) -> list[str]:
    """``word:help``, a colon in the word with a backslash, as ``_describe`` reads it; those that go on at the end."""
    whole = [f"{word.replace(':', chr(92) + ':')}:{told}" for word, told in found if not word.endswith(OPEN_ENDED)]
    going_on = [word for word, _ in found if word.endswith(OPEN_ENDED)]
    return [*whole, NO_BLANK, *going_on] if going_on else whole


def _for_fish(found: Sequence[tuple[str, str]], _incomplete: str, _environ: Mapping[str, str]) -> list[str]:
    """``word TAB help``; fish sees by itself where no blank belongs."""
    return [f"{word}\t{told}" for word, told in found]


_FORMS: Final[Mapping[str, Callable[[Sequence[tuple[str, str]], str, Mapping[str, str]], list[str]]]] = {
    "bash": _for_bash,
    "zsh": _for_zsh,
    "fish": _for_fish,
}
