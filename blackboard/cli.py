"""The root command: a table of sub-commands, each imported only when it runs, and one place for exit codes.

A command is a ``click.Command`` named by string, because most live in packages that this one does not
know.  What its function returns is its exit code, one of :mod:`blackboard.exit_codes` (``None`` is 0).
"""

from __future__ import annotations

import errno
import importlib
import io
import os
import sys
from typing import TYPE_CHECKING, Final, NamedTuple

import click

from blackboard import __version__, exit_codes
from blackboard.calling import ENDS_PROCESS
from blackboard.errors import BlackboardError
from blackboard.terminal import sanitize

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from click.shell_completion import CompletionItem


class Entry(NamedTuple):
    """Where a command is (``module:attribute``), and its line in the help of the root."""

    target: str
    summary: str


COMMANDS: Final[Mapping[str, Entry]] = {
    "run": Entry("scenarios.commands.run:command", "Run a scenario on a new board and say how it went."),
    "check": Entry("scenarios.commands.check:command", "Say what is wrong with a scenario file, without running it."),
    "graph": Entry("scenarios.commands.graph:command", "Draw who watches and writes what, as a Mermaid flowchart."),
    "watch": Entry("controller.commands.watch:command", "Show a board live, and as it was, and why."),
    "boards": Entry("blackboard.commands.boards:command", "List the boards of a server, or remove one."),
    "ls": Entry("blackboard.commands.ls:command", "List the records that match a pattern."),
    "get": Entry("blackboard.commands.get:command", "Show one record: its value and where it came from."),
    "history": Entry("blackboard.commands.history:command", "Show every version of a record that the log holds."),
    "at": Entry("blackboard.commands.at:command", "List the records as they were at a revision."),
    "diff": Entry("blackboard.commands.diff:command", "Show what differs between two revisions, or two runs."),
    "log": Entry("blackboard.commands.log:command", "Show, limit and trim the log; name revisions that stay."),
    "export": Entry("blackboard.commands.export:command", "Write a whole board to one file of JSON lines."),
    "replay": Entry("blackboard.commands.replay:command", "Check such a file, and list its records at a revision."),
    "post": Entry("knowledge_sources.commands.post:command", "Write a record, guarded if asked."),
    "why": Entry("controller.commands.why:command", "Explain a record or a case: who fired, on what, in what order."),
    "agenda": Entry("controller.commands.agenda:command", "Show what is to fire next, in order, and what runs."),
    "waits": Entry("controller.commands.waits:command", "Who waits for which record that others are to write."),
    "why-not": Entry("controller.commands.why_not:command", "Explain why an agent has not fired, clause by clause."),
    "pause": Entry("controller.commands.flow:pause", "Dispatch nothing more on a board until it is resumed."),
    "resume": Entry("controller.commands.flow:resume", "Let the controller of a board go on by itself."),
    "step": Entry("controller.commands.flow:step", "Dispatch the next few on a board that is paused, or a chosen one."),
    "focus": Entry("controller.commands.focus:command", "Let only some agents, regions or cases fire, for a while."),
    "agents": Entry("knowledge_sources.commands.agents:command", "List the agents of a board, or show one."),
    "escalations": Entry("controller.commands.escalations:command", "List the questions to people, or answer one."),
    "override": Entry("controller.commands.override:command", "Order what becomes of activations; list, revoke."),
    "revert": Entry("controller.commands.revert:command", "Undo what was done for a case, the latest first."),
    "report": Entry("scenarios.commands.report:command", "Sum up a run: outcomes, cost, latency, overhead."),
    "doctor": Entry("blackboard.commands.doctor:command", "Check the server's settings against what is promised."),
    "completion": Entry("blackboard.commands.completion:command", "Print what completes command lines in a shell."),
}


