"""``blackboard run``."""

from __future__ import annotations

import asyncio
import contextlib
import shlex
import signal
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from blackboard.commands.offers import board_names
from blackboard.commands.target import Target, emit, open_backend, server_options
from blackboard.exit_codes import INTERRUPTED, OK
from scenarios.commands.offers import scenario_names

if TYPE_CHECKING:
    from collections.abc import Iterator

    from blackboard.backend import Backend
    from blackboard.console import SafeConsole
    from scenarios.commands.run_screen import RunScreen, Silent
    from scenarios.commands.run_view import RunView
    from scenarios.runner import Options
    from scenarios.summary import Summary
    from scenarios.verdict import Finished


@click.command("run")
@click.argument("scenarios", nargs=-1, required=True, metavar="SCENARIO...", shell_complete=scenario_names)
@click.option("--set", "sets", multiple=True, metavar="PATH=VALUE", help="Lay a value over the file first.")
@click.option("--input", "input_file", type=click.Path(path_type=Path), help="Lines to use instead of its own input.")
@click.option(
    "--board",
    "-b",
    metavar="NAME",
    help="The board's name; default: a new one, SCENARIO@n.",
    shell_complete=board_names,
)
@click.option("--resume", is_flag=True, help="Go on with the last run that is not finished.")
@click.option("--stay", is_flag=True, help="Go on serving when nothing is left to do; limits.run.time does not count.")
@click.option("--pause", is_flag=True, help="Dispatch nothing until 'blackboard step' or 'resume' says so.")
@click.option("--recommend", is_flag=True, help="As --pause, and say whom the controller would pick.")
@click.option(
    "--view", is_flag=True, help="Watch it in the viewer, which stays when the run has ended; ? tells the keys."
)
@click.option("--write", is_flag=True, help="With --view: allow answers, orders, pause, step and post from it.")
@click.option("--by", metavar="NAME", help="With --write: who you are; default: your user name.")
@click.option("--quiet", "-q", is_flag=True, help="Show only what failed, and where the board is.")
@server_options
async def command(
    target: Target,
    *,
    scenarios: tuple[str, ...],
    sets: tuple[str, ...],
    input_file: Path | None,
    resume: bool,
    stay: bool,
    pause: bool,
    recommend: bool,
    view: bool,
    write: bool,
    by: str | None,
    quiet: bool,
) -> int:
    """Run each SCENARIO, a file, a folder or a shipped name, on a new board, and say how it went.

    It ends when nothing is left to do or only people are awaited. 1: an expectation failed; 6: out of time,
    or stalled. Ctrl-C and SIGTERM end it, too: what runs is handed back.

    With --view, q leaves the viewer: after the end for the summary, as -o and -q have it, before that for the plain
    progress of the run, which goes on.

    \b
    Examples:
      blackboard run process_return
      blackboard run double_refund --set guard=off --view
      blackboard run my/scenario.yaml --input today.jsonl -o json
      blackboard run process_return --resume
    """
    from blackboard.errors import UsageError
    from blackboard.user_name import user_name
    from scenarios.loading import load_scenario
    from scenarios.runner import Options

    if len(scenarios) > 1 and (target.board or stay or input_file is not None):
        raise UsageError("--board, --stay and --input are for one scenario")
    _check_view(view=view, write=write, by=by, number=len(scenarios))
    # A mistake in the last one is told before the first one runs.
    names = [load_scenario(scenario, sets).name for scenario in scenarios]
    options = Options(
        sets, input_file, target.board or "", resume, stay,
        halted="recommend" if recommend else "paused" if pause else "", by=by or user_name(),
    )  # fmt: skip
    codes, documents = [], []
    async with open_backend(target, create=True) as backend:
        if options.halted and backend.kind == "memory" and not write:
            raise UsageError(
                "--pause and --recommend wait for another process, which no board at memory: has, or for --view --write"
            )
        for scenario, name in zip(scenarios, names, strict=True):
            plain = _plain(target, name, quiet=quiet)
            onlooker = _viewer(plain, options.by if write else "") if view else plain
            finished = await _run(backend, scenario, options, onlooker)
            summary = _summary(finished, backend, target, scenario)
            documents.append(summary.as_document())
            if target.output != "json" or len(scenarios) == 1:
                emit(target, documents[-1], _renderer(summary, quiet=quiet))
            codes.append(finished.exit_code)
            if codes[-1] == INTERRUPTED:
                break
    if target.output == "json" and len(scenarios) > 1:
        emit(target, documents, _nothing)
    return INTERRUPTED if INTERRUPTED in codes else next((code for code in codes if code), OK)


