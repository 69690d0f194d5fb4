"""``blackboard doctor``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import click

from blackboard import exit_codes
from blackboard.commands.target import Target, emit, open_backend, server_options

if TYPE_CHECKING:
    from blackboard.console import SafeConsole
    from blackboard.diagnosis import Finding

STYLES: Final = {"ok": "green", "warn": "yellow", "unverified": "yellow", "broken": "bold red"}


@click.command("doctor")
@server_options
async def command(target: Target) -> int:
    """Check the server's settings, and what is installed here, against what is promised.

    Each line is ok, warn, unverified (the server does not tell) or broken; only broken makes the exit code 4.

    \b
    Examples:
      blackboard doctor
      blackboard doctor --url redis://db:6379 -o json
    """
    from blackboard.diagnosis import examine_installation

    findings = [*await _examine(target), *examine_installation()]
    emit(target, [finding._asdict() for finding in findings], lambda console: _render(console, findings))
    return exit_codes.NO_BACKEND if any(finding.verdict == "broken" for finding in findings) else exit_codes.OK


async def _examine(target: Target) -> list[Finding]:
    from blackboard.diagnosis import Finding, examine_server
    from blackboard.errors import NoBackend

    try:
        async with open_backend(target, create=True) as backend:
            return await examine_server(backend)
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
