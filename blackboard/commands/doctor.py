"""``blackboard doctor``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import click

from blackboard import exit_codes
from blackboard.commands.target import Target, board_options, emit, open_backend

if TYPE_CHECKING:
    from blackboard.console import SafeConsole
    from blackboard.diagnosis import Finding

STYLES: Final = {"ok": "green", "warn": "yellow", "unverified": "yellow", "broken": "bold red"}


@click.command("doctor")
@click.option("--deep", is_flag=True, help="Look into every board too, or the one of --board: digests, log, records.")
@board_options
async def command(target: Target, *, deep: bool) -> int:
    """Check the server's settings, and what is installed here, against what is promised.

    Each line is ok, warn, unverified (the server does not tell) or broken; only broken makes the exit code 4.
    With --deep every record and every commit is read: each has its digest, and the log folds to the records.

    \b
    Examples:
      blackboard doctor
      blackboard doctor --deep
      blackboard doctor --url redis://db:6379 -o json
    """
    from blackboard.diagnosis import examine_installation
    from blackboard.errors import UsageError

    if target.board is not None and not deep:
        raise UsageError("--board is for --deep: without it only the server is looked at")
    findings = [*await _examine(target, deep=deep), *examine_installation()]
    emit(target, [finding._asdict() for finding in findings], lambda console: _render(console, findings))
    return exit_codes.NO_BACKEND if any(finding.verdict == "broken" for finding in findings) else exit_codes.OK


async def _examine(target: Target, *, deep: bool) -> list[Finding]:
    from blackboard.diagnosis import Finding, examine_boards, examine_server
    from blackboard.errors import NoBackend

    try:
        async with open_backend(target, create=not deep) as backend:
            findings = await examine_server(backend)
            return [*findings, *await examine_boards(backend, target.board)] if deep else findings
    except NoBackend as error:
        return [Finding("server", "broken", "no answer", str(error))]


def _render(console: SafeConsole, findings: list[Finding]) -> None:
    from blackboard.console import shown

    width = max(len(finding.check) for finding in findings)
    for finding in findings:
        line = shown(f"{finding.verdict:<10}", STYLES[finding.verdict])
        console.print(line.append_text(shown(f"  {finding.check:<{width}}  {finding.found}")))
        for advice in finding.advice.splitlines():
            console.print(shown(f"{'':<{width + 12}}  {advice.strip()}", "dim"))