def _check_view(*, view: bool, write: bool, by: str | None, number: int) -> None:
    """Refuse options that go with others, and a viewer without a terminal."""
    from blackboard.errors import UsageError
    from controller.giving import check_name

    if by is not None and not write:
        raise UsageError("--by says who writes: it goes with --write")
    if write and not view:
        raise UsageError("--write is for the viewer: it goes with --view")
    if by is not None:
        check_name(by)
    if not view:
        return
    if number > 1:
        raise UsageError("--view is for one scenario")
    streams = {"input": sys.stdin, "output": sys.stdout, "error": sys.stderr}
    missing = [name for name, stream in streams.items() if not stream.isatty()]
    if missing:
        raise UsageError(f"--view needs a terminal, and standard {' and '.join(missing)} is none")


def _viewer(plain: Silent | RunScreen, by: str) -> RunView:
    from scenarios.commands.run_view import RunView

    return RunView(plain, by)


def _plain(target: Target, name: str, *, quiet: bool) -> Silent | RunScreen:
    from blackboard.console import SafeConsole
    from scenarios.commands.run_screen import RunScreen, Silent

    # The stream as it is now: while agents run, sys.stdout is theirs.
    return Silent() if quiet or target.output != "text" else RunScreen(SafeConsole(sys.stdout), name)


async def _run(backend: Backend, scenario: str, options: Options, onlooker: Silent | RunScreen | RunView) -> Finished:
    from scenarios.runner import run_scenario

    try:
        with _stopped_by(signal.SIGTERM):
            return await run_scenario(backend, scenario, options, onlooker)
    finally:
        onlooker.close()


@contextlib.contextmanager
def _stopped_by(signal_: signal.Signals) -> Iterator[None]:
    """The task that is in here is cancelled by the signal, as asyncio has it for SIGINT, so that it can hand back."""
    loop, task = asyncio.get_running_loop(), asyncio.current_task()
    if task is None or threading.current_thread() is not threading.main_thread():
        yield  # signals reach the main thread only
        return
    loop.add_signal_handler(signal_, task.cancel)
    try:
        yield
    except asyncio.CancelledError as cancelled:  # before there was anything to hand back
        raise KeyboardInterrupt from cancelled
    finally:
        loop.remove_signal_handler(signal_)


def _summary(finished: Finished, backend: Backend, target: Target, scenario: str) -> Summary:
    from blackboard.control_records import ESCALATIONS
    from scenarios.report import build_report
    from scenarios.summary import Summary

    flags = f"--url {shlex.quote(target.url)}" if target.url is not None and "@" not in target.url else ""
    resume = ["run", shlex.quote(scenario), "--resume", "--board", finished.board, flags]
    asked = next(((key, one) for key, one in finished.evidence.escalations.items() if one["status"] == "open"), None)
    return Summary(
        build_report(finished.evidence),
        finished.results,
        backend.url,
        finished.ending,
        flags=flags,
        question=(asked[0].removeprefix(ESCALATIONS), (asked[1]["choices"] or ["ANSWER"])[0]) if asked else None,
        resume=" ".join(part for part in resume if part) if finished.status != "finished" else "",
    )


def _renderer(summary: Summary, *, quiet: bool) -> Any:
    from scenarios.summary import render_failures, render_summary

    def render(console: SafeConsole) -> None:
        if quiet:
            render_failures(console, summary)
        else:
            console.print()
            render_summary(console, summary)

    return render


def _nothing(_console: SafeConsole) -> None:
    """For a document that only JSON shows."""
