"""The end of a run: what came of it, whether that was expected, where the board is and what to type next."""

from __future__ import annotations

import shlex
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from blackboard.command_name import command_name
from blackboard.console import shown
from scenarios.report_view import render_report

if TYPE_CHECKING:
    from blackboard.console import SafeConsole
    from scenarios.expectations import Result
    from scenarios.figures import Report


@dataclass(frozen=True, slots=True)
class Summary:
    """A finished run.  ``url`` is fit to be shown; ``ending`` says in words why the run ended."""

    report: Report
    results: tuple[Result, ...]
    url: str
    ending: str
    flags: str = ""
    """what has to be typed behind every command that is to find the board, such as ``--url unix:///tmp/s``"""
    question: tuple[str, str] | None = None
    """the id of an open question and one of its choices"""
    resume: str = ""
    """the words after ``blackboard`` that go on with the run, where there is something to go on with"""

    @property
    def passed(self) -> bool:
        """Whether every expectation came true."""
        return all(result.passed for result in self.results)

    def as_document(self) -> dict[str, Any]:
        """The whole summary as one document, for JSON."""
        return {
            **self.report.as_document(),
            "ending": self.ending,
            "passed": self.passed,
            "expectations": [result._asdict() for result in self.results],
            "url": self.url,
            "next": [{"command": command, "why": why} for command, why in next_commands(self)],
        }


def next_commands(summary: Summary) -> list[tuple[str, str]]:
    """What is worth typing now: each command with what it is for; nothing where the board ended with the process."""
    report = summary.report
    if summary.url == "memory:":
        return []
    board = f" --board {report.board}" + (f" {summary.flags}" if summary.flags else "")
    program = command_name()
    commands = []
    if report.totals.escalations_open:
        commands.append((f"{program} escalations{board}", "the questions that wait for a person"))
    if summary.question is not None:
        question, choice = summary.question
        commands.append((f"{program} escalations answer {question} {shlex.quote(choice)}{board}", "answer one"))
    if summary.resume:
        commands.append((f"{program} {summary.resume}", "go on with this run"))
    failed = next((result for result in summary.results if result.counter_example), None)
    for result in (failed,) if failed is not None and not failed.passed else ():
        key = result.counter_example.rpartition("@")[0]
        commands.append((f"{program} why {shlex.quote(key)}{board}", "how the record came about that was not expected"))
    if report.path is not None:
        commands.append((f"{program} why {shlex.quote(report.path.case)}{board}", "this case, step by step"))
    commands.append((f"{program} report{board}", "these figures again"))
    commands.append((f"{program} watch{board}", "the board itself"))
    return commands


def render_summary(console: SafeConsole, summary: Summary) -> None:
    """Write the summary of a run for a person."""
    render_report(console, summary.report)
    if summary.results:
        console.print()
        console.print(shown("Expectations", "bold"))
        for result in summary.results:
            _render_result(console, result)
    console.print()
    _render_ending(console, summary)
    commands = next_commands(summary)
    if not commands:
        console.print(shown("It was in memory and is gone; --url embedded:.blackboard keeps one"))
        return
    console.print(shown("Next:"))
    width = max(len(command) for command, _ in commands)
    for command, why in commands:
        console.print(shown(f"  {command:<{width}}  # {why}"))


def render_failures(console: SafeConsole, summary: Summary) -> None:
    """Write what did not come true, and where to look."""
    for result in summary.results:
        if not result.passed:
            _render_result(console, result)
    _render_ending(console, summary)


def _render_result(console: SafeConsole, result: Result) -> None:
    mark, style = ("ok", "green") if result.passed else ("FAILED", "bold red")
    console.print(shown(f"  {mark:<7}{result.expectation}: {result.sentence}", style))


def _render_ending(console: SafeConsole, summary: Summary) -> None:
    console.print(shown(f"Ended: {summary.ending}"))
    console.print(shown(f"Board: {summary.report.board} at {summary.url}"))