class LazyGroup(click.Group):
    """A group whose help comes from a table of entries and whose commands are imported to be run."""

    def __init__(self, entries: Mapping[str, Entry], *, name: str, help: str) -> None:  # noqa: A002  click's name
        super().__init__(
            name, help=help, no_args_is_help=True, context_settings={"help_option_names": ["-h", "--help"]}
        )
        self._entries = entries

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(self._entries)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in self._entries:
            return None
        module, _, attribute = self._entries[cmd_name].target.partition(":")
        command = getattr(importlib.import_module(module), attribute)
        if not isinstance(command, click.Command):
            raise TypeError(f"{module}:{attribute} is not a command")
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, entry.summary) for name, entry in self._entries.items()])

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        from click.shell_completion import CompletionItem

        named = [CompletionItem(name, help=entry.summary) for name, entry in self._entries.items()]
        return [*named, *click.Command.shell_complete(self, ctx, incomplete)]  # the group's own would import them all

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        name = args[0]
        if name not in self._entries and not name.startswith("-"):
            import difflib

            nearest = difflib.get_close_matches(name, self._entries, n=1)
            hint = f" Did you mean {nearest[0]!r}?" if nearest else ""
            raise click.UsageError(f"No such command {name!r}.{hint}", ctx=ctx)
        return super().resolve_command(ctx, args)


def build_root(entries: Mapping[str, Entry] = COMMANDS) -> LazyGroup:
    """The command ``blackboard`` with the commands of ``entries``."""
    root = LazyGroup(
        entries,
        name="blackboard",
        help="Agents share one board; a controller decides who fires next. All of it can be asked afterwards.",
    )
    return click.version_option(__version__, message="blackboard %(version)s")(root)


def main(arguments: Sequence[str] | None = None, *, root: click.Command | None = None) -> int:
    """Run the command line ``arguments`` (those of the process unless given) and return the exit code.

    Without ``arguments`` the process may be ended, with that code, where an agent does not end.
    Every failure is one message on stderr.  ``BLACKBOARD_TRACEBACK=1`` adds the traceback.  With
    ``_BLACKBOARD_COMPLETE`` in the environment the process answers a shell that completes a line, and nothing else.
    """
    ends_process = arguments is None
    arguments = sys.argv[1:] if arguments is None else list(arguments)
    command = root or build_root()
    if ends_process and os.environ.get("_BLACKBOARD_COMPLETE"):
        from blackboard.commands.completing import answer

        answer(command)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):  # what a terminal's encoding lacks is shown, not raised
            stream.reconfigure(errors="backslashreplace")
    try:
        with command.make_context("blackboard", list(arguments)) as context:
            context.meta[ENDS_PROCESS] = _told if ends_process else None
            code = command.invoke(context)
        sys.stdout.flush()
    except click.exceptions.Exit as exit_:
        return exit_.exit_code
    except BaseException as error:  # noqa: BLE001  the last place that can turn an error into an exit code
        return _told(error)
    return code if isinstance(code, int) else exit_codes.OK


def _told(error: BaseException) -> int:
    """Tell of ``error`` in one message on stderr; returns its exit code."""
    if isinstance(error, click.ClickException):
        return _report_usage(error)
    if isinstance(error, KeyboardInterrupt | click.Abort):
        _say("interrupted")
        return exit_codes.INTERRUPTED
    if isinstance(error, BrokenPipeError):
        _detach_stdout()
        return exit_codes.OUTPUT_CLOSED
    # A sys.exit() in code that a scenario loads does not choose ours.
    return _report_error(error)


def _report_usage(error: click.ClickException) -> int:
    shown = io.StringIO()
    error.show(shown)
    sys.stderr.write(sanitize(shown.getvalue(), keep="\n"))
    return exit_codes.USAGE


def _report_error(error: BaseException) -> int:
    wants_traceback = os.environ.get("BLACKBOARD_TRACEBACK", "") not in ("", "0")
    if wants_traceback:
        import traceback

        sys.stderr.write(sanitize("".join(traceback.format_exception(error)), keep="\n"))
    while isinstance(error, BaseExceptionGroup) and len(error.exceptions) == 1:
        error = error.exceptions[0]
    if isinstance(error, BlackboardError):
        _say(str(error) or type(error).__name__)
        return error.exit_code
    if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO):
        _detach_stdout()
        _say(f"what was to be written could not be: {error.strerror}")
        return exit_codes.OUTPUT_CLOSED
    hint = "" if wants_traceback else " (BLACKBOARD_TRACEBACK=1 shows where)"
    _say(f"internal error: {type(error).__name__}: {error}{hint}")
    return exit_codes.INTERNAL


def _say(message: str) -> None:
    sys.stderr.write(f"blackboard: {sanitize(message, keep=chr(10))}\n")


def _detach_stdout() -> None:
    """Point stdout at nothing, so that the interpreter's last flush does not fail again."""
    null = os.open(os.devnull, os.O_WRONLY)
    os.dup2(null, sys.stdout.fileno())
    os.close(null)
