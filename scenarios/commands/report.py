"""``blackboard report``."""

from __future__ import annotations

import click

from blackboard.commands.target import Target, board_options, emit, open_board


@click.command("report")
@click.option("--case", metavar="KEY", help="The case whose decisions are shown; default: the most telling one.")
@click.option(
    "--per-day",
    type=click.IntRange(1, 1_000_000_000),
    default=10_000,
    show_default=True,
    metavar="N",
    help="Interactions of the day that is projected: one case is one.",
)
@board_options
async def command(target: Target, *, case: str | None, per_day: int) -> None:
    """Sum up a board's run: outcomes, agents, cost, latency, overhead, and how one case was decided.

    \b
    Examples:
      blackboard report
      blackboard report --per-day 50000
      blackboard report --board process_return@3 --case return/R-1007 -o json
    """
    from blackboard.errors import NothingSelected
    from knowledge_sources.nearest import did_you_mean
    from scenarios.evidence import read_evidence
    from scenarios.report import build_report
    from scenarios.report_view import render_report

    async with open_board(target) as board:
        evidence = await read_evidence(board)
    if case is not None and case not in evidence.cases:
        raise NothingSelected(f"no case {case!r} on board {board.name}{did_you_mean(case, evidence.cases)}")
    report = build_report(evidence, case=case, per_day=per_day)
    emit(target, report.as_document(), lambda console: render_report(console, report))
